from prometheus_client.parser import text_string_to_metric_families

from recsysops.domain.calibration import judge
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import Status
from recsysops.domain.views import FeedHealth, ModelHealth, StepHealth, Vitals
from recsysops.metrics import METRICS, OF_PROCESS, STORED, HttpMetrics, exposition
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
        StepHealth(step="train", last_success_at=AS_OF, last_failed=False, seconds=12.5),
        StepHealth(step="run", last_success_at=None, last_failed=True),
    ),
    open_issues={(Severity.CRITICAL, FindingClass.SETUP): 3},
    cells=dict.fromkeys(Status, 2),
    pinball={("reach", 7, "model"): 0.12},
    quarantined={"titles": 4},
    shadow={True: 9, False: 3},
    answers={"model": 70, "comparable_titles": 20, "nobody": 10},
    models=(ModelHealth(measure="reach", horizon=7, trained_as_of=AS_OF, challenged_since=AS_OF, n_refused=1),),
    calibration=(judge(("reach", 7, "model"), [0.05, 0.5, 0.7, 0.6], [1, 1, 1, 2]),),
    feeds=(
        FeedHealth(table="titles", last_new_at=AS_OF, every_hours=24, n_held=2),
        FeedHealth(table="changes", last_new_at=None, every_hours=None),
    ),
)


def test_every_metric_is_listed_and_every_listed_one_is_exposed():
    names = {name for name, _ in samples(FULL)}

    assert names == {spec.name for spec in STORED}


def test_what_a_process_counts_is_listed_too():
    http = HttpMetrics()
    http.observe("/v1/board", 200, 0.03)
    http.observe("/v1/board", 503, 0.2)

    families = text_string_to_metric_families(exposition(FULL, "1.2.3", http).decode())
    found = {(sample.name, *sorted(sample.labels.values())): sample.value for f in families for sample in f.samples}

    assert found["recsysops_http_requests_total", "/v1/board", "2xx"] == 1
    assert found["recsysops_http_requests_total", "/v1/board", "5xx"] == 1
    assert found["recsysops_http_request_duration_seconds_count", "/v1/board"] == 2
    assert found["recsysops_http_request_duration_seconds_bucket", "/v1/board", "0.05"] == 1
    names = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name, *_ in found}
    assert names - {spec.name for spec in METRICS} == set()
    assert {spec.name for spec in OF_PROCESS if spec.name.startswith("recsysops_")} <= names
    assert not any(name.endswith("_created") for name, *_ in found)


def test_two_apis_in_one_process_count_apart():
    first, second = HttpMetrics(), HttpMetrics()
    first.observe("/v1/board", 200, 0.03)

    assert b"recsysops_http_requests_total{" not in exposition(FULL, "1.2.3", second)


def test_feeds_without_a_cadence_or_a_delivery_have_no_series_of_these():
    found = samples(FULL)

    assert found["recsysops_held_batches", ("titles",)] == 2
    assert found["recsysops_held_batches", ("changes",)] == 0
    assert found["recsysops_feed_interval_seconds", ("titles",)] == 86_400
    assert found["recsysops_feed_last_new_timestamp_seconds", ("titles",)] == AS_OF.timestamp()
    assert ("recsysops_feed_interval_seconds", ("changes",)) not in found
    assert ("recsysops_feed_last_new_timestamp_seconds", ("changes",)) not in found
    assert found["recsysops_step_duration_seconds", ("train",)] == 12.5


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
    assert found["recsysops_shadow_cells", ("no",)] == 3
    assert found["recsysops_shadow_cells", ("yes",)] == 9


def test_who_is_served_and_whether_predictions_hold_is_told():
    found = samples(FULL)

    assert found["recsysops_predicted_targets", ("comparable_titles",)] == 20
    assert found["recsysops_calibration_coverage_ratio", ("7", "reach", "model")] == 0.75
    assert found["recsysops_calibration_evidence", ("7", "reach", "model")] > 0


def test_before_the_first_detection_cells_are_absent_not_zero():
    found = samples(Vitals(steps=()))

    assert not any(name == "recsysops_cells" for name, _ in found)


def test_series_come_from_closed_sets():
    found = samples(FULL)

    assert sum(name == "recsysops_open_issues" for name, _ in found) == len(Severity) * len(FindingClass)
    assert len(found) < 100
