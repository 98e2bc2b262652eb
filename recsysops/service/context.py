"""The ports a use case works with, in one frozen value. Made by `bootstrap`, or by a test from fakes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pandas as pd

from recsysops.clock import Clock
from recsysops.contract.channel import AnyChannel, ChannelSettings
from recsysops.contract.detector import AnyDetector, Params
from recsysops.domain.history import History, Progress
from recsysops.service.ports import (
    Aggregator,
    AskableRecommender,
    Forecaster,
    MemberSampler,
    Reader,
    RuleChecks,
    Store,
    TableChecks,
)
from recsysops.settings import Settings


class DetectorInUse(Protocol):
    """A detector with its parameters filled from the settings."""

    @property
    def detector(self) -> AnyDetector:
        """The detector."""
        ...

    @property
    def params(self) -> Params:
        """Its parameters."""
        ...


class ChannelInUse(Protocol):
    """A channel instance with its settings."""

    @property
    def instance(self) -> str:
        """Its name in the settings."""
        ...

    @property
    def channel(self) -> AnyChannel:
        """The channel."""
        ...

    @property
    def settings(self) -> ChannelSettings:
        """Its settings."""
        ...


def ignore_progress(what: str, done: float) -> None:
    """Show no progress."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything the verbs need."""

    settings: Settings
    clock: Clock
    store: Store
    reader: Reader
    aggregator: Aggregator
    forecaster: Forecaster
    checks: TableChecks
    requirements: pd.DataFrame
    """REQUIREMENT."""
    detectors: tuple[DetectorInUse, ...]
    channels: tuple[ChannelInUse, ...]
    rules: RuleChecks | None = None
    """Suites of rules; None where there are none."""
    refused_detectors: Mapping[str, str] = field(default_factory=dict)
    """Installed detectors that could not be loaded, with the reason: what they would judge is unknown."""
    recommender: AskableRecommender | None = None
    """Who is asked what it would do with titles; None where the settings name nobody. Not connected yet."""
    sampler: MemberSampler | None = None
    """Draws the members to ask about; None where there are no logs to draw from."""
    progress: Progress = field(default=ignore_progress)
    histories: dict[tuple[str, ...], History] = field(default_factory=dict, repr=False, compare=False)
    """The history last read, by the batches it rests on: verbs of one process that follow each other share it."""

    @property
    def artifacts_folder(self) -> Path:
        """Where models are kept, each in a folder of its own."""
        return self.settings.data_folder

    def as_of(self, given: datetime | None = None) -> datetime:
        """Return the time to stand at: the given one, else the settings', else the clock's, as UTC."""
        chosen = given or self.settings.service.as_of or self.clock()
        return chosen.astimezone(self.clock().tzinfo)
