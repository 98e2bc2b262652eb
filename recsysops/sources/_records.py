"""The record of one row kept out. Light: the child that checks logs loads no frame library for it."""

from recsysops.domain.batch import QuarantinedRow
from recsysops.sources.codes import ROW_CODES


def shown(value: object) -> str:
    """Return a value fit for a record: control characters escaped, cut to 200 characters."""
    text = str(value)[:400]
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)[:200]


def quarantined(file: str, row: int, column: str, code: str, value: object = "", rule: str = "") -> QuarantinedRow:
    """Build the record of one row; `rule` is more exact than the code's own."""
    known = ROW_CODES[code]
    return QuarantinedRow(
        file=file, row=row, column=column, code=code, value=shown(value), rule=rule or known.rule, fix=known.fix
    )
