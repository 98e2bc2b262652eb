"""Which launches must be counted anew, and counting them. Not for reading files."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pandas as pd

from recsysops.columns import CANCELLED, CELL_KEY, LAUNCH_AT, LAUNCH_STATUS
from recsysops.domain.batch import LogFile
from recsysops.domain.measure import HORIZONS
from recsysops.service.ports import Aggregator, UnitOfWork

_WINDOW = timedelta(days=max(HORIZONS))
_LAUNCH = [*CELL_KEY, LAUNCH_AT, LAUNCH_STATUS]

Span = tuple[datetime, datetime]


def moved_launches(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the launches that are new, moved, cancelled or planned again: rows of `after` (LAUNCH_VERSION)."""
    marked = after.merge(before[_LAUNCH].drop_duplicates(), on=_LAUNCH, how="left", indicator="side")
    return after[(marked["side"] == "left_only").to_numpy()].reset_index(drop=True)


def touched_launches(launches: pd.DataFrame, before: Sequence[LogFile], after: Sequence[LogFile]) -> pd.DataFrame:
    """Return the launches whose 28 days touch what is new, replaced, or newly between covered times.

    Args:
        launches: LAUNCH_VERSION, one row per cell.
        before: The files that counted.
        after: The files that count now.
    """
    launched = launches[LAUNCH_AT]
    is_touched = pd.Series(data=False, index=launches.index)
    for start, end in _changed_spans(before, after):
        is_touched |= (launched < end) & (launched + _WINDOW > start)
    return launches[is_touched].reset_index(drop=True)


def recount(
    unit: UnitOfWork, aggregator: Aggregator, signal: str, files: Sequence[LogFile], launches: pd.DataFrame
) -> None:
    """Count the launches anew from `files` and put the result in place of what was stored.

    All that the files cover is counted, whatever time a run stands at: outcomes say when they were known.

    Args:
        unit: The transaction; not committed here.
        aggregator: Counts.
        signal: `impressions` or `interactions`.
        files: The files of the signal that count.
        launches: LAUNCH_VERSION; cancelled ones lose their days.
    """
    ends = [end for file in files if (span := _span(file)) for end in span[1:]]
    if launches.empty or not ends:
        return
    planned = launches.loc[launches[LAUNCH_STATUS] != CANCELLED, [*CELL_KEY, LAUNCH_AT]]
    days, activity = aggregator.aggregate(files, planned.reset_index(drop=True), signal, max(ends))
    unit.treatment.replace(signal, days, activity, launches[list(CELL_KEY)])


def _changed_spans(before: Sequence[LogFile], after: Sequence[LogFile]) -> list[Span]:
    old, new = ({file.batch_id: file for file in files} for files in (before, after))
    changed = [*(old[key] for key in old.keys() - new.keys()), *(new[key] for key in new.keys() - old.keys())]
    spans = [span for file in changed if (span := _span(file))]
    covered = [[span for file in files if (span := _span(file))] for files in (before, after)]
    if all(covered):
        # Between the old and the new ends of what is covered, days begin to count that no new file touches.
        for edge in (min, max):
            ends = [edge(moment for span in spans_ for moment in span) for spans_ in covered]
            spans.append((min(ends), max(ends)))
    return spans


def _span(file: LogFile) -> Span | None:
    if file.declared_day is not None:
        start = datetime.combine(file.declared_day, time(), tzinfo=UTC)
        return start, start + timedelta(days=1)
    if file.first_at is None or file.last_at is None:
        return None
    return file.first_at, file.last_at + timedelta(microseconds=1)
