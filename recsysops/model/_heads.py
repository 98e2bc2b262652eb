"""The boosted heads of a model: one for launches the recommender was asked about, one for all others.

A head that must serve both learns neither well: where there is no answer it has to unlearn what the answer told it.
Past launches relabelled by asking without some fields teach the head without answers what these fields are worth. The
other one hears that from the answer; it learns from them only where past launches hardly ever lacked such a field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.model._asof import Floats
from recsysops.model._boosting import Ensemble, fit
from recsysops.model._relabelled import WEIGHT, Relabelled
from recsysops.model._shadow import JOINT
from recsysops.settings import ModelSettings

Mask = npt.NDArray[np.bool_]

_LEAST: Final = 100
"""With fewer launches that were asked about, no head of their own is learned."""
_SEEN: Final = 30
"""Launches without a field that tell by themselves what it is worth."""
_MISSING: Final = "|missing"
_ANSWERED: Final = "|shadow_age"
"""Column that is known wherever the recommender said anything."""
_OF_ANSWERS: Final = "|shadow_"
"""Columns that hold what the recommender said begin so."""


@dataclass(frozen=True)
class Heads:
    """Two ensembles, of which each row is answered by one."""

    point: Ensemble
    """Knows no answer of the recommender."""
    informed: Ensemble | None = None
    """For rows with an answer; None where too few launches were asked about."""

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Return one number per row of a feature frame."""
        return self.predict_columns({str(name): frame[name].to_numpy() for name in frame.columns})

    def predict_columns(self, columns: Mapping[str, Floats]) -> Floats:
        """Return what `predict` does for features that are in no frame; shape (n rows,) each."""
        is_told = self._told(columns)
        result = np.zeros(len(is_told))
        for head, own in ((self.point, ~is_told), (self.informed, is_told)):
            if head is None or not own.any():
                continue
            if own.all():
                result[:] = head.predict_columns(columns)
            else:
                result[own] = head.predict_columns({name: values[own] for name, values in columns.items()})
        return result

    def of(self, frame: pd.DataFrame) -> Ensemble:
        """Return the head that answers the one row of a frame."""
        is_told = self._told({str(name): frame[name].to_numpy() for name in frame.columns})[0]
        return self.informed if is_told and self.informed is not None else self.point

    def _told(self, columns: Mapping[str, Floats]) -> Mask:
        n = len(next(iter(columns.values()), ()))
        if self.informed is None:
            return np.zeros(n, dtype=np.bool_)
        # A recommender that never tells a reach may tell who is eligible: then any answer is one.
        mark = JOINT if JOINT in self.informed.columns else _ANSWERED
        return np.isfinite(columns[mark]) if mark in columns else np.zeros(n, dtype=np.bool_)


def fit_heads(frame: pd.DataFrame, y: Floats, extra: Relabelled | None, settings: ModelSettings) -> Heads:
    """Fit both heads.

    Args:
        frame: Features, one row per past launch.
        y: Outcomes, transformed scale.
        extra: The same launches as they would have been without some fields; None where that is not known.
        settings: Seed, threads and the size of trees.
    """
    reach, answered = (np.isfinite(frame[name].to_numpy()) for name in (JOINT, _ANSWERED))
    is_told = reach if reach.sum() >= _LEAST else answered
    alone = frame.drop(columns=[name for name in frame.columns if str(name).startswith(_OF_ANSWERS)])
    point = _fitted(alone, y, extra, settings, is_told=False)
    if is_told.sum() < _LEAST:
        return Heads(point)
    told = frame[is_told]
    rare = None if extra is None else extra.of_rows(_has_rare_gap(extra.frame, told))
    return Heads(point, _fitted(told, y[is_told], rare, settings, is_told=True))


def _fitted(
    frame: pd.DataFrame, y: Floats, extra: Relabelled | None, settings: ModelSettings, *, is_told: bool
) -> Ensemble:
    if extra is None or not len(extra):
        return fit(frame, y, settings, is_told=is_told)
    rows = pd.concat([frame, extra.frame.reindex(columns=frame.columns)], ignore_index=True)
    weight = np.concatenate([np.ones(len(y)), np.full(len(extra), WEIGHT)])
    return fit(rows, np.concatenate([y, extra.y]), settings, weight=weight, is_told=is_told)


def _has_rare_gap(extra: pd.DataFrame, real: pd.DataFrame) -> Mask:
    """Say which rows lack a field that hardly any of the real launches lacks."""
    rare = [name for name in real.columns if str(name).endswith(_MISSING) and real[name].sum() < _SEEN]
    return np.asarray((extra.reindex(columns=rare) == 1).any(axis=1).to_numpy(), dtype=np.bool_)
