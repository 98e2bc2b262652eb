from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsysops.domain.issue import (
    Finding,
    Issue,
    IssueEventKind,
    Judged,
    Resolution,
    count_by_severity,
    follow,
)
from recsysops.domain.severity import FindingClass, Severity

T0 = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
CELL = ("t1", "de", "home")
CHECK = ("missing_metadata", "missing_field", *CELL)
NOTHING_JUDGED = Judged(cells={CELL: "planned"}, silent=frozenset())
JUDGED = Judged(cells={CELL: "planned"}, silent=frozenset({CHECK}))


def finding(key: str = "k1", severity: Severity = Severity.WARNING, why: str = "The synopsis is missing.") -> Finding:
    return Finding(
        finding_key=key,
        detector=CHECK[0],
        rule=CHECK[1],
        title_id=CELL[0],
        market=CELL[1],
        surface=CELL[2],
        field="synopsis",
        severity=severity,
        finding_class=FindingClass.SETUP,
        why=why,
        remedy="Ask the provider for it.",
        score=1.0,
        evidence={},
    )


def opened(*findings: Finding, at: datetime = T0) -> dict[str, Issue]:
    return {change.issue.finding.finding_key: change.issue for change in follow({}, findings, NOTHING_JUDGED, at)}


def test_a_new_finding_opens_the_first_episode() -> None:
    (change,) = follow({}, [finding()], JUDGED, T0)

    assert change.issue.issue_id == "k1-1"
    assert (change.issue.episode, change.issue.opened_at, change.issue.is_open) == (1, T0, True)
    assert (change.event.kind, change.event.at, change.event.issue_id) == (IssueEventKind.OPENED, T0, "k1-1")
    assert (change.event.severity, change.event.why) == (Severity.WARNING, "The synopsis is missing.")


def test_an_issue_that_stays_as_it_was_is_not_changed() -> None:
    assert follow(opened(finding()), [finding()], JUDGED, T0 + DAY) == ()


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (Severity.WARNING, Severity.WARNING, IssueEventKind.UPDATED),
        (Severity.WARNING, Severity.CRITICAL, IssueEventKind.WORSENED),
        (Severity.WARNING, Severity.INFO, IssueEventKind.EASED),
    ],
)
def test_a_finding_seen_again_updates_worsens_or_eases_its_issue(
    before: Severity, after: Severity, kind: IssueEventKind
) -> None:
    again = finding(severity=after, why="Still missing, one day less.")

    (change,) = follow(opened(finding(severity=before)), [again], JUDGED, T0 + DAY)

    assert change.event.kind is kind
    assert change.event.severity is after
    assert change.issue.finding == again
    assert (change.issue.opened_at, change.issue.updated_at) == (T0, T0 + DAY)
    assert change.issue.issue_id == "k1-1"


def test_an_absent_finding_is_fixed_where_its_check_ran() -> None:
    (change,) = follow(opened(finding()), [], JUDGED, T0 + DAY)

    assert (change.issue.resolution, change.issue.resolved_at) == (Resolution.FIXED, T0 + DAY)
    assert not change.issue.is_open
    assert (change.event.kind, change.event.resolution) == (IssueEventKind.RESOLVED, Resolution.FIXED)


def test_an_absent_finding_whose_check_did_not_run_stays_open() -> None:
    assert follow(opened(finding()), [], NOTHING_JUDGED, T0 + DAY) == ()


@pytest.mark.parametrize("place", range(5))
def test_another_check_or_another_cell_that_ran_does_not_resolve_it(place: int) -> None:
    other = (*CHECK[:place], "other", *CHECK[place + 1 :])
    judged = Judged(cells={CELL: "planned"}, silent=frozenset({other}))

    assert follow(opened(finding()), [], judged, T0 + DAY) == ()


