"""Connects to the recommender of the settings when it is first asked, and not before."""

from pathlib import Path
from threading import Lock
from typing import Protocol

from recsysops.contract.recommender import AnyAdapter, Recommender, RecommenderSettings
from recsysops.settings import ShadowSettings
from recsysops.shadow._calls import Calls
from recsysops.shadow._faults import Fault, Unanswered
from recsysops.shadow.asking import ShadowSession
from recsysops.shadow.guarded import GuardedRecommender


class Configured(Protocol):
    """An adapter with its settings."""

    @property
    def adapter(self) -> AnyAdapter:
        """The adapter."""
        ...

    @property
    def settings(self) -> RecommenderSettings:
        """Its settings."""
        ...


class LazyRecommender:
    """The recommender of an adapter; every session connects anew where it is not connected yet."""

    def __init__(self, adapter: AnyAdapter, settings: RecommenderSettings, folder: Path) -> None:
        """Connect with `settings` later; `folder` is that of the settings file."""
        self._adapter, self._settings, self._folder = adapter, settings, folder
        self._recommender: Recommender | None = None
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The adapter's name."""
        return self._adapter.name

    def connected(self) -> Recommender:
        """Return the recommender.

        Raises:
            RecommenderError: It cannot be reached or read; an adapter may raise anything else, too.
        """
        with self._lock:
            if self._recommender is None:
                self._recommender = self._adapter.connect(self._settings, self._folder)
            return self._recommender

    def session(self, limits: ShadowSettings) -> ShadowSession:
        """Return a session within the limits of one run; where nobody can be asked it says so in every answer."""
        calls = Calls(limits.timeout_seconds, limits.total_seconds)
        found = calls.make(self.connected)
        if isinstance(found, Unanswered):
            found = Unanswered(fault=Fault.CANNOT_CONNECT, reason=found.reason)
        return ShadowSession(GuardedRecommender(found, limits, calls), limits)


class AbsentRecommender:
    """A recommender that cannot be asked, and why."""

    def __init__(self, name: str, reason: str) -> None:
        """Say `reason` whenever it is asked."""
        self._name, self._reason = name, reason

    @property
    def name(self) -> str:
        """The adapter's name."""
        return self._name

    def session(self, limits: ShadowSettings) -> ShadowSession:
        """Return a session that says in every answer that nobody can be asked."""
        fault = Unanswered(fault=Fault.CANNOT_CONNECT, reason=self._reason)
        return ShadowSession(GuardedRecommender(fault, limits), limits)


def askable(configured: Configured | None, folder: Path, refused: str) -> LazyRecommender | AbsentRecommender | None:
    """Return who is asked, not connected yet; None where nobody is named.

    Args:
        configured: The adapter of the settings; None where there is none, or none that can be used.
        folder: Of the settings file.
        refused: Why the adapter of the settings could not be loaded; empty where it could.
    """
    if configured is not None:
        return LazyRecommender(configured.adapter, configured.settings, folder)
    return AbsentRecommender("refused", f"The adapter could not be loaded: {refused}") if refused else None
