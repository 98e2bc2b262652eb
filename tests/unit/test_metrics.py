from prometheus_client.parser import text_string_to_metric_families

from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import Status
from recsysops.domain.views import StepHealth, Vitals
from recsysops.metrics import METRICS, exposition
from recsysops.testing.sample_results import AS_OF


def samples(vitals: Vitals) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return name and label values (by label name) to value."""
    families = text_string_to_metric_families(exposition(vitals, "1.2.3").decode())
    found = {}
    for sample in (sample for family in families for sample in family.samples):
        found[sample.name, tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


FULL = Vitals(
    steps=(
        StepHealth(step="train", last_success_at=AS_OF, last_failed=False),
        StepHealth(step="run", last_success_at=None, last_failed=True),
    ),
    open_issues={(Severity.CRITICAL, FindingClass.SETUP): 3},
    cells=dict.fromkeys(Status, 2),
    pinball={("reach", 7, "model"): 0.12},
    quarantined={"titles": 4},
)


def test_every_metric_is_listed_and_every_listed_one_is_exposed():
    names = {name for name, _ in samples(FULL)}

    assert names == {spec.name for spec in METRICS}
    assert not any(name.endswith("_created") for name in names)


def test_values_are_those_of_the_store():
    found = samples(FULL)

    assert found["recsysops_open_issues", ("setup", "critical")] == 3
    assert found["recsysops_open_issues", ("setup", "warning")] == 0
    assert found["recsysops_last_success_timestamp_seconds", ("train",)] == AS_OF.timestamp()
    assert ("recsysops_last_success_timestamp_seconds", ("run",)) not in found
    assert found["recsysops_last_run_failed", ("run",)] == 1
    assert found["recsysops_prediction_pinball_ratio", ("7", "reach", "model")] == 0.12
    assert found["recsysops_quarantined_rows_total", ("titles",)] == 4
    assert found["recsysops_build_info", ("1.2.3",)] == 1


def test_before_the_first_detection_cells_are_absent_not_zero():
    found = samples(Vitals(steps=()))

    assert not any(name == "recsysops_cells" for name, _ in found)


def test_series_come_from_closed_sets():
    found = samples(FULL)

    assert sum(name == "recsysops_open_issues" for name, _ in found) == len(Severity) * len(FindingClass)
    assert len(found) < 100
