"""LightGBM: one small ensemble for one target. Not for quantiles: see `_conformal`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd

from recsysops.model._asof import Floats
from recsysops.model._shadow import RISING
from recsysops.settings import ModelSettings

if TYPE_CHECKING:
    import lightgbm

_THREADED: Final = 50_000
SMALL: Final = 5_000
"""Below this many rows the settings for small data hold."""
_SMALL_TOLD: Final = 1_500
"""The same where the recommender's answers are among the features: so strong a signal needs fewer rows."""
_ROUNDS_SMALL: Final = 300
_ROUNDS_LARGE: Final = 80
_ROUNDS_ROUGH: Final = 60
_THRESHOLDS: Final = re.compile(r"^threshold=.*$", re.MULTILINE)
_SIZES: Final = re.compile(r"^tree_sizes=.*\n", re.MULTILINE)
_INFINITE: Final = re.compile(r"\binf\b")
_LARGE: Final = "9.9999999999999997e+99"
_BAG: Final = 3


@dataclass(frozen=True)
class Ensemble:
    """Boosters whose mean is the answer, and the columns they were given, in order."""

    boosters: "tuple[lightgbm.Booster, ...]"
    columns: tuple[str, ...]

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Return one number per row of a feature frame; a column the frame lacks is missing in every row."""
        if frame.empty:
            return np.zeros(len(frame))
        named = as_given(frame, self.columns)
        answers = [booster.predict(named, num_threads=1, validate_features=True) for booster in self.boosters]
        return cast(Floats, np.mean(np.array(answers, dtype=np.float64), axis=0))

    def predict_columns(self, columns: Mapping[str, Floats]) -> Floats:
        """Return what `predict` does for features that are in no frame: for few rows, making one costs most.

        Args:
            columns: Column to its values, shape (n rows,) each; LightGBM gets them by name and in its own order.
        """
        n = len(next(iter(columns.values()), ()))
        matrix = np.full((n, len(self.columns)), np.nan)
        for at, name in enumerate(self.columns):
            if name in columns:
                matrix[:, at] = columns[name]
        if not n:
            return np.zeros(0)
        answers = [booster.predict(matrix, num_threads=1) for booster in self.boosters]
        return cast(Floats, np.mean(np.array(answers, dtype=np.float64), axis=0))

    def texts(self) -> list[str]:
        """Return the boosters in LightGBM's text format."""
        return [booster.model_to_string() for booster in self.boosters]

    @classmethod
    def from_texts(cls, texts: Sequence[str], columns: Sequence[str]) -> "Ensemble":
        """Undo `texts`. Only for text whose checksum was verified: LightGBM may abort the process on a damaged one."""
        import lightgbm

        return cls(tuple(lightgbm.Booster(model_str=text) for text in texts), tuple(columns))


def fit(
    frame: pd.DataFrame,
    target: Floats,
    settings: ModelSettings,
    *,
    weight: Floats | None = None,
    is_rough: bool = False,
    is_told: bool = False,
) -> Ensemble:
    """Fit an ensemble to a target; the same input gives the same ensemble, bit for bit.

    Rounds are fixed by the size of the data: nothing is stopped early on data that is scored later. Columns that do not
    vary are left out. In what the recommender said it would do with a title, the answer never falls. A rough fit is a
    single booster with few rounds, for a target that needs no more.

    Args:
        frame: Features, one row per launch.
        target: What to predict, shape (n,).
        settings: Seed, threads and the size of trees.
        weight: What each row counts, above 0; None: all the same.
        is_rough: Whether a rough fit will do.
        is_told: Whether each row has an answer of the recommender.
    """
    import lightgbm

    columns = tuple(str(name) for name in frame.columns[frame.nunique(dropna=False).to_numpy() > 1])
    n_rows = len(frame) if weight is None else round(float(weight.sum()))
    is_small = n_rows < (_SMALL_TOLD if is_told else SMALL)
    boosters = []
    rounds = settings.rounds or (_ROUNDS_SMALL if is_small else _ROUNDS_LARGE)
    rising = {} if is_rough else _rising(columns)
    common = _params(n_rows, settings, is_small=is_small) | rising
    how = {key: common[key] for key in ("verbose", "max_bin", "num_threads")}
    data = lightgbm.Dataset(as_given(frame, columns), target, weight=weight, params=how)
    for member in range(1 if is_rough else _BAG):
        params = common | {"seed": settings.seed * 100 + member}
        boosters.append(lightgbm.train(params, data, _ROUNDS_ROUGH if is_rough else rounds))
    # A booster that came from text predicts from the same text it is stored as.
    return Ensemble.from_texts([_finite(booster.model_to_string()) for booster in boosters], columns)


def _finite(text: str) -> str:
    """Write the threshold between all numbers and a missing one as a large number: LightGBM writes it as infinite."""
    # Without the sizes of its trees a text is read tree by tree; the booster writes them anew.
    return _THRESHOLDS.sub(lambda line: _INFINITE.sub(_LARGE, line[0]), _SIZES.sub("", text))


def side_by_side(n_rows: int, settings: ModelSettings) -> int:
    """Return how many fits to run at once: a fit on few rows uses one thread, so several use the others."""
    return settings.threads if n_rows < _THREADED else 1


def _params(n_rows: int, settings: ModelSettings, *, is_small: bool) -> dict[str, Any]:
    # Below this many rows threads wait for each other longer than they work, on a busy machine many times longer.
    threads = settings.threads if n_rows >= _THREADED else 1
    common = {
        "num_threads": threads,
        "objective": "l2", "lambda_l2": 5.0, "bagging_fraction": 0.8, "bagging_freq": 1, "verbose": -1,
        "deterministic": True,
        "force_row_wise": True, "feature_fraction": 0.5,
    }  # fmt: skip
    named = {
        "num_leaves": settings.leaves, "learning_rate": settings.learning_rate,
        "feature_fraction": settings.feature_fraction, "min_data_in_leaf": settings.min_data_in_leaf,
    }  # fmt: skip
    chosen = {name: value for name, value in named.items() if value is not None}
    if is_small:
        # Random thresholds and few leaves: with some hundred launches the variance is what hurts.
        small = {"num_leaves": 7, "learning_rate": 0.04, "extra_trees": True, "max_bin": 127}
        least = int(np.clip(n_rows // 40, 5, 30))
        return common | small | {"min_data_in_leaf": least} | chosen
    return (
        common
        | {"num_leaves": 23, "learning_rate": 0.1, "max_bin": 63, "min_data_in_leaf": 40 if n_rows >= SMALL else 20}
        | chosen
    )


def _rising(columns: Sequence[str]) -> dict[str, Any]:
    """Return the constraint that holds a model from falling in what the recommender said."""
    signs = [int(name in RISING) for name in columns]
    return {"monotone_constraints": signs} if any(signs) else {}


def as_given(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the columns of a feature frame as boosters know them; a column the frame lacks is missing in every row."""
    # Values of metadata stand in feature names, and LightGBM refuses some characters: it gets numbers instead.
    chosen = frame.reindex(columns=list(columns)).astype(np.float64)
    return chosen.set_axis([f"f{at:04d}" for at in range(len(columns))], axis=1)
