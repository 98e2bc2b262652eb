import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsysops.domain.severity import Severity
from recsysops.domain.verdict import CheckOutcome, Status, status_of

PASSED, FAILED = CheckOutcome.PASSED, CheckOutcome.FAILED
NOT_RUN, NOT_APPLICABLE = CheckOutcome.NOT_RUN, CheckOutcome.NOT_APPLICABLE
CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


@pytest.mark.parametrize(
    ("outcomes", "severities", "status"),
    [
        ([PASSED], [], Status.OK),
        ([PASSED, NOT_APPLICABLE], [], Status.OK),
        ([PASSED, FAILED], [INFO], Status.OK),
        ([PASSED, FAILED], [WARNING, INFO], Status.AT_RISK),
        ([PASSED, FAILED], [WARNING, CRITICAL], Status.FAILING),
        ([NOT_RUN, FAILED], [CRITICAL], Status.FAILING),
        ([NOT_RUN, FAILED], [WARNING], Status.AT_RISK),
        ([NOT_RUN, PASSED], [], Status.UNKNOWN),
        ([NOT_RUN, FAILED], [INFO], Status.UNKNOWN),
        ([NOT_APPLICABLE], [], Status.UNKNOWN),
        ([], [], Status.UNKNOWN),
        ([FAILED, PASSED], [], Status.UNKNOWN),
    ],
)
def test_the_status_of_a_cell_follows_from_its_checks_and_findings(
    outcomes: list[CheckOutcome], severities: list[Severity], status: Status
) -> None:
    assert status_of(outcomes, severities) is status


@given(st.lists(st.sampled_from(CheckOutcome)), st.lists(st.sampled_from(Severity)))
def test_nothing_is_ok_that_was_not_checked(outcomes: list[CheckOutcome], severities: list[Severity]) -> None:
    status = status_of(outcomes, severities)

    if status is Status.OK:
        assert NOT_RUN not in outcomes
        assert PASSED in outcomes or FAILED in outcomes
        assert not {CRITICAL, WARNING} & set(severities)


@given(st.lists(st.sampled_from(CheckOutcome)), st.lists(st.sampled_from(Severity)))
def test_the_order_of_checks_and_findings_does_not_matter(
    outcomes: list[CheckOutcome], severities: list[Severity]
) -> None:
    assert status_of(reversed(outcomes), reversed(severities)) is status_of(outcomes, severities)


@given(st.lists(st.sampled_from(CheckOutcome), min_size=1), st.lists(st.sampled_from(Severity)))
def test_a_further_critical_finding_always_makes_a_cell_failing(
    outcomes: list[CheckOutcome], severities: list[Severity]
) -> None:
    assert status_of(outcomes, [*severities, CRITICAL]) is Status.FAILING


def test_statuses_sort_worst_first_by_rank() -> None:
    assert sorted(Status, key=lambda status: status.rank) == [
        Status.FAILING,
        Status.AT_RISK,
        Status.UNKNOWN,
        Status.OK,
    ]
