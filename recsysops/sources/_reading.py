"""One file on its way from text to typed rows: what every table needs. Not for what a column means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import ALL
from recsysops.settings import Settings, SourceSettings
from recsysops.sources._account import Account
from recsysops.sources._columns import ColumnPlan
from recsysops.sources._parse import times
from recsysops.sources._raw import RawTable


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One file on its way from text to rows."""

    raw: RawTable
    plan: ColumnPlan
    source: SourceSettings
    settings: Settings
    account: Account
    texts: Mapping[str, "pd.Series[str]"]
    """Our columns as text without surrounding space."""

    def keep_out(self, mask: npt.NDArray[np.bool_], ours: str, code: str, rule: str = "") -> None:
        """Quarantine rows for what one of our columns holds."""
        self.account.keep_out(mask, self.plan.theirs(ours), code, self.texts[ours], rule)

    def expect_one_of(self, values: "pd.Series[str]", ours: str, known: Sequence[str]) -> None:
        """Quarantine rows whose value is none of the known ones."""
        unknown = ~values.isin(list(known)).to_numpy(dtype=bool)
        self.keep_out(unknown, ours, "unknown-value", f"One of: {', '.join(known)}.")

    def expect_filled(self, ours: str, code: str) -> npt.NDArray[np.bool_]:
        """Quarantine rows whose cell is empty; return which those are."""
        is_empty = (self.texts[ours] == "").to_numpy(dtype=bool)
        self.keep_out(is_empty, ours, code)
        return is_empty

    def times(self, ours: str, markets: "pd.Series[str]") -> npt.NDArray[np.int64]:
        """Return a needed column of times, in microseconds since 1970 UTC."""
        at, code = times(self.texts[ours], markets.fillna(ALL), self.settings, self.source.epoch_unit)
        self.expect_filled(ours, "missing-key")
        for wrong in ("impossible-date", "naive-time"):
            self.keep_out(np.asarray(code == wrong, dtype=bool), ours, wrong)
        return at
