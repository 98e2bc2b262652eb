"""What detectors share: the frames they return, and how numbers are put into words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import (
    CANCELLED,
    CELL_KEY,
    DETECTOR,
    EVIDENCE,
    FINDING,
    FINDING_KEY,
    LATEST_SAFE_FIX_AT,
    LAUNCH_AT,
    LAUNCH_STATUS,
    MARGIN,
    OUTCOME,
    REASON,
    RULE,
    SCORE,
    SEVERITY,
    VERDICT,
    WORTH,
    WORTH_HIGH,
    WORTH_LOW,
)
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import CheckOutcome

CELL_COLUMNS: Final = (*CELL_KEY, LAUNCH_AT, LAUNCH_STATUS)
DAY: Final = pd.Timedelta(days=1)
_NUMBERS: Final = (WORTH, WORTH_LOW, WORTH_HIGH, SCORE)


def findings_frame(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Return findings in the columns FINDING, worst first: severity, then score, then key."""
    frame = pd.DataFrame(list(rows), columns=list(FINDING))
    text = [column for column in FINDING if column not in {*_NUMBERS, LATEST_SAFE_FIX_AT, EVIDENCE}]
    frame = frame.astype(dict.fromkeys(text, "str") | dict.fromkeys(_NUMBERS, "float64") | {EVIDENCE: "object"})
    frame[LATEST_SAFE_FIX_AT] = pd.to_datetime(frame[LATEST_SAFE_FIX_AT], utc=True).astype("datetime64[us, UTC]")
    rank = frame[SEVERITY].map({severity.value: severity.rank for severity in Severity})
    order = frame.assign(rank=rank).sort_values(["rank", SCORE, FINDING_KEY], ascending=[True, False, True])
    return order[list(FINDING)].reset_index(drop=True)


def verdicts_frame(cells: pd.DataFrame, detector: str, parts: Iterable[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """Return one verdict per cell and rule, in the order of the cells.

    Args:
        cells: Columns CELL_COLUMNS. A cancelled launch is not judged, whatever the verdict says.
        detector: Name of the detector.
        parts: (rule, verdicts): one row per cell in the order of the cells, columns OUTCOME, REASON, MARGIN, DATA.
    """
    is_cancelled = (cells[LAUNCH_STATUS] == CANCELLED).to_numpy()
    frames = []
    for rule, verdicts in parts:
        frame = pd.concat([cells[list(CELL_KEY)].reset_index(drop=True), verdicts.reset_index(drop=True)], axis=1)
        frame[DETECTOR], frame[RULE] = detector, rule
        frame.loc[is_cancelled, OUTCOME] = CheckOutcome.NOT_APPLICABLE.value
        frame.loc[is_cancelled, REASON] = "The launch is cancelled."
        frame.loc[is_cancelled, MARGIN] = np.nan
        frames.append(frame)
    text = [column for column in VERDICT if column != MARGIN]
    together = pd.concat(frames, ignore_index=True)[list(VERDICT)]
    together = together.astype(dict.fromkeys(text, "str") | {MARGIN: "float64"})
    cell_by_cell = np.arange(len(together)).reshape(len(frames), len(cells)).T.ravel()
    return together.take(cell_by_cell).reset_index(drop=True)


def cell_positions(cells: pd.DataFrame, rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return, for each row, the position of its cell among `cells`; -1 where it is none of them.

    Numbers stand for texts: comparing three columns of text for millions of rows takes many times as long.
    """
    key = np.zeros(len(cells) + len(rows), dtype=np.int64)
    for column in CELL_KEY:
        codes, found = pd.factorize(pd.concat([cells[column], rows[column]], ignore_index=True))
        _, key = np.unique(key * (len(found) + 1) + codes + 1, return_inverse=True)
    first = np.full(len(key), -1, dtype=np.int64)
    first[key[: len(cells)][::-1]] = np.arange(len(cells))[::-1]
    return first[key[len(cells) :]]


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as mappings, as `to_dict("records")` does and several times as fast where there is much text."""
    columns = [
        frame[name].to_numpy(dtype=object) if frame[name].dtype == "str" else frame[name].tolist() for name in frame
    ]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def live(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells whose launch is not cancelled, with a new index."""
    return cells[cells[LAUNCH_STATUS] != CANCELLED].reset_index(drop=True)


def capped(severity: Severity, most: str) -> Severity:
    """Return the milder of a severity and the most a user allows; an unknown word allows everything."""
    if most not in {known.value for known in Severity}:
        return severity
    return max(severity, Severity(most), key=lambda known: known.rank)


def days(value: float) -> str:
    """Return days in words: `1 day`, `5 days`, `3.2 days`."""
    shown = f"{value:.1f}".removesuffix(".0")
    return f"{shown} day" if shown == "1" else f"{shown} days"


def percent(share: float) -> str:
    """Return a share as a percentage without its sign, with two significant digits at least: `0.34`, `6.0`, `12.1`."""
    value = 100 * share
    if not np.isfinite(value):
        return "unknown"
    if value == 0 or abs(value) >= 1:
        return f"{value:.1f}" if value else "0"
    return f"{value:.{1 - int(np.floor(np.log10(abs(value))))}f}"


def count(value: float) -> str:
    """Return a count in words: `2,050`."""
    return f"{round(value):,}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names as a list in words, cut after `most`."""
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def stamp(at: pd.Timestamp | datetime) -> str:
    """Return a time as text for evidence."""
    return pd.Timestamp(at).isoformat()
