"""Appends what changed to a file that people on duty read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from recsysops.contract.channel import Channel, ChannelSettings, Notice, Notification, Refused, Sent
from recsysops.domain.text import plain


class LogbookSettings(ChannelSettings):
    """Settings of a `logbook` channel."""

    path: Path
    """The file; it is made where it is not there."""
    max_lines: Annotated[int, Field(ge=10, le=1000)] = 100
    """Longest entry, in lines; what does not fit is counted."""


def render(notification: Notification, settings: LogbookSettings) -> str:
    """Return the entry: a head, then a line per change, worst first, cut to `max_lines`."""
    head = (
        f"{notification.as_of:%Y-%m-%d %H:%M} {plain(notification.service, 80)}: {notification.n_open} open, "
        f"{notification.n_unknown} unknown"
    )
    lines = list(_lines(notification))
    room = settings.max_lines - 2
    if len(lines) > room:
        lines = [*lines[:room], f"... and {len(lines) - room} more"]
    return "\n".join([head, *lines]) + "\n"


def _lines(notification: Notification) -> Iterator[str]:
    for step in notification.failed_steps:
        yield f"  did not run: {plain(step, 200)}"
    sections = (
        ("new", notification.opened), ("worse", notification.worsened), ("fixed", notification.fixed),
        ("ended", notification.ended),
    )  # fmt: skip
    for word, notices in sections:
        for notice in sorted(notices, key=_rank):
            finding = notice.issue.finding
            name = f"{plain(notice.title_name, 120)} ({plain(finding.title_id, 80)}, {plain(finding.market, 40)})"
            yield f"  {word}: {finding.severity.value} {name}: {plain(finding.why, 300)} {plain(finding.remedy, 300)}"


def _rank(notice: Notice) -> tuple[int, str]:
    return notice.issue.finding.severity.rank, notice.issue.issue_id


def send(message: str, notification: Notification, settings: LogbookSettings) -> Sent | Refused:
    """Append the entry."""
    try:
        with settings.path.open("a", encoding="utf-8") as book:
            book.write(message)
    except OSError as error:
        return Refused(f"The logbook cannot be written: {error.strerror}.", retry=True)
    return Sent(f"logbook-{notification.run_id}")


CHANNEL = Channel(
    name="logbook",
    summary="Appends what changed to a file.",
    settings=LogbookSettings,
    render=render,
    send=send,
)
