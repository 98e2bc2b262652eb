"""Reads the two files the trained recommender goes by: what members did, and the catalogue with its versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import LAUNCH_AT, MEMBER_ID, OBSERVED_AT, TITLE_ID, TS
from recsysops.errors import RecommenderError
from recsysops.trained.adapter import TrainedSettings

Ints = npt.NDArray[np.int64]

NEVER: Final = np.iinfo(np.int64).max
"""Launch of a title without any, in microseconds."""
ALWAYS: Final = np.iinfo(np.int64).min
"""When metadata were observed that say no time."""


@dataclass(frozen=True)
class Events:
    """What members did, by time."""

    members: npt.NDArray[np.object_]
    """Every member, once."""
    member: Ints
    """Of each event, row of `members`."""
    title: Ints
    """Of each event, row of the catalogue's `title_ids`; events of titles the catalogue lacks are left out."""
    at: Ints
    """Microseconds since 1970, ascending."""


@dataclass(frozen=True)
class Catalogue:
    """Versions of metadata, by time."""

    title_ids: npt.NDArray[np.object_]
    """Every title, once."""
    title: Ints
    """Of each version, row of `title_ids`."""
    observed: Ints
    """Of each version, since when it is known, in microseconds; ascending."""
    launch: Ints
    """Of each version, the launch it names; `NEVER` where it names none."""
    fields: pd.DataFrame
    """The metadata of each version as texts, missing where empty."""


def read_catalogue(settings: TrainedSettings, path: Path) -> Catalogue:
    """Read the titles; raises `RecommenderError`."""
    named = [*settings.lists, *settings.fields, *settings.bins]
    needed = [TITLE_ID, *named, *([LAUNCH_AT] if settings.new_days is not None else [])]
    frame = _read(path, settings.columns, needed, [OBSERVED_AT, LAUNCH_AT])
    frame = frame[frame[TITLE_ID].notna()]
    observed = _times(frame, OBSERVED_AT, path, ALWAYS)
    order = np.argsort(observed, kind="stable")
    frame = frame.iloc[order].reset_index(drop=True)
    title, ids = pd.factorize(frame[TITLE_ID])
    launch = _times(frame, LAUNCH_AT, path, NEVER)
    return Catalogue(np.asarray(ids, dtype=object), title.astype(np.int64), observed[order], launch, frame[named])


def read_events(settings: TrainedSettings, path: Path, title_ids: npt.NDArray[np.object_]) -> Events:
    """Read the events of these titles; raises `RecommenderError`."""
    frame = _read(path, settings.columns, [MEMBER_ID, TITLE_ID, TS], [])
    at = _times(frame, TS, path, NEVER, settings.epoch_unit)
    title = pd.Index(title_ids).get_indexer(pd.Index(frame[TITLE_ID].to_numpy(dtype=object)))
    is_fine = (title >= 0) & frame[MEMBER_ID].notna().to_numpy() & (at != NEVER)
    kept = np.flatnonzero(is_fine)
    if not len(kept):
        raise RecommenderError(
            f'The trained recommender cannot learn: "{path}" has no event of a title in the catalogue. '
            "Correct the files, or the columns of [recommender]."
        )
    kept = kept[np.argsort(at[kept], kind="stable")]
    member, members = pd.factorize(frame[MEMBER_ID].iloc[kept])
    return Events(np.asarray(members, dtype=object), member.astype(np.int64), title[kept].astype(np.int64), at[kept])


def _read(path: Path, columns: dict[str, str], needed: Sequence[str], optional: Sequence[str]) -> pd.DataFrame:
    """Return the columns wanted, as texts, under our names; optional ones only where they are there."""
    theirs = {name: columns.get(name, name) for name in (*needed, *optional)}
    try:
        raw = pd.read_parquet(path) if path.suffix in {".parquet", ".pq"} else _csv(path, set(theirs.values()))
    except (OSError, ValueError) as error:
        raise RecommenderError(
            f'The trained recommender cannot read "{path}": {error}. Correct the path in [recommender], or the file.'
        ) from error
    frame = pd.DataFrame({name: raw[their] for name, their in theirs.items() if their in raw})
    for name in {TITLE_ID, MEMBER_ID} & set(frame.columns):
        frame[name] = frame[name].astype("str")
    lacking = [theirs[name] for name in needed if name not in frame]
    if lacking:
        raise RecommenderError(
            f'The trained recommender cannot use "{path}": it lacks the column {", ".join(lacking)}. '
            "Name the file's own column in [recommender] columns, or take the field out."
        )
    return frame


def _csv(path: Path, wanted: set[str]) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", usecols=lambda name: name in wanted, keep_default_na=False, na_values=[""])


def _times(frame: pd.DataFrame, name: str, path: Path, missing: int, unit: str | None = None) -> Ints:
    """Return times in microseconds since 1970; `missing` where there is none."""
    if name not in frame:
        return np.full(len(frame), missing, dtype=np.int64)
    values: Any = frame[name]
    try:
        if unit is not None:
            parsed = pd.to_datetime(pd.to_numeric(values), unit=unit, utc=True)  # type: ignore[call-overload]
        else:
            parsed = pd.to_datetime(values, utc=True, format="ISO8601")
    except (ValueError, OverflowError) as error:
        raise RecommenderError(
            f'The trained recommender cannot read the times of "{name}" in "{path}": {error}. '
            "Write them as ISO 8601 with an offset, or set epoch_unit."
        ) from error
    stamps = parsed.astype("datetime64[us, UTC]")
    return np.where(stamps.isna(), missing, stamps.astype("int64")).astype(np.int64)
