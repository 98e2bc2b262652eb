"""Users' files to typed, accounted rows. Not for counting logs (`events`) or for storing anything."""

from recsysops.sources.reader import FileReader
from recsysops.sources.requirements import read_requirements
from recsysops.sources.starter import starter_requirements, starter_settings

__all__ = ["FileReader", "read_requirements", "starter_requirements", "starter_settings"]
