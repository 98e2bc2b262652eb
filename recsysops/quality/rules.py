"""The port `RuleChecks`: every rule of every suite, on Great Expectations. A broken one is not run, the others are."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops import columns as c
from recsysops.domain.verdict import CheckOutcome
from recsysops.quality import _feeds
from recsysops.quality._case import Case, Known, as_rows, cases_of, prepare
from recsysops.quality._catalogue import Catalogue
from recsysops.quality._great import Asked, Verdict, validate
from recsysops.quality._suite_file import Suite

Validate = Callable[..., list[Verdict]]


class SuiteChecks:
    """Judges titles and feeds by the rules of suites; implements `RuleChecks`."""

    def __init__(self, suites: Sequence[Suite], placeholders: Sequence[str], validate: Validate = validate) -> None:
        """Keep the suites, the texts that count as missing, and how expectations are judged."""
        self._suites = tuple(suites)
        self._placeholders = tuple(placeholders)
        self._validate = validate

    def check(
        self, tables: Mapping[str, pd.DataFrame], as_of: datetime
    ) -> tuple[dict[str, pd.DataFrame], Mapping[str, str]]:
        """Judge what is upcoming, and the feeds.

        Args:
            tables: CELLS, TITLES (one row per cell: CELL_KEY, PROVIDER, fields), and where they are known FEEDS and
                EARLIER, and GROUPS.
            as_of: Aware UTC.

        Returns:
            RULES (RULE_STATE), RULED (RULED_CELL) and RULE_FAILURES (RULE_FAILURE); and suite to reason for every suite
            with a rule that did not run.
        """
        catalogue = Catalogue(tables, self._placeholders)
        feeds = tables.get(c.FEEDS)
        measures = None if feeds is None else _feeds.measured(feeds, as_of)
        known = Known(catalogue, measures, tables.get(c.EARLIER))
        done = {suite.name: [case for rule in suite.rule if rule.enabled for case in cases_of(rule)]
                for suite in self._suites}  # fmt: skip
        cases = list(chain.from_iterable(done.values()))
        for case in cases:
            prepare(case, known)
        self._compare([case for case in cases if case.prepared is not None])
        return _tables(done, catalogue, feeds), _broken(done)

    def _compare(self, cases: Sequence[Case]) -> None:
        """Let Great Expectations give its verdict on all cases in one call, as a call costs more than what it judges.

        Where its verdict is not ours, the case is not run.
        """
        if not cases:
            return
        for case, verdict in zip(cases, self._validate(*_questions(cases), name="suites"), strict=True):
            n_broken = 0 if case.prepared is None else int(case.prepared.broken.sum())
            if verdict.problem:
                case.refuse(verdict.problem)
            elif verdict.is_met is not (n_broken == 0) or verdict.n_unexpected not in {None, n_broken}:
                counted = "some" if verdict.n_unexpected is None else verdict.n_unexpected
                case.refuse(f"Great Expectations counts {counted} values that break the rule, our mask {n_broken}.")
            else:
                case.accept()


def _questions(cases: Sequence[Case]) -> tuple[pd.DataFrame, list[Asked]]:
    """Return all columns side by side, shorter ones filled up with nulls, and what is asked of them."""
    columns: dict[str, Any] = {}
    asked = []
    for number, prepared in enumerate(case.prepared for case in cases if case.prepared is not None):
        named = {argument: f"{number} {argument}" for argument in prepared.columns}
        asked.append(Asked(prepared.expectation, {**prepared.kwargs, **named}))
        columns |= {named[argument]: values for argument, values in prepared.columns.items()}
    n = max(map(len, columns.values()))
    return pd.DataFrame({name: _filled_up(values, n) for name, values in columns.items()}), asked


def _filled_up(values: Sequence[Any] | npt.NDArray[np.float64], n: int) -> pd.Series:
    return pd.Series(values, dtype="float64" if isinstance(values, np.ndarray) else "object").reindex(range(n))


def _broken(done: Mapping[str, Sequence[Case]]) -> dict[str, str]:
    broken = {}
    for suite, cases in done.items():
        failed = [f"{case.rule.name}: {case.detail}" for case in cases if case.outcome is CheckOutcome.NOT_RUN]
        if failed:
            more = f" And {len(failed) - 1} more." if len(failed) > 1 else ""
            broken[suite] = f"{failed[0]}{more}"
    return broken


def _tables(
    done: Mapping[str, Sequence[Case]], catalogue: Catalogue, feeds: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    states = pd.DataFrame(
        list(chain.from_iterable(as_rows(suite, cases) for suite, cases in done.items())), columns=list(c.RULE_STATE)
    )
    texts = dict.fromkeys((name for name in c.RULE_STATE if name != c.DAYS_TO_FIX), "str")
    cases = list(chain.from_iterable(done.values()))
    return {
        c.RULES: states.astype({**texts, c.DAYS_TO_FIX: "float64"}),
        c.RULED: _ruled([case for case in cases if not case.rule.finds], catalogue),
        c.RULE_FAILURES: pd.concat(
            [_failures(case, catalogue, feeds) for case in cases if len(case.cells)] or [_no_failures()],
            ignore_index=True,
        ).astype("str"),
    }  # fmt: skip


def _ruled(cases: Sequence[Case], catalogue: Catalogue) -> pd.DataFrame:
    ruled = catalogue.rows[list(c.CELL_KEY)].astype("str")
    for kind in c.RULE_KINDS:
        count = np.zeros(len(ruled))
        for case in cases:
            if case.kind == kind and len(case.judged):
                count += case.judged
        ruled[kind] = count
    return ruled


def _failures(case: Case, catalogue: Catalogue, feeds: pd.DataFrame | None) -> pd.DataFrame:
    if not len(case.cells):
        return _no_failures()
    fields: str | list[str] = case.field
    keys = catalogue.rows[list(c.CELL_KEY)]
    if case.rule.finds and feeds is not None:
        keys, fields = _no_failures(list(c.CELL_KEY), len(feeds)), feeds[c.FEED].iloc[case.cells].to_list()
    said = {c.CHECK: case.rule.name, c.FIELD: fields, c.VALUE: list(case.found), c.DETAIL: list(case.details)}
    return keys.iloc[case.cells].reset_index(drop=True).assign(**said)[list(c.RULE_FAILURE)]


def _no_failures(columns: Sequence[str] = c.RULE_FAILURE, n: int = 0) -> pd.DataFrame:
    """Return rows that concern the whole service; none, in general."""
    return pd.DataFrame({name: pd.Series([c.ALL] * n, dtype="str") for name in columns})
