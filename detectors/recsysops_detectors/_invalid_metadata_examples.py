"""Worked examples of `invalid_metadata`, as literal rows."""

from datetime import UTC, datetime
from typing import Final

from recsysops import columns as c
from recsysops.contract.detector import Example
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import CheckOutcome

_AS_OF: Final = datetime(2026, 3, 2, tzinfo=UTC)


def _cell(title_id: str, launch_at: datetime) -> dict[str, object]:
    return {
        c.TITLE_ID: title_id, c.MARKET: "DE", c.SURFACE: "home", c.LAUNCH_AT: launch_at, c.LAUNCH_STATUS: c.PLANNED,
    }  # fmt: skip


def _rule(check: str, kind: str, field: str, says: str, **changes: object) -> dict[str, object]:
    return {
        c.CHECK: check, c.SUITE: "vocabularies", c.KIND: kind, c.FIELD: field, c.MARKET: c.ALL, c.SURFACE: c.ALL,
        c.OUTCOME: CheckOutcome.PASSED.value, c.DETAIL: "", c.SEVERITY: Severity.CRITICAL.value, c.WHY: says,
        c.REMEDY: f"Correct the {field.replace('_', ' ')}", c.OWNER: "metadata desk", c.DAYS_TO_FIX: 2.0,
    } | changes  # fmt: skip


def _ruled(title_id: str, **counts: float) -> dict[str, object]:
    return {c.TITLE_ID: title_id, c.MARKET: "DE", c.SURFACE: "home", **dict.fromkeys(c.RULE_KINDS, 0.0), **counts}


def _failure(title_id: str, check: str, field: str, value: str, detail: str = "") -> dict[str, object]:
    return {
        c.TITLE_ID: title_id, c.MARKET: "DE", c.SURFACE: "home", c.CHECK: check, c.FIELD: field, c.VALUE: value,
        c.DETAIL: detail,
    }  # fmt: skip


_LANGUAGE: Final = _rule(
    "language_is_a_code", c.INVALID_VALUE, "original_language", "must be a language code, such as en or pt-BR"
)
_LICENCE: Final = _rule(
    "licence_begins_before_launch", c.IMPOSSIBLE_DATE, "available_from", "must not come after the launch",
    **{c.SUITE: "dates", c.OWNER: "licensing", c.DAYS_TO_FIX: 5.0},
)  # fmt: skip
_TWIN: Final = _rule(
    "ids_differ_in_more_than_spelling", c.MISTAKEN_IDENTITY, "title_id",
    "differs from another id in case, space or spelling alone", **{c.SUITE: "identity", c.SEVERITY: "warning"},
)  # fmt: skip

EXAMPLES: Final = (
    Example(
        name="A language in words, and a licence that begins after a launch that is near",
        tables={
            c.CELLS: [
                _cell("night-train", datetime(2026, 3, 8, tzinfo=UTC)),
                _cell("low-tide", datetime(2026, 3, 4, 8, tzinfo=UTC)),
                _cell("harbour", datetime(2026, 3, 8, tzinfo=UTC)),
            ],
            c.RULES: [_LANGUAGE, _LICENCE],
            c.RULED: [
                _ruled("night-train", invalid_value=1, impossible_date=1),
                _ruled("low-tide", invalid_value=1, impossible_date=1),
                _ruled("harbour", invalid_value=1, impossible_date=1),
            ],
            c.RULE_FAILURES: [
                _failure("night-train", "language_is_a_code", "original_language", "English"),
                _failure("low-tide", "licence_begins_before_launch", "available_from", "2026-03-15",
                         "launch: 2026-03-04 08:00 UTC"),
            ],
        },
        flagged=frozenset({"night-train", "low-tide"}),
        as_of=_AS_OF,
    ),
    Example(
        name="Two ids that differ in case alone",
        tables={
            c.CELLS: [
                _cell("harbour", datetime(2026, 3, 8, tzinfo=UTC)),
                _cell("Harbour", datetime(2026, 3, 8, tzinfo=UTC)),
            ],
            c.RULES: [_TWIN],
            c.RULED: [_ruled("harbour", mistaken_identity=1), _ruled("Harbour", mistaken_identity=1)],
            c.RULE_FAILURES: [
                _failure("harbour", "ids_differ_in_more_than_spelling", "title_id", "harbour", "also 'Harbour'"),
                _failure("Harbour", "ids_differ_in_more_than_spelling", "title_id", "Harbour", "also 'harbour'"),
            ],
        },
        flagged=frozenset({"harbour", "Harbour"}),
        as_of=_AS_OF,
    ),
    Example(
        name="Nothing is broken, and one rule could not be asked",
        tables={
            c.CELLS: [_cell("sand-castle", datetime(2026, 3, 16, tzinfo=UTC))],
            c.RULES: [
                _LANGUAGE,
                _rule("genre_is_known", c.INVALID_VALUE, "genres", "must be a known genre",
                      **{c.OUTCOME: CheckOutcome.NOT_RUN.value, c.DETAIL: 'No title has the field "genres".'}),
            ],
            c.RULED: [_ruled("sand-castle", invalid_value=1)],
            c.RULE_FAILURES: [],
        },
        flagged=frozenset(),
        as_of=_AS_OF,
    ),
)  # fmt: skip
