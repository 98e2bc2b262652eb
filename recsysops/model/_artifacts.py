"""A trained model as files, and back: every checksum is verified before LightGBM touches a byte. No pickle.

LightGBM may abort or silently mispredict on a damaged model text, so bytes are read once, compared with the manifest,
and only then parsed; the manifest itself is compared with the model's card.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from recsysops.domain.model import ModelCard
from recsysops.errors import ModelError
from recsysops.model._contents import files_of, model_of
from recsysops.model._training import TrainedModel

MANIFEST: Final = "manifest.json"
MODELS: Final = "models"
"""Folder of all models, below the data folder."""


def write(model: TrainedModel, target: str, facts: Mapping[str, object], folder: Path) -> tuple[str, str]:
    """Write a model below `folder`, all of it or nothing.

    Args:
        model: What was trained.
        target: Measure and horizon, the first part of the model's id.
        facts: Training facts for the manifest; JSON values only.
        folder: The data folder.

    Returns:
        The model id, a hash of content and facts, and the SHA-256 of its manifest.
    """
    files = files_of(model)
    listed = {name: {"sha256": _hash(content), "bytes": len(content)} for name, content in sorted(files.items())}
    entries = {"target": target, "facts": dict(facts), "files": listed, "versions": _versions()}
    model_id = f"{target}-{_hash(_json(entries))[:16]}"
    files[MANIFEST] = _json({"model_id": model_id, **entries})
    place = folder / MODELS / model_id
    fresh = place.with_name(f".{model_id}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, content in files.items():
        (fresh / name).write_bytes(content)
    # The id names the content, so whatever stands there already is the same model, or a damaged copy of it.
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)
    return model_id, _hash(files[MANIFEST])


def load(card: ModelCard, folder: Path) -> TrainedModel:
    """Read the model a card names.

    Raises:
        ModelError: A file is missing, was changed, or does not belong there.
    """
    place = folder / card.folder
    manifest = _read(place, MANIFEST, card.model_id)
    if _hash(manifest) != card.manifest_sha256:
        raise _damaged(card.model_id, MANIFEST)
    listed: dict[str, dict[str, Any]] = json.loads(manifest)["files"]
    files = {name: _read(place, name, card.model_id) for name in listed}
    for name, content in files.items():
        if _hash(content) != listed[name]["sha256"] or len(content) != listed[name]["bytes"]:
            raise _damaged(card.model_id, name)
    return model_of(files)


def _read(place: Path, name: str, model_id: str) -> bytes:
    if "/" in name or "\\" in name or name.startswith("."):
        raise _damaged(model_id, name)
    try:
        return (place / name).read_bytes()
    except OSError as error:
        raise ModelError(
            f'Model "{model_id}" cannot be loaded: its file "{name}" cannot be read ({error.strerror}). '
            "Run `recsysops train` to make it anew."
        ) from error


def _damaged(model_id: str, name: str) -> ModelError:
    return ModelError(
        f'Model "{model_id}" cannot be trusted: its file "{name}" does not match its manifest. '
        "Run `recsysops train` to make it anew."
    )


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("lightgbm", "numpy", "pandas", "recsysops", "scikit-learn")}


def _json(entries: object) -> bytes:
    return json.dumps(entries, sort_keys=True, indent=1).encode()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