@pytest.mark.parametrize(
    ("state", "resolution"), [("launched", Resolution.LAUNCHED), ("withdrawn", Resolution.WITHDRAWN)]
)
def test_an_issue_ends_when_its_cell_is_no_longer_upcoming_though_no_check_ran(
    state: str, resolution: Resolution
) -> None:
    judged = Judged(cells={CELL: state}, silent=frozenset())

    (change,) = follow(opened(finding()), [], judged, T0 + DAY)

    assert change.issue.resolution is resolution


def test_an_issue_is_withdrawn_when_its_check_no_longer_applies() -> None:
    judged = Judged(cells={CELL: "planned"}, silent=frozenset(), not_applicable=frozenset({CHECK}))

    (change,) = follow(opened(finding()), [], judged, T0 + DAY)

    assert change.issue.resolution is Resolution.WITHDRAWN


def test_an_issue_of_a_cell_nobody_knows_any_more_stays_open_until_it_is_judged() -> None:
    nowhere = Judged(cells={}, silent=frozenset())
    judged = Judged(cells={}, silent=frozenset({CHECK}))

    assert follow(opened(finding()), [], nowhere, T0 + DAY) == ()
    assert [change.issue.resolution for change in follow(opened(finding()), [], judged, T0 + DAY)] == [Resolution.FIXED]


def test_a_finding_that_comes_back_opens_the_next_episode() -> None:
    (ended,) = follow(opened(finding()), [], JUDGED, T0 + DAY)

    (change,) = follow({"k1": ended.issue}, [finding()], JUDGED, T0 + 2 * DAY)

    assert (change.event.kind, change.issue.issue_id, change.issue.episode) == (IssueEventKind.REOPENED, "k1-2", 2)
    assert (change.issue.opened_at, change.issue.resolution, change.issue.is_open) == (T0 + 2 * DAY, None, True)


def test_an_issue_that_ended_stays_ended() -> None:
    (ended,) = follow(opened(finding()), [], JUDGED, T0 + DAY)

    assert follow({"k1": ended.issue}, [], JUDGED, T0 + 2 * DAY) == ()


def test_changes_come_in_the_order_of_keys_and_do_not_depend_on_the_order_of_findings() -> None:
    findings = [finding("b"), finding("c"), finding("a")]

    there = follow({}, findings, JUDGED, T0)
    back = follow({}, findings[::-1], JUDGED, T0)

    assert [change.issue.finding.finding_key for change in there] == ["a", "b", "c"]
    assert there == back


def test_open_issues_are_counted_by_severity_and_every_severity_is_named() -> None:
    issues = list(opened(finding("a"), finding("b"), finding("c", Severity.CRITICAL)).values())
    ended = replace(issues[0], resolved_at=T0)

    assert count_by_severity([ended, *issues[1:]]) == {Severity.CRITICAL: 1, Severity.WARNING: 1, Severity.INFO: 0}
    assert count_by_severity([]) == dict.fromkeys(Severity, 0)


runs = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abc"), st.sampled_from(Severity)),
        st.booleans(),
        st.sampled_from(["planned", "launched", "withdrawn"]),
    ),
    max_size=12,
)


@given(runs)
def test_over_any_runs_episodes_count_up_and_nothing_ends_or_opens_twice(
    history: list[tuple[dict[str, Severity], bool, str]],
) -> None:
    latest: dict[str, Issue] = {}

    for day, (found, ran, state) in enumerate(history):
        findings = [finding(key, severity) for key, severity in found.items()]
        judged = Judged(cells={CELL: state}, silent=frozenset({CHECK} if ran else ()))
        changes = follow(latest, findings, judged, T0 + day * DAY)
        for change in changes:
            key = change.issue.finding.finding_key
            before = latest.get(key)
            opens = change.event.kind in {IssueEventKind.OPENED, IssueEventKind.REOPENED}
            assert opens == (before is None or not before.is_open)
            assert change.issue.episode == (0 if before is None else before.episode) + opens
            latest[key] = change.issue
        assert follow(latest, findings, judged, T0 + day * DAY) == ()

        open_keys = {key for key, issue in latest.items() if issue.is_open}
        assert open_keys >= set(found)
        if ran or state != "planned":
            assert open_keys == set(found)
