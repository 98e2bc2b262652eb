"""What a trained model consists of, as the bytes of its files, and back. Not for trust: see `_artifacts`."""

import json
from collections.abc import Mapping
from typing import Final

from recsysops.model._boosting import Ensemble
from recsysops.model._conformal import Calibration
from recsysops.model._packing import array_bytes, array_of, json_bytes
from recsysops.model._recipe import Recipe
from recsysops.model._stack import Stack
from recsysops.model._training import TrainedModel

_COLUMNS: Final = "columns.json"
_RECIPE: Final = "recipe.json"
_CALIBRATION: Final = "calibration.json"
_STACK: Final = "stack.json"
_IDF: Final = "text_idf.npy"
_COMPONENTS: Final = "text_components.npy"


def files_of(model: TrainedModel) -> dict[str, bytes]:
    """Return the files of a model by name."""
    ensembles = {"point": model.point, "difficulty": model.difficulty, "informed": model.informed}
    there = {name: ensemble for name, ensemble in ensembles.items() if ensemble is not None}
    columns = {name: list(ensemble.columns) for name, ensemble in there.items()}
    texts = {
        f"{name}_{at}.txt": text.encode()
        for name, ensemble in there.items()
        for at, text in enumerate(ensemble.texts())
    }
    return texts | {
        _COLUMNS: json_bytes(columns),
        _RECIPE: model.recipe.to_json().encode(),
        _IDF: array_bytes(model.recipe.text.idf),
        _COMPONENTS: array_bytes(model.recipe.text.components),
        _CALIBRATION: model.calibration.to_json().encode(),
        _STACK: model.stack.to_json().encode(),
    }


def model_of(files: Mapping[str, bytes]) -> TrainedModel:
    """Undo `files_of`. Only for files whose checksums were verified: LightGBM may abort the process on others."""
    columns: dict[str, list[str]] = json.loads(files[_COLUMNS])
    recipe = Recipe.from_json(files[_RECIPE].decode(), array_of(files[_IDF]), array_of(files[_COMPONENTS]))
    ensembles = {
        name: Ensemble.from_texts([files[key].decode() for key in sorted(files) if key.startswith(f"{name}_")], given)
        for name, given in columns.items()
    }
    calibration = Calibration.from_json(files[_CALIBRATION].decode())
    # Models of an earlier version answered without others beside them.
    stack = Stack.from_json(files[_STACK].decode()) if _STACK in files else Stack()
    return TrainedModel(
        recipe, ensembles["point"], ensembles.get("difficulty"), calibration, stack, ensembles.get("informed")
    )
