"""Great Expectations, imported without Spark: a frame needs none, and importing it costs seconds and more."""

import importlib
import sys
from functools import cache
from types import ModuleType
from typing import Final

_SPARK: Final = ("pyspark", "pyspark.sql.connect.dataframe", "pyspark.sql.connect.session")
"""Where PySpark is installed without all it may need, importing these warns, or even ends the process with code 0."""


@cache
def great_expectations() -> ModuleType:
    """Return the library.

    Raises:
        ImportError: It is not there, or something it needs is not.
    """
    hidden = [name for name in _SPARK if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: an import of it raises ImportError
    try:
        return importlib.import_module("great_expectations")
    finally:
        for name in hidden:
            del sys.modules[name]
