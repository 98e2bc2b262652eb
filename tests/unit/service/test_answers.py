from datetime import UTC, datetime

import pytest

from recsysops import columns as c
from recsysops.contract.detector import Detection, Detector, Example, Params, Rule
from recsysops.domain.severity import FindingClass
from recsysops.errors import PluginError
from recsysops.service.answers import expect_whole
from recsysops.testing.builders import frame_of

AT = datetime(2026, 3, 2, tzinfo=UTC)


class NoParams(Params):
    """None."""


def detect(tables, params, *, as_of):
    return Detection(tables["findings"], tables["verdicts"])


def detector(scope="cell"):
    rules = tuple(
        Rule(name=name, title="Odd", finding_class=FindingClass.SETUP, meaning="It is odd.") for name in ("odd", "late")
    )
    return Detector(
        name="strangers", summary="Finds what is odd.", params=NoParams, detect=detect, needs=lambda params: {},
        rules=rules, examples=(Example(name="silent", tables={}, flagged=frozenset(), as_of=AT),), source="Them.",
        scope=scope,
    )  # fmt: skip


def cells(*titles):
    return frame_of([place(title) for title in titles], c.CELL_KEY)


def place(title):
    return {c.TITLE_ID: title, c.MARKET: "DE", c.SURFACE: "home"}


def verdicts(*said):
    rows = [place(title) | {c.RULE: rule, c.OUTCOME: outcome} for title, rule, outcome in said]
    return frame_of(rows, c.VERDICT)


def findings(*said):
    rows = [
        place(title) | {c.FINDING_KEY: key, c.RULE: rule, c.SEVERITY: severity} for title, key, rule, severity in said
    ]
    return frame_of(rows, c.FINDING)


WHOLE = (("a", "odd", "passed"), ("a", "late", "failed"), ("b", "odd", "not_run"), ("b", "late", "passed"))
FOUND = (("a", "k1", "late", "critical"),)


def test_a_whole_answer_is_taken_in_any_order():
    for said in (WHOLE, WHOLE[::-1]):
        expect_whole(detector(), Detection(findings(*FOUND), verdicts(*said)), cells("a", "b"))


@pytest.mark.parametrize(
    ("said", "found", "words"),
    [
        (WHOLE[:3], FOUND, 'no verdict on 1 of 2 cells by rule "late" \\(the first: "b" \\(DE, home\\)\\)'),
        ((), (), "no verdict on 2 of 2 cells"),
        ((*WHOLE, WHOLE[0]), FOUND, 'two verdicts on "a"'),
        ((*WHOLE, ("z", "odd", "passed")), FOUND, 'judges "z"'),
        ((*WHOLE, ("a", "other", "passed")), FOUND, 'rule "other"'),
        ((*WHOLE[:3], ("b", "late", "fine")), FOUND, 'outcome "fine"'),
        (WHOLE, (("z", "k1", "late", "critical"),), 'fault with "z"'),
        (WHOLE, (("a", "k1", "late", "fatal"),), 'severity "fatal"'),
        (WHOLE, (("a", "k1", "other", "critical"),), 'rule "other"'),
        (WHOLE, (*FOUND, *FOUND), "two findings one key"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_refused(said, found, words):
    with pytest.raises(PluginError, match=words):
        expect_whole(detector(), Detection(findings(*found), verdicts(*said)), cells("a", "b"))


def test_other_columns_are_refused():
    with pytest.raises(PluginError, match="its verdicts have other columns"):
        expect_whole(detector(), Detection(findings(), verdicts().drop(columns=c.DATA)), cells())


def test_a_detector_of_the_service_speaks_of_the_service_too():
    of_cells = verdicts(*WHOLE)
    of_service = frame_of(
        [dict.fromkeys(c.CELL_KEY, c.ALL) | {c.RULE: rule, c.OUTCOME: "passed"} for rule in ("odd", "late")], c.VERDICT
    )
    whole = Detection(findings(), frame_of([*of_cells.to_dict("records"), *of_service.to_dict("records")], c.VERDICT))

    expect_whole(detector("service"), whole, cells("a", "b"))
    with pytest.raises(PluginError, match='the first: "all" \\(all, all\\)'):
        expect_whole(detector("service"), Detection(findings(), of_cells), cells("a", "b"))
