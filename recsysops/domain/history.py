"""What a model may learn from, and the shape of a progress report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import pandas as pd

from recsysops.columns import AS_OF, KNOWN_AT, LAUNCH_SCORE, OBSERVED_AT, RELABELLED, SHADOW_SCORE

Progress = Callable[[str, float], None]
"""Called with what is being done and how much of it is done, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class History:
    """Everything the model may learn from, with the times at which it was known."""

    titles: pd.DataFrame
    """TITLE_VERSION, every version."""
    launches: pd.DataFrame
    """LAUNCH_VERSION, every version."""
    outcomes: pd.DataFrame
    """OUTCOMES."""
    shadow: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(SHADOW_SCORE)))
    """SHADOW_SCORE at every time the recommender was asked; without rows where it never was."""
    relabelled: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(RELABELLED)))
    """RELABELLED, for past launches; without rows where the recommender could not be asked about changed metadata."""
    zones: Mapping[str, str] = field(default_factory=dict)
    """IANA time zone of each market, `all` for the others; a market without one keeps UTC."""
    scores: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(LAUNCH_SCORE)))
    """LAUNCH_SCORE, without quantiles: predictions held against what happened; without rows where none was."""
    label: str = ""
    """`not point-in-time` where any of it rests on assumed times."""

    def until(self, as_of: datetime) -> "History":
        """Return what was known at `as_of`."""
        return replace(
            self,
            titles=self.titles[self.titles[OBSERVED_AT] <= as_of],
            launches=self.launches[self.launches[OBSERVED_AT] <= as_of],
            outcomes=self.outcomes[self.outcomes[KNOWN_AT] <= as_of],
            shadow=self.shadow[self.shadow[AS_OF] <= as_of],
            relabelled=self.relabelled[self.relabelled[AS_OF] <= as_of],
            scores=self.scores[self.scores[KNOWN_AT] <= as_of],
        )
