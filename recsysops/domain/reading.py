"""What a reader returns: typed rows and the account of every row that came in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recsysops.domain.batch import LogFile, QuarantinedRow
from recsysops.domain.drift import Profile

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class ReadTable:
    """One file of titles, launches or expectations, typed and accounted for."""

    rows: "pd.DataFrame"
    """Accepted rows: columns TITLE_VERSION, LAUNCH_VERSION, EXPECTATION_VERSION or CHANGE."""
    rows_in: int
    duplicate: int
    quarantined: tuple[QuarantinedRow, ...]
    label: str = ""
    """`not point-in-time` where observed_at was assumed."""
    profile: Profile | None = None
    """What the file looked like; None where the reader cannot tell: then nothing is held."""


@dataclass(frozen=True, kw_only=True)
class ReadLog:
    """One log file, checked without keeping its rows."""

    file: LogFile
    rows_in: int
    codes: Mapping[str, int]
    """Quarantined rows by code, complete."""
    samples: tuple[QuarantinedRow, ...]
    """At most twenty per code, without member ids."""
    profile: Profile | None = None
    """What the file looked like; None where the reader cannot tell: then nothing is held."""
