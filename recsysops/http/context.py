"""What the API answers from: ports and values, handed in by `bootstrap` or a test."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Protocol

import pandas as pd

from recsysops.clock import Clock
from recsysops.domain.severity import Severity
from recsysops.domain.views import CheckReport, Vitals
from recsysops.service.ports import Store
from recsysops.service.queries.records import VitalsCache
from recsysops.service.queries.snapshot import Snapshot, SnapshotCache
from recsysops.service.queries.title import FindComparables


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
        return VitalsCache(self.store)

    def vitals(self) -> Vitals:
        """Return what monitoring wants to know, as the store stands now."""
        return self._vitals.get(self.snapshot())

    def snapshot(self) -> Snapshot:
        """Return what the last detection said."""
        return self._cache.get()
