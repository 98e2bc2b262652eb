"""Column types that mean the same on every database: aware UTC times and canonical JSON."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator

from recsysops.store.frames import EPOCH, from_json, is_storable, micros, to_json, unstorable

# SQLite numbers rows by itself only for INTEGER.
AutoId: Final = BigInteger().with_variant(Integer(), "sqlite")

_TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")


class PlainText(TypeDecorator[str]):
    """Text every database can keep, sorted by code point whatever the language of the database."""

    impl = _TEXT
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the interface
        """Refuse what only some could keep."""
        if value is not None and not is_storable(value):
            raise unstorable(value)
        return value


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time, kept as microseconds since 1970: it sorts, subtracts and loads in bulk on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the interface
        """Turn an aware time into microseconds."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the interface
        """Turn microseconds into an aware UTC time."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class JsonText(TypeDecorator[object]):
    """A JSON value as text with sorted keys, so that equal values have equal text."""

    impl = _TEXT
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str:  # noqa: ARG002 - the interface
        """Write JSON."""
        return to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:  # noqa: ARG002 - the interface
        """Read JSON."""
        return None if value is None else from_json(value)
