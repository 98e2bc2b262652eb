"""A rule on one field in one place, made ready for judging. Whatever goes wrong with it is told of it alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from typing import Final

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.domain.text import plain
from recsysops.domain.verdict import CheckOutcome
from recsysops.quality import _feeds, _values, _whole
from recsysops.quality._catalogue import Bools, Catalogue
from recsysops.quality._identity import IDENTITIES
from recsysops.quality._masks import has_mask
from recsysops.quality._prepared import Prepared
from recsysops.quality._relations import RELATIONS
from recsysops.quality._suite_file import SuiteRule

_KIND_OF: Final = {
    "filled_together": c.CONTRADICTION, "in_set_when": c.CONTRADICTION, "includes": c.CONTRADICTION,
    "not_after": c.IMPOSSIBLE_DATE, "same_title": c.MISTAKEN_IDENTITY, "twin_id": c.MISTAKEN_IDENTITY,
    "reused_id": c.MISTAKEN_IDENTITY,
}  # fmt: skip
_FIELD_OF: Final = {"twin_id": c.TITLE_ID, "reused_id": c.NAME}


@dataclass(frozen=True)
class Known:
    """What rules look at."""

    catalogue: Catalogue
    measures: pd.DataFrame | None
    """Of feeds; None where nothing is known of them."""
    earlier: pd.DataFrame | None
    """EARLIER; None where nobody said."""


@dataclass
class Case:
    """A rule on one field, in one market, on one surface, and what becomes of it."""

    rule: SuiteRule
    field: str
    market: str
    surface: str
    outcome: CheckOutcome = CheckOutcome.PASSED
    """Passed means that it ran."""
    detail: str = ""
    prepared: Prepared | None = None
    """Until Great Expectations has judged it."""
    judged: Bools = made(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    """Per cell (or feed), whether it was looked at."""
    cells: list[int] = made(default_factory=list)
    """Positions of the cells (or feeds) that break it, with what stands there and what is wrong."""
    found: Sequence[str] = ()
    details: Sequence[str] = ()

    @property
    def kind(self) -> str:
        """Return what a failure means."""
        return self.rule.finds or _KIND_OF.get(self.rule.relation or "", c.INVALID_VALUE)

    def refuse(self, reason: str) -> None:
        """Say that it could not be judged."""
        self.outcome, self.detail, self.prepared = CheckOutcome.NOT_RUN, plain(reason, 300), None

    def accept(self) -> None:
        """Take over what was prepared: Great Expectations agrees."""
        if self.prepared is not None:
            self.judged, self.cells = self.prepared.judged, self.prepared.cells.tolist()
            self.found, self.details = self.prepared.found, self.prepared.details


def cases_of(rule: SuiteRule) -> Iterator[Case]:
    """Return a rule on each of its fields, in each of its markets and surfaces."""
    fields = rule.looks_at[:1] if rule.relation in IDENTITIES else rule.looks_at
    for name in fields or (_FIELD_OF.get(rule.relation or "", ""),):
        for market in rule.markets:
            for surface in rule.surfaces:
                yield Case(rule, name, market, surface)


def prepare(case: Case, known: Known) -> None:
    """Make a case ready to be judged, or say in it why it cannot be."""
    try:
        if case.rule.finds:
            _of_feeds(case, known)
        elif case.rule.relation in IDENTITIES:
            _of_identity(case, known)
        else:
            _of_fields(case, known)
    except Exception as error:  # noqa: BLE001 - one broken rule must not spoil the others
        case.refuse(f"{type(error).__name__}: {error}")


def _of_feeds(case: Case, known: Known) -> None:
    if known.measures is None:
        _pass_over(case, "Nothing is known of feeds here.")
    else:
        case.prepared = _feeds.prepare(case.rule, case.field, known.measures)


def _of_identity(case: Case, known: Known) -> None:
    relation, catalogue = str(case.rule.relation), known.catalogue
    if relation == "reused_id" and known.earlier is None:
        _pass_over(case, "No earlier version is known here.")
    elif relation != "twin_id" and not catalogue.has(case.field):
        _no_field(case, case.field)
    else:
        here = catalogue.place(case.market, case.surface)
        earlier = pd.DataFrame() if known.earlier is None else known.earlier
        case.prepared = IDENTITIES[relation](case.rule, catalogue, here, earlier)


def _of_fields(case: Case, known: Known) -> None:
    rule, catalogue = case.rule, known.catalogue
    needed = [case.field] if rule.relation in {None, "filled_together"} else [case.field, rule.other]
    absent = [name for name in needed if name != c.LAUNCH_AT and not catalogue.has(name)]
    here = catalogue.place(case.market, case.surface)
    if absent:
        _no_field(case, absent[0])
    elif rule.relation is not None:
        case.prepared = RELATIONS[rule.relation](rule, case.field, catalogue, here)
    elif has_mask(rule.expectation, rule.kwargs):
        case.prepared = _values.prepare(rule, case.field, catalogue, here)
    else:
        _judge_whole(case, catalogue, here)


def _judge_whole(case: Case, catalogue: Catalogue, here: Bools) -> None:
    whole = _whole.judge(case.rule, case.field, catalogue, here)
    if whole.verdict.problem:
        case.refuse(whole.verdict.problem)
    else:
        case.judged, case.cells = here, list(whole.rows)
        case.found = [catalogue.value(case.field, row) for row in whole.rows]
        case.details = [""] * len(whole.rows)


def _no_field(case: Case, name: str) -> None:
    said = f'No title has the field "{name}".'
    if case.rule.optional:
        _pass_over(case, said)
    else:
        case.refuse(f"{said} Map it, or make the rule optional.")


def _pass_over(case: Case, reason: str) -> None:
    case.outcome, case.detail = CheckOutcome.NOT_APPLICABLE, reason


def as_rows(suite: str, cases: Sequence[Case]) -> list[Mapping[str, object]]:
    """Return what became of the cases of a suite, as rows of RULE_STATE."""
    return [
        {
            c.CHECK: case.rule.name, c.SUITE: suite, c.KIND: case.kind, c.FIELD: case.field, c.MARKET: case.market,
            c.SURFACE: case.surface, c.OUTCOME: case.outcome.value, c.DETAIL: case.detail,
            c.SEVERITY: case.rule.severity, c.WHY: case.rule.says, c.REMEDY: case.rule.remedy,
            c.OWNER: case.rule.owner, c.DAYS_TO_FIX: case.rule.days_to_fix,
        }
        for case in cases
    ]  # fmt: skip
