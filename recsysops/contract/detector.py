"""The shape of a detector: a pure function from tables to verdicts and findings, with its description."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict

Tables = Mapping[str, pd.DataFrame]
"""Table name to frame; names and columns stand in `recsysops.columns`."""


class Params(BaseModel):
    """Base of every detector's settings: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Detection:
    """What a detector says of the cells it was given."""

    findings: pd.DataFrame
    """Columns FINDING, worst first; the same columns when empty."""
    verdicts: pd.DataFrame
    """Columns VERDICT: exactly one row for every cell and rule, in the order of the cells; see `Detector.scope`."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing a detector looks for."""

    name: str
    title: str
    """A few words for a table's head, e.g. "Under-served"."""
    finding_class: str
    meaning: str
    """One sentence a launch manager understands."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """Tables as literal rows, and the titles that must be flagged on them."""

    name: str
    tables: Mapping[str, list[dict[str, object]]]
    flagged: frozenset[str]
    """Title ids with at least one finding; empty for an example that must stay silent."""
    as_of: datetime
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Detector(Generic[P]):
    """A detector as it is registered under the entry-point group `recsysops.detectors`."""

    name: str
    summary: str
    """One sentence, for the catalogue."""
    params: type[P]
    detect: Callable[..., Detection]
    """`detect(tables, params, *, as_of)`; pure."""
    needs: Callable[[P], Mapping[str, tuple[str, ...]]]
    """Tables and columns it may read, given its parameters; it always gets `cells`."""
    rules: tuple[Rule, ...]
    examples: tuple[Example, ...]
    source: str
    scope: Literal["cell", "service"] = "cell"
    """Whom it finds fault with: cells, or the service as a whole (feeds, say).

    Of a service scope every finding has `all` as title, market and surface and a field that says what of the service;
    beside one verdict per cell and rule (passed: what the cell rests on is sound; not_run: it is not, nothing can be
    said of the cell) there is one per rule for (all, all, all): whether anything was found. That the service is sound
    makes no cell ok by itself. It runs without cells, too.
    """
    flags_missing: bool = False
    """Missing values are what it looks for."""
    judges_jointly: bool = False
    """A title's verdict may depend on other titles."""
    stricter: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    """Parameter to (a looser value, a stricter value): the stricter one never adds findings (it asks for more)."""


AnyDetector = Detector[Any]
