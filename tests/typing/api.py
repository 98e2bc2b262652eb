"""What users of the public API write. Checked by mypy, never run."""

from datetime import UTC, datetime
from pathlib import Path
from typing import assert_type

import pandas as pd

from recsysops.clock import Clock, fixed_clock, system_clock
from recsysops.columns import FINDING, VERDICT
from recsysops.contract.channel import Channel, ChannelSettings, Notification, Refused, Sent
from recsysops.contract.detector import Detection, Detector, Example, Params, Rule, Tables
from recsysops.domain.issue import Finding, Issue, IssueChange, Judged, follow
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import CheckOutcome, Status, status_of
from recsysops.errors import RecSysOpsError, SettingsError
from recsysops.settings import Settings, read_settings


class Limits(Params):
    """Settings of somebody's detector."""

    least: float = 0.5
    """Below this it is flagged."""


def detect(tables: Tables, params: Limits, *, as_of: datetime) -> Detection:
    assert_type(tables["cells"], pd.DataFrame)
    assert_type(params.least, float)
    return Detection(findings=pd.DataFrame(columns=list(FINDING)), verdicts=pd.DataFrame(columns=list(VERDICT)))


def needs(params: Limits) -> dict[str, tuple[str, ...]]:
    return {"predictions": ("title_id",)}


DETECTOR = Detector(
    name="somebodys",
    summary="Finds something.",
    params=Limits,
    detect=detect,
    needs=needs,
    rules=(Rule(name="low", title="Low", finding_class=FindingClass.SETUP, meaning="It is low."),),
    examples=(Example(name="silent", tables={}, flagged=frozenset(), as_of=datetime(2026, 3, 2, tzinfo=UTC)),),
    source="Somebody.",
)
assert_type(DETECTOR, Detector[Limits])
assert_type(DETECTOR.params, type[Limits])


class Room(ChannelSettings):
    """Settings of somebody's channel."""

    address: str


def render(notification: Notification, settings: Room) -> str:
    assert_type(notification.n_open, int)
    return f"{settings.address}: {len(notification.opened)} new"


def send(text: str, notification: Notification, settings: Room) -> Sent | Refused:
    return Sent(key=notification.run_id) if text else Refused(reason="empty", retry=False)


CHANNEL = Channel(name="room", summary="A room.", settings=Room, render=render, send=send)
assert_type(CHANNEL, Channel[Room])


def settings_of(path: Path) -> Settings | str:
    try:
        settings = read_settings(path, {})
    except SettingsError as error:
        assert_type(error.problems, tuple[str, ...])
        return str(error)
    except RecSysOpsError as error:
        return str(error)
    assert_type(settings.data_folder, Path)
    assert_type(settings.service.as_of, datetime | None)
    return settings


def clocks(at: datetime) -> tuple[Clock, Clock]:
    return system_clock, fixed_clock(at)


def followed(latest: dict[str, Issue], findings: list[Finding], judged: Judged, as_of: datetime) -> list[Issue]:
    changes = follow(latest, findings, judged, as_of)
    assert_type(changes, tuple[IssueChange, ...])
    return [change.issue for change in changes]


assert_type(status_of([CheckOutcome.PASSED], [Severity.INFO]), Status)
assert_type(Severity.INFO.is_at_least(Severity.WARNING), bool)
