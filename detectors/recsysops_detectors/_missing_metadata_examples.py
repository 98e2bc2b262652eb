"""Worked examples of `missing_metadata`, as literal rows."""

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


def _check(title_id: str, field: str, value: str, detail: str) -> dict[str, object]:
    outcome = CheckOutcome.FAILED if detail else CheckOutcome.PASSED
    return {
        c.TITLE_ID: title_id, c.MARKET: "DE", c.SURFACE: "home", c.FIELD: field, c.OUTCOME: outcome.value,
        c.VALUE: value, c.DETAIL: detail,
    }  # fmt: skip


def _requirement(field: str, due_days: float, days_to_fix: float, owner: str) -> dict[str, object]:
    return {
        c.FIELD: field, c.MARKET: c.ALL, c.SURFACE: c.ALL, c.DUE_DAYS: due_days, c.DAYS_TO_FIX: days_to_fix,
        c.OWNER: owner, c.MAX_SEVERITY: Severity.CRITICAL.value,
    }  # fmt: skip


_REQUIREMENTS: Final = [_requirement("synopsis", 9, 5, "metadata desk"), _requirement("artwork", 5, 2, "artwork team")]

EXAMPLES: Final = (
    Example(
        name="A placeholder three days overdue, and a title that has everything",
        tables={
            c.CELLS: [
                _cell("night-train", datetime(2026, 3, 8, tzinfo=UTC)),
                _cell("harbour", datetime(2026, 3, 8, tzinfo=UTC)),
            ],
            c.CHECKS: [
                _check("night-train", "synopsis", "TBA", 'placeholder "TBA"'),
                _check("night-train", "artwork", "", "empty"),
                _check("harbour", "synopsis", "Two sisters run a harbour inn.", ""),
                _check("harbour", "artwork", "harbour.jpg", ""),
            ],
            c.REQUIREMENTS: _REQUIREMENTS,
        },
        flagged=frozenset({"night-train"}),
        as_of=_AS_OF,
    ),
    Example(
        name="Launch is tomorrow: too late for the usual way",
        tables={
            c.CELLS: [_cell("low-tide", datetime(2026, 3, 3, 8, tzinfo=UTC))],
            c.CHECKS: [
                _check("low-tide", "synopsis", "Ebb and flood.", ""),
                _check("low-tide", "artwork", "", "empty"),
            ],
            c.REQUIREMENTS: _REQUIREMENTS,
        },
        flagged=frozenset({"low-tide"}),
        as_of=_AS_OF,
    ),
    Example(
        name="Missing, but not yet due",
        tables={
            c.CELLS: [_cell("sand-castle", datetime(2026, 3, 16, tzinfo=UTC))],
            c.CHECKS: [_check("sand-castle", "synopsis", "", "empty"), _check("sand-castle", "artwork", "", "empty")],
            c.REQUIREMENTS: _REQUIREMENTS,
        },
        flagged=frozenset(),
        as_of=_AS_OF,
    ),
)
