"""Users' files to typed, accounted rows. Not for counting logs (`events`) or for storing anything."""

from typing import TYPE_CHECKING

from recsysops.sources.reader import FileReader

if TYPE_CHECKING:
    from recsysops.sources.requirements import read_requirements
    from recsysops.sources.starter import starter_requirements, starter_settings

__all__ = ["FileReader", "read_requirements", "starter_requirements", "starter_settings"]


def __getattr__(name: str) -> object:
    """Load what is asked for: the process that reads files starts faster without the rest."""
    if name == "read_requirements":
        from recsysops.sources.requirements import read_requirements

        return read_requirements
    if name in {"starter_requirements", "starter_settings"}:
        from recsysops.sources import starter

        return getattr(starter, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
