"""Every code a row or a file can be refused with, what was expected and what to do. See docs/data-formats.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Code:
    """Why a row was kept out."""

    rule: str
    fix: str


ROW_CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "missing-key": Code("Every row names its key.", "Fill the cell, or map the column that holds it."),
        "missing-value": Code("The value is needed.", "Fill the cell, or give a default in the settings."),
        "impossible-date": Code(
            "A time is ISO 8601 and lies in the years 1800 to 2199, or is a number with epoch_unit.",
            "Correct the time; for numbers set epoch_unit to s, ms or us.",
        ),
        "naive-time": Code(
            "A time has an offset, or its market says how to read it.",
            "Add an offset such as Z, or set time_zone (and launch_time for dates) under [markets].",
        ),
        "not-a-number": Code(
            "A finite number with a decimal point.", "Correct the number; leave the cell empty if unknown."
        ),
        "out-of-range": Code("The value lies in its range.", "Correct the value or its unit."),
        "unknown-value": Code("The value is one of a fixed list.", "Use one of the listed words."),
        "conflicting-duplicate": Code(
            "A key appears once in a file, or each time with the same content.",
            "Keep the right row; the first one was taken.",
        ),
        "ragged-row": Code(
            "A row has as many cells as the header.", "Quote cells that contain the separator or a line break."
        ),
        "bad-quote": Code("Quotes enclose a whole cell and are doubled inside it.", "Correct the quotes of this line."),
        "not-utf8": Code("Text is UTF-8.", "Save the file as UTF-8."),
        "too-long": Code("A cell holds at most 1 MiB, a key at most 256 characters.", "Shorten the value."),
        "bad-json": Code(
            "A line is one JSON object, each of its keys once.", "Correct the line, or deliver the file again."
        ),
        "nested-value": Code(
            "A value is text, a number, true, false, null, or a list of these.",
            "Give it a column of its own, or name the column under ignore.",
        ),
        "control-character": Code("Text holds no NUL character.", "Remove it; the file may have been damaged."),
        "outside-day": Code(
            "A row lies in the UTC day its file is declared for.", "Move the row to the file of its day."
        ),
    }
)
"""Codes of quarantined rows."""

FILE_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "not-found": "No file at the path, or none that matches the pattern.",
        "not-readable": "The file cannot be opened.",
        "empty-file": "The file has no bytes.",
        "no-rows": "The file has a header and no row.",
        "missing-column": "A needed column is neither in the file nor among the defaults.",
        "duplicate-header": "Two columns have the same name.",
        "ambiguous-column": "Two columns would be read as the same one of ours.",
        "too-many-columns": "The file has more than 10,000 columns.",
        "not-utf8": "The text is not UTF-8.",
        "truncated": "The file ends too early.",
        "corrupt": "The file's content is damaged.",
        "wrong-format": "The content is not what the name or the settings say.",
        "wrong-type": "A column holds values that cannot be read as text, numbers, times or lists of these.",
        "unclosed-quote": "A quote is opened and never closed.",
        "bad-quote": "A quoted cell goes on after its closing quote.",
        "mixed-newlines": "Lines of a log end in different ways.",
        "too-many-bad-rows": "More than 100,000 rows of a table cannot be used.",
        "too-large": "Reading the file takes more memory than it may have, or it holds more than it should.",
        "too-slow": "Reading the file takes more time than it may have.",
        "reader-crashed": "The process that read the file died.",
        "changed-while-read": "The file changed while it was read.",
        "not-reachable": "The database cannot be reached, or refuses the account.",
        "bad-query": "The query is no single SELECT, or the database refuses it.",
        "missing-library": "A library this source needs is not installed.",
    }
)
"""Codes of `SourceError`."""
