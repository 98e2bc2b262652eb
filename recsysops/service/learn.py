"""Learn: hold what was predicted before launch against what happened. Not for training: see `train`."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import (
    ABSOLUTE_ERROR,
    ACTUAL,
    AS_OF,
    CELL_KEY,
    CRPS,
    DENOMINATOR,
    IS_PARTIAL,
    IS_SERVED,
    KNOWN_AT,
    LAUNCH_AT,
    LAUNCH_SCORE,
    LAUNCHES,
    LEAD,
    MEASURE,
    MODEL_ID,
    PINBALL,
    PIT,
    PREDICTOR,
    QUANTILES,
    TARGET_KEY,
    VALUE,
)
from recsysops.domain.run import Run
from recsysops.domain.scoring import draws_of, hold_against
from recsysops.service.context import Context
from recsysops.service.history import read_history
from recsysops.service.ports import UnitOfWork
from recsysops.service.recording import Recorder

KEY = [*TARGET_KEY, LEAD, PREDICTOR, MODEL_ID]
"""Of LAUNCH_SCORE: of each key the row added last counts."""
_SAME = 1e-9


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What was held against its outcome."""

    n_launches: int
    """Launches (title x market x surface) with a new score."""
    n_new: int
    """Predictions scored for the first time."""
    n_corrected: int
    """Scored anew: the outcome was corrected, or a prediction made later counts."""
    n_withdrawn: int
    """Taken back: the launch turned out to have been at another time."""

    @property
    def sentence(self) -> str:
        """What happened, for the record; empty where it is nothing out of the ordinary."""
        said = [f"{self.n_corrected} scores were corrected."] if self.n_corrected else []
        said += [f"{self.n_withdrawn} scores were taken back: the launch moved."] if self.n_withdrawn else []
        return " ".join(said)


@dataclass(frozen=True, kw_only=True)
class LearnReport(Learned):
    """What `learn` did."""

    run: Run


def learn(context: Context, *, as_of: datetime | None = None) -> LearnReport:
    """Hold every stored prediction against its outcome as known at `as_of`, those already scored included."""
    at = context.as_of(as_of)
    recorder = Recorder(context, "learn", at)
    learned = learn_into(context, recorder, at, everything=True)
    counts = {"new": learned.n_new, "corrected": learned.n_corrected, "withdrawn": learned.n_withdrawn}
    return LearnReport(run=recorder.finish(counts=counts), **vars(learned))


def learn_into(context: Context, recorder: Recorder, as_of: datetime, *, everything: bool = False) -> Learned:
    """Do the work of `learn` as a step of another run.

    Args:
        context: The ports.
        recorder: Of the run.
        as_of: Only outcomes known by then count.
        everything: Whether launches whose outcome is unchanged since they were scored are looked at again.
    """
    with recorder.step("learn") as step:
        with context.store.read() as unit:
            new, corrected, withdrawn = _differences(context, unit, as_of, everything=everything)
        rows = pd.concat([new, corrected, withdrawn], ignore_index=True)
        if len(rows):
            with context.store.write() as write:
                write.scores.add(rows)
                write.commit()
        learned = Learned(
            n_launches=len(new[list(CELL_KEY)].drop_duplicates()),
            n_new=len(new),
            n_corrected=len(corrected),
            n_withdrawn=len(withdrawn),
        )
        step.n, step.reason = len(rows), learned.sentence
    return learned


