"""Which column of a file is which of ours, after the settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recsysops.settings import SourceSettings
from recsysops.sources._refusal import missing_column, refuse


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a table needs."""

    required: tuple[str, ...]
    optional: Mapping[str, str]
    """Our column to its value where the file has none."""
    has_fields: bool = False
    """Whether all other columns are metadata fields."""


@dataclass(frozen=True, kw_only=True)
class ColumnPlan:
    """Where each of our columns comes from."""

    columns: Mapping[str, str]
    """Our column to the file's."""
    constants: Mapping[str, str]
    """Our column to the value all rows have."""
    fields: Mapping[str, str]
    """Metadata field to the file's column."""

    def theirs(self, ours: str) -> str:
        """Return the name a message should use for one of our columns."""
        return self.columns.get(ours, ours)


def map_columns(table: str, file: str, header: Sequence[str], source: SourceSettings, wanted: Wanted) -> ColumnPlan:
    """Resolve the settings against the header of a file.

    Raises:
        SourceError: missing-column or ambiguous-column.
    """
    present = [name for name in header if name and name not in source.ignore]
    columns: dict[str, str] = {}
    constants: dict[str, str] = {}
    for ours in (*wanted.required, *wanted.optional):
        theirs = source.columns.get(ours, ours)
        if theirs in present:
            columns[ours] = theirs
        elif ours in source.columns:
            raise missing_column(file, table, theirs, header)
        elif ours in source.defaults:
            constants[ours] = str(source.defaults[ours])
        elif ours in wanted.optional:
            constants[ours] = wanted.optional[ours]
        else:
            raise missing_column(file, table, ours, header)
    fields = _fields(table, file, present, source, set(columns) | set(constants)) if wanted.has_fields else {}
    unused = {name: str(value) for name, value in source.defaults.items() if name not in columns and name not in fields}
    return ColumnPlan(columns=columns, constants=(unused if wanted.has_fields else {}) | constants, fields=fields)


def _fields(table: str, file: str, present: Sequence[str], source: SourceSettings, ours: set[str]) -> Mapping[str, str]:
    """Return the metadata fields: what is mapped to a name of its own, and every column that is nothing else."""
    used = {source.columns.get(name, name) for name in ours}
    fields: dict[str, str] = {}
    for field, theirs in source.columns.items():
        if field not in ours:
            if theirs not in present:
                raise missing_column(file, table, theirs, present)
            fields[field] = theirs
    for theirs in present:
        if theirs in used or theirs in fields.values():
            continue
        if theirs in ours or theirs in fields:
            raise refuse(
                "ambiguous-column",
                file,
                f'both its column "{theirs[:60]}" and the one mapped to that name would be read as "{theirs[:60]}".',
                f'Name "{theirs[:60]}" under [sources.{table}] ignore, or map it to another name.',
            )
        fields[theirs] = theirs
    return fields
