"""What the API answers from: ports and values, handed in by `bootstrap` or a test."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Literal, Protocol

import pandas as pd

from recsysops.clock import Clock
from recsysops.domain.check_view import CheckReport
from recsysops.domain.given import GivenTitles
from recsysops.domain.registry import ModelAnswer
from recsysops.domain.severity import Severity
from recsysops.domain.views import Vitals
from recsysops.domain.what_if import AskedWhatIf, WhatIf, WhatIfForm
from recsysops.service.check_given import Judged
from recsysops.service.ports import Store
from recsysops.service.queries.contributions import TakeApart
from recsysops.service.queries.records import VitalsCache
from recsysops.service.queries.snapshot import Snapshot, SnapshotCache
from recsysops.service.queries.title import FindComparables
from recsysops.service.release import DecisionReport
from recsysops.settings import Settings


class Check(Protocol):
    """The pre-launch gate."""

    def __call__(
        self,
        *,
        title_ids: tuple[str, ...],
        launching_within: timedelta | None,
        fail_on: Severity,
        allow_unknown: bool,
    ) -> CheckReport:
        """Judge the upcoming cells that pass the filters."""
        ...


class Decide(Protocol):
    """Records what a person decides on a held batch."""

    def __call__(self, verb: Literal["release", "discard"], batch_id: str, by: str, reason: str) -> DecisionReport:
        """Write it down, while no other process writes.

        Raises:
            StoreLockedError: Another process writes.
            NotFoundError: No such batch was ever held.
            UsageError: It can no longer be decided on, or a name or reason is missing.
        """
        ...


class MoveModels(Protocol):
    """Records what a person decides on models."""

    def __call__(
        self, verb: Literal["activate", "rollback"], by: str, reason: str, *, model_id: str = "",
        measure: str | None = None, horizon: int | None = None,
    ) -> tuple[ModelAnswer, ...]:  # fmt: skip
        """Write it down, while no other process writes.

        Raises:
            StoreLockedError: Another process writes.
            NotFoundError: There is no such model.
            ModelError: Its files cannot be trusted.
            UsageError: There is nothing to go back to, or a name or reason is missing.
        """
        ...


class Judge(Protocol):
    """The gate for titles that are handed in."""

    def __call__(self, request: GivenTitles) -> "Future[Judged]":
        """Return what will hold the answer.

        Raises:
            BusyError: Too much is asked already.
        """
        ...


class AskWhatIf(Protocol):
    """Says how predictions would move if a title were otherwise."""

    def form(self, title_id: str) -> WhatIfForm:
        """Return what can be changed of a title, and how it stands.

        Raises:
            NotFoundError: There is no such title.
        """
        ...

    def answer(self, title_id: str, asked: AskedWhatIf) -> WhatIf:
        """Return the distributions before and after.

        Raises:
            NotFoundError: There is no such title.
            UsageError: What is asked makes no sense of this title.
            BusyError: Others wait already.
        """
        ...


def _no_complaint() -> None:
    """Stand for a store whose schema needs no check."""


@dataclass(frozen=True, kw_only=True)
class ApiContext:
    """Everything the routes need."""

    store: Store
    clock: Clock
    api_key: str = field(repr=False)
    """Of everything below /v1; never empty."""
    version: str
    service: str
    """Name of the service, shown on the board."""
    requirements: pd.DataFrame
    """REQUIREMENT."""
    check: Check
    exposition: Callable[[Vitals], bytes]
    """Turns vital signs into the text that /metrics serves."""
    exposition_type: str
    """Media type of that text."""
    comparables: FindComparables | None = None
    """Finds comparable titles; None where there is no predictor."""
    judge: Judge | None = None
    """Judges titles that are handed in; None where there is no such route."""
    what_if: AskWhatIf | None = None
    """Says what a change would do; None where there are no such routes."""
    settings: Settings = field(default_factory=Settings, repr=False)
    """Names the sources, and how often each delivers."""
    decide: Decide | None = None
    """Decides on held batches; None where nothing may be written."""
    move_models: MoveModels | None = None
    """Activates models and goes back to earlier ones; None where nothing may be written."""
    take_apart: TakeApart | None = None
    """Takes a model's answer apart; None where there is no predictor."""
    observe: Callable[[str, int, float], None] | None = None
    """Told of every answer: the route as declared, the status and the seconds it took; None where nobody counts."""
    ready: Callable[[], None] = _no_complaint
    """Raises where the store's schema is not the one this version needs."""

    def __post_init__(self) -> None:
        """Refuse to serve without a key."""
        if len(self.api_key) < 16:
            raise ValueError(
                "The API key is too short: at least 16 characters are needed. Delete its file to get a new one."
            )

    @cached_property
    def _cache(self) -> SnapshotCache:
        return SnapshotCache(self.store)

    @cached_property
    def _vitals(self) -> VitalsCache:
        return VitalsCache(self.store, self.settings)

    def vitals(self) -> Vitals:
        """Return what monitoring wants to know, as the store stands now."""
        return self._vitals.get(self.snapshot(), self.clock())

    def snapshot(self) -> Snapshot:
        """Return what the last detection said."""
        return self._cache.get()
