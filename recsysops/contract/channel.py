"""The shape of a channel: how a notification leaves. A channel knows no policy."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from recsysops.domain.issue import Issue, IssueEvent


class ChannelSettings(BaseModel):
    """Base of every channel's settings: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


S = TypeVar("S", bound=ChannelSettings)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One issue in a notification."""

    issue: Issue
    event: IssueEvent
    title_name: str
    launch_at: datetime | None
    link: str
    """Address of the exact view; empty where no dashboard address is set."""


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What changed in one run."""

    service: str
    run_id: str
    as_of: datetime
    opened: tuple[Notice, ...]
    """New and reopened, worst first."""
    worsened: tuple[Notice, ...]
    fixed: tuple[Notice, ...]
    """Resolved as fixed."""
    ended: tuple[Notice, ...]
    """Resolved because the title launched or was withdrawn."""
    n_open: int
    n_unknown: int
    """Cells that could not be judged."""
    failed_steps: tuple[str, ...]
    """Steps, suites and detectors that did not run, with their reasons."""


@dataclass(frozen=True)
class Sent:
    """The receiver took it."""

    key: str
    """Same on every copy of one notification."""


@dataclass(frozen=True)
class Refused:
    """The receiver did not take it."""

    reason: str
    retry: bool


@dataclass(frozen=True, kw_only=True)
class Channel(Generic[S]):
    """A channel as it is registered under the entry-point group `recsysops.channels`."""

    name: str
    summary: str
    settings: type[S]
    render: Callable[[Notification, S], str]
    """Pure."""
    send: Callable[[str, Notification, S], Sent | Refused]
    """Thin: takes what `render` made."""


AnyChannel = Channel[Any]
