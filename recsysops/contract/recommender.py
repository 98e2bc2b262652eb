"""The shape of a recommender adapter: how a recommender is asked what it would do with titles. It decides nothing.

An adapter answers for the recommender as it would be at a time, which may lie in the future or in the past. Each of its
three abilities is optional; what it cannot answer is absent, never guessed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

FieldValue = str | float | bool | list[str] | None
Scores = npt.NDArray[np.float64]


class RecommenderSettings(BaseModel):
    """Base of every adapter's settings: unknown names are refused. Paths are relative to the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Ability(StrEnum):
    """What an adapter can answer."""

    SCORE = "score"
    CANDIDATES = "candidates"
    ELIGIBILITY = "eligibility"
    CHANGED_METADATA = "changed_metadata"
    """Titles may be asked about with other metadata, or another launch, than it has (what-if, relabelling)."""
    PAST = "past"
    """`at` may lie in the past, answered as the recommender was then (so that past launches can be asked about)."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where members would meet a title, and when."""

    market: str
    surface: str
    at: datetime
    """Aware UTC; the recommender answers as it would be then, from what it knows now if that is later."""
    known_at: datetime | None = None
    """Aware UTC, not after `at`: answer from what was known then (model, metadata); None: from all that is known.

    Set only where the ability PAST is there: past launches are asked about as before they launched.
    """


@dataclass(frozen=True, kw_only=True)
class AskedTitle:
    """A title asked about."""

    title_id: str
    fields: Mapping[str, FieldValue] | None = None
    """Metadata to go by, in place of what the recommender has; None: as the recommender has it."""
    launch_at: datetime | None = None
    """When it launches, in place of the launch the recommender knows; None: as the recommender knows it.

    Set only where the ability CHANGED_METADATA is there, as `fields` is.
    """


@dataclass(frozen=True, kw_only=True)
class Eligibility:
    """Whether a title may be shown at all."""

    title_id: str
    is_eligible: bool
    reason: str = ""
    """Why it is excluded; empty where it is eligible."""


class Recommender(Protocol):
    """A recommender that can be asked. Methods outside `abilities` are never called.

    Whatever a method raises, returns in a wrong shape or takes too long for costs sharpness, not the run.
    """

    @property
    def abilities(self) -> frozenset[Ability]:
        """What it can answer."""
        ...

    @property
    def version(self) -> str:
        """The model that answers; empty where that is not known."""
        ...

    def score(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> Scores:
        """Return how high each member's page would rank each title, shape (n members, n titles); larger is higher.

        Scores of one member are comparable with each other, those of two members need not be. -inf: never shown to this
        member.
        """
        ...

    def candidates(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> npt.NDArray[np.bool_]:
        """Return which of the titles would be candidates for each member, shape (n members, n titles)."""
        ...

    def eligibility(self, titles: Sequence[AskedTitle], place: Place) -> Sequence[Eligibility]:
        """Return for each title whether it may be shown at the place, in the order asked."""
        ...


S = TypeVar("S", bound=RecommenderSettings)


@dataclass(frozen=True, kw_only=True)
class Adapter(Generic[S]):
    """An adapter as it is registered under the entry-point group `recsysops.recommenders`."""

    name: str
    summary: str
    """One sentence, for the list of plug-ins."""
    settings: type[S]
    connect: Callable[..., Recommender]
    """`connect(settings, folder)` with the settings filled from [recommender] and the folder of the settings file.

    Raises:
        RecommenderError: The recommender cannot be reached or read; says what to do.
    """


AnyAdapter = Adapter[Any]
