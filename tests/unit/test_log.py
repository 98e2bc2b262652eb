import io
import json
import logging

import pytest
import structlog

from recsysops.log import configure_log
from recsysops.settings import LogSettings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:], root.level = handlers, level


def lines(out: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_off_a_terminal_every_line_is_one_json_document_with_time_and_level():
    out = io.StringIO()
    configure_log(LogSettings(), out)

    structlog.get_logger().info("step ended", step="ingest", seconds=1.5)

    (line,) = lines(out)
    assert (line["event"], line["level"], line["step"], line["seconds"]) == ("step ended", "info", "ingest", 1.5)
    assert line["at"].endswith("Z")


def test_the_id_of_a_run_stands_in_each_of_its_lines_and_in_no_later_one():
    out = io.StringIO()
    configure_log(LogSettings(), out)

    with structlog.contextvars.bound_contextvars(run_id="run-1"):
        structlog.get_logger().info("first")
        structlog.get_logger("another").info("second")
    structlog.get_logger().info("third")

    assert [line.get("run_id") for line in lines(out)] == ["run-1", "run-1", None]


def test_a_terminal_shows_warnings_only_as_the_progress_bars_tell_the_rest():
    out = Terminal()
    configure_log(LogSettings(), out)

    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert "loud" in out.getvalue()
    assert "quiet" not in out.getvalue()


def test_a_named_format_is_kept_on_a_terminal():
    out = Terminal()
    configure_log(LogSettings(format="json"), out)

    structlog.get_logger().info("said")

    assert lines(out)[0]["event"] == "said"


def test_milder_lines_than_the_level_are_left_out():
    out = io.StringIO()
    configure_log(LogSettings(level="error"), out)

    structlog.get_logger().warning("mild")

    assert out.getvalue() == ""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_title_that_carries_terminal_controls_cannot_use_them(form):
    out = io.StringIO()
    configure_log(LogSettings(format=form), out)

    structlog.get_logger().info("title", name="evil\x1b[2J\nname")

    assert "\x1b" not in out.getvalue()
    assert len(out.getvalue().splitlines()) == 1


def test_what_libraries_log_looks_the_same_and_a_second_call_does_not_double_it():
    out = io.StringIO()
    configure_log(LogSettings(), out)
    configure_log(LogSettings(), out)

    chatty = logging.getLogger("some.library")
    chatty.setLevel(logging.DEBUG)
    chatty.info("not worth a line")
    chatty.warning("careful: %s", "thing")

    (line,) = lines(out)
    assert (line["event"], line["level"]) == ("careful: thing", "warning")
