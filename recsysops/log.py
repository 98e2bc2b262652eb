"""How the program tells what it does: one line per event, with the ids of the run and the request it belongs to.

For people on a terminal, as JSON for machines. Not for what a verb prints, and never with a key, a password or a row.
"""

import io
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import Processor

from recsysops.domain.text import plain
from recsysops.settings import LogSettings

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure_log(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send log lines to `stream`, in the form and from the level that the settings name. Safe to call again.

    On a terminal `info` is left to the progress bars, unless the format is named: then every line is written.

    Args:
        settings: [log].
        stream: Standard error where not given.
    """
    out = stream or _StandardError()
    is_watched = settings.format == "auto" and out.isatty()
    as_text = settings.format == "text" or is_watched
    level = max(_LEVELS[settings.level], _LEVELS["warning"] if is_watched else 0)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _as_plain_text,
    ]
    structlog.configure(
        processors=[*shared, _renderer(as_text=as_text)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", out)),
        cache_logger_on_first_use=False,
    )
    # What libraries say by the standard library's means looks the same.
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(as_text=as_text)],
        )
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if getattr(each, "is_recsysops", False)]:
        root.removeHandler(old)
    handler.is_recsysops = True  # type: ignore[attr-defined]  # so that a second call takes its place
    root.addHandler(handler)
    # On the handler as well: a library that sets its own logger's level would be heard all the same.
    handler.setLevel(max(level, logging.WARNING))
    root.setLevel(max(level, logging.WARNING))


class _StandardError(io.TextIOBase):
    """Standard error as it is when a line is written: whoever captured it earlier may have closed it since."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


def _renderer(*, as_text: bool) -> Processor:
    if not as_text:
        return structlog.processors.JSONRenderer(sort_keys=False)
    return structlog.processors.KeyValueRenderer(key_order=["at", "level", "event"], sort_keys=True)


def _as_plain_text(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters: a title's name must not move the cursor of whoever reads the log."""
    for name, value in event.items():
        if isinstance(value, str) and name != "trace":
            event[name] = plain(value)
    return event