def _differences(
    context: Context, unit: UnitOfWork, as_of: datetime, *, everything: bool
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return LAUNCH_SCORE rows that are new, that differ from those known, and that take one back."""
    oldest = unit.scores.oldest_prediction()
    if oldest is None:
        return (pd.DataFrame(columns=list(LAUNCH_SCORE)),) * 3
    known = unit.scores.latest(since=oldest)
    launches = unit.versions.known(LAUNCHES, as_of)
    outcomes = _outcomes(context, unit, oldest, as_of).merge(launches[[*CELL_KEY, LAUNCH_AT]])
    if not everything:
        outcomes = _unscored(outcomes, known)
    rows = score(unit.scores.standing(outcomes), outcomes)
    new, corrected = _changed(rows, known, as_of)
    return new, corrected, _withdrawn(known, rows, launches, as_of)


def _outcomes(context: Context, unit: UnitOfWork, oldest: datetime, as_of: datetime) -> pd.DataFrame:
    """Return complete outcomes known at `as_of` of launches after the first stored prediction."""
    outcomes = read_history(context, unit).outcomes
    is_known = (outcomes[KNOWN_AT] <= as_of) & (outcomes[LAUNCH_AT] > oldest)
    return outcomes[is_known & ~outcomes[IS_PARTIAL].astype(bool) & (outcomes[DENOMINATOR] > 0)]


def _unscored(outcomes: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return the outcomes that no score rests on yet, as they are now."""
    names = [*TARGET_KEY, LAUNCH_AT]
    scored = known.drop_duplicates(names)[[*names, ACTUAL, DENOMINATOR]]
    both = outcomes[[*names, VALUE, DENOMINATOR]].merge(scored, on=names, how="left", suffixes=("", "_scored"))
    same = np.isclose(both[VALUE], both[ACTUAL], rtol=_SAME, atol=0)
    same &= np.isclose(both[DENOMINATOR], both[f"{DENOMINATOR}_scored"], rtol=_SAME, atol=0)
    return outcomes[~same]


def score(predictions: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Hold predictions against outcomes of the same launch.

    Args:
        predictions: PREDICTION, the lead the one each counts for.
        outcomes: OUTCOMES; complete.

    Returns:
        LAUNCH_SCORE, by key. One number in [0, 1) is drawn for each target and lead, the same for all predictors and
        every time.
    """
    names = [*TARGET_KEY, LAUNCH_AT]
    found = outcomes[[*names, VALUE, DENOMINATOR, KNOWN_AT]].rename(columns={VALUE: ACTUAL})
    rows = predictions.drop(columns=DENOMINATOR).merge(found, on=names)
    parts = [_scored(measure, part) for measure, part in rows.groupby(MEASURE, sort=True)]
    if not parts:
        return pd.DataFrame(columns=list(LAUNCH_SCORE))
    return pd.concat(parts).sort_values(KEY)[list(LAUNCH_SCORE)].reset_index(drop=True)


def _scored(measure: object, rows: pd.DataFrame) -> pd.DataFrame:
    parts = (rows[name].astype("str") for name in (*TARGET_KEY, LEAD))
    keys = ("\x1f".join(key) for key in zip(*parts, rows[LAUNCH_AT].map(pd.Timestamp.isoformat), strict=True))
    quantiles = rows[list(QUANTILES)].to_numpy(dtype=np.float64)
    held = hold_against(str(measure), quantiles, rows[ACTUAL], rows[DENOMINATOR], draws_of(keys))
    return rows.assign(
        **{PIT: held.pit, CRPS: held.crps, PINBALL: held.pinball, ABSOLUTE_ERROR: held.absolute_error}
    )  # fmt: skip


def _changed(rows: pd.DataFrame, known: pd.DataFrame, as_of: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows whose key is new, and those that say something else than the one known; these are known now."""
    if not len(rows):
        return rows, rows
    both = rows[KEY].merge(known, on=KEY, how="left", indicator=True)
    is_new = (both["_merge"] == "left_only").to_numpy()
    moved = _later(both[KNOWN_AT], as_of)
    corrected = rows.assign(**{KNOWN_AT: moved.set_axis(rows.index)})
    return rows[is_new], corrected[~is_new & ~_is_alike(rows, both)]


def _is_alike(rows: pd.DataFrame, both: pd.DataFrame) -> npt.NDArray[np.bool_]:
    exact = [(rows[name].to_numpy() == both[name].to_numpy()) for name in (AS_OF, LAUNCH_AT, IS_SERVED)]
    near = [np.isclose(rows[name], both[name], rtol=_SAME, atol=_SAME) for name in (ACTUAL, DENOMINATOR, CRPS, PIT)]
    return np.asarray(np.logical_and.reduce([*exact, *near]), dtype=np.bool_)


def _withdrawn(known: pd.DataFrame, rows: pd.DataFrame, launches: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return rows that take back the scores of launches that are known by now to have been at another time."""
    stand = known[known[ACTUAL].notna() & (known[KNOWN_AT] <= as_of)]
    now = launches[[*CELL_KEY, LAUNCH_AT]].rename(columns={LAUNCH_AT: "now"})
    moved = stand.merge(now, on=list(CELL_KEY))
    moved = moved[moved["now"] != moved[LAUNCH_AT]]
    left = moved.merge(rows[KEY].drop_duplicates(), on=KEY, how="left", indicator=True) if len(rows) else moved
    gone = left[left["_merge"] == "left_only"] if len(rows) else left
    empty = dict.fromkeys((ACTUAL, PIT, CRPS, PINBALL, ABSOLUTE_ERROR), np.nan)
    return gone.assign(**empty, **{KNOWN_AT: _later(gone[KNOWN_AT], as_of)})[list(LAUNCH_SCORE)]


def _later(known_at: "pd.Series[pd.Timestamp]", as_of: datetime) -> "pd.Series[pd.Timestamp]":
    """Return the later of both, so that what was added last is known last; missing stays missing."""
    return known_at.mask(known_at < as_of, pd.Timestamp(as_of).as_unit("us"))
