"""[log]: how the program tells what it does."""

from typing import Literal

from recsysops.settings._section import Section


class LogSettings(Section):
    """[log]."""

    format: Literal["auto", "text", "json"] = "auto"
    """Of the lines on standard error: for people or for machines; `auto` is text on a terminal, else JSON."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The mildest level that is written."""
