"""The console channel."""

import io
from datetime import UTC, datetime

import pytest

from recsysops.contract.channel import Refused, Sent
from recsysops.domain.issue import IssueEventKind, Resolution
from recsysops.domain.severity import Severity
from recsysops.testing.builders import notice, notification
from recsysops_alerts.console import ConsoleSettings, render, send

TOLD = notification(
    service="My TV",
    opened=(
        notice("t1", title_name="Night Train"),
        notice("t2", title_name="Harbour", severity=Severity.CRITICAL, market="all", surface="all"),
    ),
    fixed=(notice("t3", IssueEventKind.RESOLVED, title_name="Low Tide", resolution=Resolution.FIXED),),
    ended=(notice("t4", IssueEventKind.RESOLVED, title_name="Sand", resolution=Resolution.WITHDRAWN),),
    n_open=5,
    n_unknown=3,
    failed_steps=("suite art: RuntimeError: gone",),
)


class Output(io.StringIO):
    def __init__(self, *, is_terminal=False, encoding="utf-8", error=None):
        super().__init__()
        self._is_terminal, self._encoding, self._error = is_terminal, encoding, error

    @property
    def encoding(self):
        return self._encoding

    def isatty(self):
        return self._is_terminal

    def write(self, text):
        if self._error:
            raise self._error
        return super().write(text)


def _send(monkeypatch, output, **settings):
    filled = ConsoleSettings(**settings)
    monkeypatch.setattr("sys.stdout", output)
    return send(render(TOLD, filled), TOLD, filled)


def test_the_message_reads_like_this():
    assert render(TOLD, ConsoleSettings()) == (
        "RecSysOps: My TV, as of 2026-03-02 00:00 UTC\n"
        "2 new, 0 worse, 1 fixed, 1 ended, 5 open, 3 unknown, 1 did not run.\n"
        "\n"
        "DID NOT RUN (1)\n"
        "  - suite art: RuntimeError: gone\n"
        "\n"
        "NEW (2)\n"
        "  CRITICAL  Harbour (t2), launches 2026-03-08 00:00 UTC\n"
        "            The synopsis is missing and was due 3 days ago.\n"
        "            Remedy: Ask metadata desk for the synopsis; it usually takes 5 days.\n"
        "            Latest safe fix: 2026-03-03 00:00 UTC\n"
        "  WARNING   Night Train (t1) / DE / home, launches 2026-03-08 00:00 UTC\n"
        "            The synopsis is missing and was due 3 days ago.\n"
        "            Remedy: Ask metadata desk for the synopsis; it usually takes 5 days.\n"
        "            Latest safe fix: 2026-03-03 00:00 UTC\n"
        "\n"
        "FIXED (1)\n"
        "  Low Tide (t3) / DE / home: synopsis [fixed]\n"
        "\n"
        "ENDED (1)\n"
        "  Sand (t4) / DE / home: synopsis [withdrawn]\n"
    )


def test_no_news_is_said():
    message = render(notification(n_open=4), ConsoleSettings())

    assert message.splitlines()[1] == "Nothing new: 0 new, 0 worse, 0 fixed, 0 ended, 4 open, 0 unknown."


@pytest.mark.parametrize("width", [60, 200])
def test_lines_are_no_wider_than_asked(width):
    told = notification(opened=(notice(why="word " * 100),))

    assert max(map(len, render(told, ConsoleSettings(width=width)).splitlines())) <= width


def test_what_is_left_out_is_counted():
    told = notification(opened=tuple(notice(f"t{i}", title_name=f"T{i}x") for i in range(30)), n_open=30)

    message = render(told, ConsoleSettings(max_lines=20))

    n_shown = sum(f"T{i}x" in message for i in range(30))
    assert message.count("\n") <= 20
    assert f"... and {30 - n_shown} more that did not fit (max_lines = 20)." in message


def test_what_just_fits_is_not_cut():
    told = notification(opened=tuple(notice(f"t{i}") for i in range(6)))
    n_lines = render(told, ConsoleSettings()).count("\n")

    assert "did not fit" not in render(told, ConsoleSettings(max_lines=n_lines))
    assert "did not fit" in render(told, ConsoleSettings(max_lines=n_lines - 1))


def test_an_issue_without_times_or_link_is_rendered():
    bare = notice(latest_safe_fix_at=None)
    told = notification(
        opened=(bare.__class__(issue=bare.issue, event=bare.event, title_name="X", launch_at=None, link="http://x/t"),)
    )

    message = render(told, ConsoleSettings())

    assert "launches" not in message
    assert "Latest safe fix" not in message
    assert "http://x/t" in message


@pytest.mark.parametrize(
    ("color", "is_terminal", "is_coloured"),
    [("auto", True, True), ("auto", False, False), ("always", False, True), ("never", True, False)],
)
def test_colour_is_for_terminals_or_as_asked(monkeypatch, color, is_terminal, is_coloured):
    output = Output(is_terminal=is_terminal)

    answer = _send(monkeypatch, output, color=color)

    assert answer == Sent("console-run-1")
    assert ("\x1b[1;31mCRITICAL\x1b[0m" in output.getvalue()) is is_coloured
    assert "CRITICAL" in output.getvalue()


def test_text_the_terminal_cannot_show_is_escaped(monkeypatch):
    output = Output(encoding="ascii")
    told = notification(service="夜")
    monkeypatch.setattr("sys.stdout", output)

    answer = send(render(told, ConsoleSettings()), told, ConsoleSettings())

    assert isinstance(answer, Sent)
    assert "\\u591c" in output.getvalue()


@pytest.mark.parametrize("error", [BrokenPipeError("closed"), ValueError("I/O operation on closed file")])
def test_a_closed_output_is_a_refusal(monkeypatch, error):
    answer = _send(monkeypatch, Output(error=error))

    assert isinstance(answer, Refused)
    assert str(error) in answer.reason
    assert answer.retry is False


def test_the_most_urgent_of_equal_severity_comes_first():
    later = notice("t1", title_name="Later", latest_safe_fix_at=datetime(2026, 3, 9, tzinfo=UTC))
    sooner = notice("t2", title_name="Sooner", latest_safe_fix_at=datetime(2026, 3, 3, tzinfo=UTC))

    message = render(notification(opened=(later, sooner)), ConsoleSettings())

    assert message.index("Sooner") < message.index("Later")
