"""What both engines do with Ibis: named tables of a known shape, and text in an engine's dialect. Runs nothing."""

import warnings
from typing import TYPE_CHECKING, Final

import pandas as pd

from recsysops.columns import MARKET, MEMBER_ID, POSITION, SURFACE, TITLE_ID, TS

if TYPE_CHECKING:
    import ibis.expr.types as ir

_TEXT: Final = (TITLE_ID, MEMBER_ID, MARKET, SURFACE)
LOG_SCHEMA: Final = dict.fromkeys(_TEXT, "string") | {TS: "int64", POSITION: "int32"}
"""The rows of a log as read."""


def named(name: str, schema: dict[str, str]) -> "ir.Table":
    """Return the table or view of that name, whose shape is known."""
    import ibis  # half a second that only an aggregation should cost

    return ibis.table(schema, name=name)


def schema_of(frame: pd.DataFrame) -> dict[str, str]:
    """Return the shape of a frame of whole numbers and text."""
    return {name: "int64" if pd.api.types.is_integer_dtype(frame[name]) else "string" for name in frame.columns}


def sql_of(expression: "ir.Table", dialect: str) -> str:
    """Return an expression as text; Ibis 12 loads its Spark dialect with warnings about pandas 3."""
    import ibis

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        getattr(ibis, dialect)
        return str(ibis.to_sql(expression, dialect=dialect))
