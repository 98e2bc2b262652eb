"""The root of all tables: how Python types are stored and constraints named. Not for tables: see `tables_*`."""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Double, MetaData
from sqlalchemy.orm import DeclarativeBase

from recsysops.store.column_types import JsonText, PlainText, UtcDateTime


class Tables(DeclarativeBase):
    """Declarative root of the store's tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - the interface
        str: PlainText(),
        int: BigInteger(),
        float: Double(),
        bool: Boolean(),
        date: Date(),
        datetime: UtcDateTime(),
        Mapping[str, object]: JsonText(),
        list[str]: JsonText(),
    }
