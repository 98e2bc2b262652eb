"""Alembic's entry: migrates over the connection it is given. Driven by `recsysops.store.opening` only."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from recsysops.store import tables_followed, tables_held, tables_input, tables_predicted, tables_results
from recsysops.store.column_types import JsonText, PlainText, UtcDateTime
from recsysops.store.tables import Tables

# Importing them is what makes them part of the metadata.
_TABLES = (tables_input, tables_held, tables_results, tables_followed, tables_predicted)


def _render(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    # Migrations outlive our types: they name only the database's own.
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.BigInteger()"
    return "sa.Text()" if kind == "type" and isinstance(item, (JsonText, PlainText)) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Tables.metadata,
    render_as_batch=True,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
