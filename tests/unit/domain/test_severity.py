import pytest

from recsysops.domain.severity import FindingClass, Severity


def test_severities_sort_worst_first_by_rank() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == [Severity.CRITICAL, Severity.WARNING, Severity.INFO]


@pytest.mark.parametrize(
    ("severity", "other", "answer"),
    [
        (Severity.CRITICAL, Severity.WARNING, True),
        (Severity.WARNING, Severity.WARNING, True),
        (Severity.INFO, Severity.WARNING, False),
    ],
)
def test_a_severity_is_at_least_another_when_it_is_as_bad_or_worse(
    severity: Severity, other: Severity, answer: bool
) -> None:
    assert severity.is_at_least(other) is answer


def test_severities_and_classes_are_read_from_their_texts() -> None:
    assert Severity("critical") is Severity.CRITICAL
    assert {str(each) for each in FindingClass} == {"setup", "system", "algorithm", "prediction", "plan"}
