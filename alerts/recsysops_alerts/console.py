"""The `console` channel: what is new, worse and fixed since the last run, as plain text on standard output."""

import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from recsysops.columns import ALL
from recsysops.contract.channel import Channel, ChannelSettings, Notice, Notification, Refused, Sent
from recsysops.domain.severity import Severity
from recsysops.domain.text import plain

_COLOURS: Final = {Severity.CRITICAL: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.INFO: "\x1b[1;36m"}
_RESET: Final = "\x1b[0m"
_LEAD: Final = re.compile(rf"^  ({'|'.join(severity.upper() for severity in Severity)})(?= )", re.MULTILINE)
_TEXT_LIMIT: Final = 600
"""Characters of any one text that are shown."""
_INDENT: Final = " " * 12


class ConsoleSettings(ChannelSettings):
    """Settings of a `console` channel."""

    width: Annotated[int, Field(ge=60, le=400)] = 110
    """Columns to wrap at."""
    max_lines: Annotated[int, Field(ge=20, le=10_000)] = 120
    """Longest message, in lines; what does not fit is counted."""
    color: Literal["auto", "always", "never"] = "auto"
    """Colour severities: on a terminal only, always or never. The words say it too."""


def render(notification: Notification, settings: ConsoleSettings) -> str:
    """Return the message as plain text: a head, then every section, worst first, cut to `max_lines` lines."""
    title = f"RecSysOps: {plain(notification.service, 80)}, as of {_time(notification.as_of)}"
    head = [*_wrapped(title, "", settings.width), *_wrapped(_summary(notification), "", settings.width)]
    blocks = list(_blocks(notification, settings))
    lines, n_shown = _fitting(blocks, settings.max_lines - len(head))
    n_cut = sum(is_entry for _, is_entry in blocks[n_shown:])
    if n_cut:
        lines.append(f"... and {n_cut} more that did not fit (max_lines = {settings.max_lines}).")
    return "\n".join([*head, *lines]) + "\n"


def send(message: str, notification: Notification, settings: ConsoleSettings) -> Sent | Refused:
    """Write the message to standard output."""
    try:
        is_coloured = settings.color == "always" or (settings.color == "auto" and sys.stdout.isatty())
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        sys.stdout.write(_encodable(_coloured(message) if is_coloured else message, encoding))
        sys.stdout.flush()
    except (OSError, ValueError) as error:  # a closed pipe, a full disk, a closed file
        return Refused(f"Standard output cannot be written: {error}.", retry=False)
    return Sent(f"console-{notification.run_id}")


def _summary(notification: Notification) -> str:
    said = (
        (len(notification.opened), "new"), (len(notification.worsened), "worse"), (len(notification.fixed), "fixed"),
        (len(notification.ended), "ended"), (notification.n_open, "open"), (notification.n_unknown, "unknown"),
    )  # fmt: skip
    failed = len(notification.failed_steps)
    is_news = any(count for count, _ in said[:4]) or failed
    counts = ", ".join(f"{count} {name}" for count, name in said) + (f", {failed} did not run" if failed else "")
    return f"{counts}." if is_news else f"Nothing new: {counts}."


Block = tuple[list[str], bool]
"""Lines that stay together, and whether they are an entry rather than the head of a section."""


def _blocks(notification: Notification, settings: ConsoleSettings) -> Iterator[Block]:
    if notification.failed_steps:
        yield ["", f"DID NOT RUN ({len(notification.failed_steps)})"], False
        yield from ((_wrapped(step, "  - ", settings.width), True) for step in notification.failed_steps)
    for name, notices in (("NEW", notification.opened), ("WORSE", notification.worsened)):
        yield from _section(name, notices, settings, is_over=False)
    for name, notices in (("FIXED", notification.fixed), ("ENDED", notification.ended)):
        yield from _section(name, notices, settings, is_over=True)


def _section(name: str, notices: Sequence[Notice], settings: ConsoleSettings, *, is_over: bool) -> Iterator[Block]:
    if not notices:
        return
    yield ["", f"{name} ({len(notices)})"], False
    for notice in sorted(notices, key=_urgency):
        yield (_over(notice, settings.width) if is_over else _open(notice, settings.width)), True


def _urgency(notice: Notice) -> tuple[int, float, str]:
    finding = notice.issue.finding
    safe_at = finding.latest_safe_fix_at
    return finding.severity.rank, safe_at.timestamp() if safe_at else float("inf"), notice.issue.issue_id


def _open(notice: Notice, width: int) -> list[str]:
    finding = notice.issue.finding
    launch = f", launches {_time(notice.launch_at)}" if notice.launch_at else ""
    lines = _wrapped(f"{_title(notice)}{launch}", f"  {finding.severity.upper():<10}", width)
    lines += _wrapped(finding.why, _INDENT, width)
    lines += _wrapped(f"Remedy: {finding.remedy}", _INDENT, width)
    if finding.latest_safe_fix_at:
        lines += _wrapped(f"Latest safe fix: {_time(finding.latest_safe_fix_at)}", _INDENT, width)
    return lines + (_wrapped(notice.link, _INDENT, width) if notice.link else [])


def _over(notice: Notice, width: int) -> list[str]:
    resolution = f" [{notice.issue.resolution}]" if notice.issue.resolution else ""
    finding = notice.issue.finding
    what = finding.field or finding.measure or finding.rule
    return _wrapped(f"{_title(notice)}: {what.replace('_', ' ')}{resolution}", "  ", width)


def _title(notice: Notice) -> str:
    finding = notice.issue.finding
    where = [value for value in (finding.market, finding.surface) if value != ALL]
    if finding.is_of_service:
        return f"{plain(notice.title_name, 120)[:1].upper()}{plain(notice.title_name, 120)[1:]}"
    return " / ".join([f"{plain(notice.title_name, 120)} ({plain(finding.title_id, 80)})", *where])


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    following = " " * len(indent)
    return textwrap.wrap(plain(text, _TEXT_LIMIT), width, initial_indent=indent, subsequent_indent=following)


def _fitting(blocks: Sequence[Block], room: int) -> tuple[list[str], int]:
    """Return the lines of the first blocks that fit, and how many blocks that are; a line is kept for the count."""
    lines: list[str] = []
    total = sum(len(block) for block, _ in blocks)
    for position, (block, _) in enumerate(blocks):
        if total > room and len(lines) + len(block) > room - 1:
            return lines, position
        lines += block
    return lines, len(blocks)


def _coloured(message: str) -> str:
    return _LEAD.sub(lambda found: f"  {_COLOURS[Severity(found[1].lower())]}{found[1]}{_RESET}", message)


def _encodable(message: str, encoding: str) -> str:
    return message.encode(encoding, "backslashreplace").decode(encoding)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


CHANNEL: Final = Channel(
    name="console",
    summary="Prints what is new, worse and fixed on standard output.",
    settings=ConsoleSettings,
    render=render,
    send=send,
)
