"""One answer of the model, taken apart: what the model made of each thing it looked at. Never what caused it.

Amounts are on the transformed scale, where they add up; shares are what each amount is worth in the unit people read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class AnswerPart:
    """What the model made of one metadata field, or of one other thing it looks at."""

    name: str
    """The field, or in words what else it is."""
    value: str
    """What stands there; empty where nothing does."""
    amount: float
    """Transformed scale; above 0 raises the prediction."""


@dataclass(frozen=True, kw_only=True)
class AnswerParts:
    """The model's answer for one cell: base + the sum of all amounts = answer, on the transformed scale."""

    base: float
    """Mean answer over the launches it learned from."""
    answer: float
    parts: tuple[AnswerPart, ...]
    """Largest amount first, whichever its sign; then by name."""
    denominator: float
    """What the share is of."""
    median: float
    """Share that is served for it: the answer after calibration on past errors."""


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """One line of the context: a field, what stands there, and what the model made of it."""

    name: str
    value: str
    """Cut to 200 characters; empty where nothing stands there."""
    amount: float
    """Transformed scale; above 0 raises the prediction."""
    without: float
    """Share the model would answer if this counted for nothing, as it does for the average launch it learned from."""


@dataclass(frozen=True, kw_only=True)
class Contributions:
    """What the model made of what it knows of one cell, for one measure and horizon. Context, not causes."""

    title_id: str
    market: str
    surface: str
    measure: str
    horizon: int
    model_id: str = ""
    as_of: datetime | None = None
    """The time the prediction stands at."""
    base: float | None = None
    """Share the model starts from: its mean answer over the launches it learned from."""
    answer: float | None = None
    """Share it arrives at, before calibration on past errors."""
    median: float | None = None
    """Median of the prediction shown, after calibration."""
    transformed: Mapping[str, float] | None = None
    """`base`, `answer` and `rest` on the transformed scale: base + every amount + rest = answer."""
    rows: tuple[Contribution, ...] = ()
    """Largest amount first, whichever its sign."""
    n_rest: int = 0
    """Things left out of the rows because they count for less."""
    note: str = ""
    """What limits the numbers, in a sentence; empty otherwise."""
    problem: str = ""
    """Why there are none, in a sentence; empty otherwise."""
