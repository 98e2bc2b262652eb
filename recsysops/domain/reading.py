"""What a reader returns: typed rows and the account of every row that came in."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from recsysops.domain.batch import LogFile, QuarantinedRow


@dataclass(frozen=True, kw_only=True)
class ReadTable:
    """One file of titles, launches or expectations, typed and accounted for."""

    rows: pd.DataFrame
    """Accepted rows: columns TITLE_VERSION, LAUNCH_VERSION or EXPECTATION_VERSION."""
    rows_in: int
    duplicate: int
    quarantined: tuple[QuarantinedRow, ...]
    label: str = ""
    """`not point-in-time` where observed_at was assumed."""


@dataclass(frozen=True, kw_only=True)
class ReadLog:
    """One log file, checked without keeping its rows."""

    file: LogFile
    rows_in: int
    codes: Mapping[str, int]
    """Quarantined rows by code, complete."""
    samples: tuple[QuarantinedRow, ...]
    """At most twenty per code, without member ids."""
