"""The metrics, all of them. Labels come from closed sets; no title is named.

What the store knows is computed at scrape time; what this process did (requests, memory) is counted as it happens.

The only place for prometheus_client.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import Status
from recsysops.domain.views import Vitals

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


@dataclass(frozen=True)
class MetricSpec:
    """A metric as it is documented."""

    name: str
    """As it is scraped."""
    kind: str
    meaning: str
    labels: tuple[str, ...] = ()


BUILD_INFO: Final = MetricSpec(
    "recsysops_build_info", "info", "Version of RecSysOps that answers; always 1.", ("version",)
)
OPEN_ISSUES: Final = MetricSpec(
    "recsysops_open_issues", "gauge", "Issues open now, by severity and class of their cause.", ("severity", "class")
)
CELLS: Final = MetricSpec(
    "recsysops_cells", "gauge", "Upcoming titles x markets x surfaces by status; absent before the first detection.",
    ("status",),
)  # fmt: skip
LAST_SUCCESS: Final = MetricSpec(
    "recsysops_last_success_timestamp_seconds", "gauge",
    "When the step last succeeded, in seconds since 1970; absent while it never has.", ("step",),
)  # fmt: skip
LAST_FAILED: Final = MetricSpec(
    "recsysops_last_run_failed", "gauge", "1 when the step's last run failed or was killed, else 0.", ("step",)
)
PINBALL: Final = MetricSpec(
    "recsysops_prediction_pinball_ratio", "gauge",
    "Pinball loss on launches held back in training, of the models in use (transformed scale, natural log units).",
    ("measure", "horizon", "predictor"),
)  # fmt: skip
MODEL_TRAINED: Final = MetricSpec(
    "recsysops_active_model_trained_timestamp_seconds", "gauge",
    "What the active model knew last, in seconds since 1970; absent where comparable titles answer alone.",
    ("measure", "horizon"),
)  # fmt: skip
CHALLENGED: Final = MetricSpec(
    "recsysops_challenger_since_timestamp_seconds", "gauge",
    "Since when a challenger predicts beside the active model, in seconds since 1970; absent without one.",
    ("measure", "horizon"),
)  # fmt: skip
MODELS_REFUSED: Final = MetricSpec(
    "recsysops_model_files_refused_total", "counter",
    "Models whose files could not be trusted since the store was made: comparable titles answered instead.",
    ("measure", "horizon"),
)  # fmt: skip
ANSWERS: Final = MetricSpec(
    "recsysops_predicted_targets", "gauge",
    "Titles x markets x surfaces x measures x horizons of the last prediction, by who is served; absent before it.",
    ("answer",),
)  # fmt: skip
CALIBRATION: Final = MetricSpec(
    "recsysops_calibration_evidence", "gauge",
    "Evidence that predictions no longer hold what they promise, in weeks, 0 to 1000; broken above 100.",
    ("measure", "horizon", "predictor"),
)  # fmt: skip
COVERAGE: Final = MetricSpec(
    "recsysops_calibration_coverage_ratio", "gauge",
    "Share of outcomes of the last 13 weeks inside their 80 % interval.", ("measure", "horizon", "predictor"),
)  # fmt: skip
QUARANTINED: Final = MetricSpec(
    "recsysops_quarantined_rows_total", "counter", "Rows kept out since the store was made, by table.", ("table",)
)
HELD: Final = MetricSpec(
    "recsysops_held_batches", "gauge", "Batches held before publishing that wait for a person, by table.", ("table",)
)
FEED_LAST_NEW: Final = MetricSpec(
    "recsysops_feed_last_new_timestamp_seconds", "gauge",
    "When a feed last brought something new, in seconds since 1970; absent while it never has.", ("table",),
)  # fmt: skip
FEED_EVERY: Final = MetricSpec(
    "recsysops_feed_interval_seconds", "gauge",
    "How often a feed should deliver; absent where the settings do not say.", ("table",),
)  # fmt: skip
STEP_SECONDS: Final = MetricSpec(
    "recsysops_step_duration_seconds", "gauge", "How long the step took when it last ended.", ("step",)
)
SHADOW_CELLS: Final = MetricSpec(
    "recsysops_shadow_cells", "gauge",
    "Cells the recommender was last asked about, by whether it answered; absent before it was ever asked.",
    ("answered",),
)  # fmt: skip
REQUESTS: Final = MetricSpec(
    "recsysops_http_requests_total", "counter", "Requests answered by this process, by route and class of status.",
    ("route", "status"),
)  # fmt: skip
REQUEST_SECONDS: Final = MetricSpec(
    "recsysops_http_request_duration_seconds", "histogram", "How long this process took to answer, by route.",
    ("route",),
)  # fmt: skip
MEMORY: Final = MetricSpec("process_resident_memory_bytes", "gauge", "Memory of the API's process.")
CPU: Final = MetricSpec("process_cpu_seconds_total", "counter", "CPU time of the API's process.")
OPEN_FDS: Final = MetricSpec("process_open_fds", "gauge", "Open files and connections of the API's process.")
MAX_FDS: Final = MetricSpec("process_max_fds", "gauge", "How many of these the system allows.")
VIRTUAL: Final = MetricSpec("process_virtual_memory_bytes", "gauge", "Address space of the API's process.")
STARTED: Final = MetricSpec(
    "process_start_time_seconds", "gauge", "When the API's process started, in seconds since 1970."
)
STORED: Final = (
    BUILD_INFO, OPEN_ISSUES, CELLS, LAST_SUCCESS, LAST_FAILED, PINBALL, MODEL_TRAINED, CHALLENGED, MODELS_REFUSED,
    QUARANTINED, HELD, FEED_LAST_NEW, FEED_EVERY, STEP_SECONDS, SHADOW_CELLS, ANSWERS, CALIBRATION, COVERAGE,
)  # fmt: skip
"""What is known from the store, whoever ran."""
OF_PROCESS: Final = (REQUESTS, REQUEST_SECONDS, MEMORY, CPU, OPEN_FDS, MAX_FDS, VIRTUAL, STARTED)
"""What is known of the process that is scraped; the last six on Linux only."""
METRICS: Final = (*STORED, *OF_PROCESS)
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _VitalsCollector:
    """Offers vital signs to one registry, once."""

    def __init__(self, vitals: Vitals, version: str) -> None:
        self._vitals = vitals
        self._version = version

    def collect(self) -> Iterable[Metric]:
        """Return every metric."""
        yield InfoMetricFamily("recsysops_build", BUILD_INFO.meaning, {"version": self._version})
        yield self._open_issues()
        yield self._cells()
        yield from self._steps()
        yield self._pinball()
        yield from self._models()
        yield from self._predictions()
        yield self._quarantined()
        yield self._shadow()
        yield from self._feeds()

    def _open_issues(self) -> Metric:
        family = GaugeMetricFamily(OPEN_ISSUES.name, OPEN_ISSUES.meaning, labels=OPEN_ISSUES.labels)
        for severity in Severity:
            for kind in FindingClass:
                family.add_metric([severity, kind], self._vitals.open_issues.get((severity, kind), 0))
        return family

    def _cells(self) -> Metric:
        family = GaugeMetricFamily(CELLS.name, CELLS.meaning, labels=CELLS.labels)
        for status in Status:
            if status in self._vitals.cells:
                family.add_metric([status], self._vitals.cells[status])
        return family

    def _steps(self) -> Iterable[Metric]:
        success = GaugeMetricFamily(LAST_SUCCESS.name, LAST_SUCCESS.meaning, labels=LAST_SUCCESS.labels)
        failed = GaugeMetricFamily(LAST_FAILED.name, LAST_FAILED.meaning, labels=LAST_FAILED.labels)
        lasted = GaugeMetricFamily(STEP_SECONDS.name, STEP_SECONDS.meaning, labels=STEP_SECONDS.labels)
        for health in self._vitals.steps:
            if health.last_success_at is not None:
                success.add_metric([health.step], health.last_success_at.timestamp())
            failed.add_metric([health.step], float(health.last_failed))
            if health.seconds is not None:
                lasted.add_metric([health.step], health.seconds)
        return success, failed, lasted

    def _pinball(self) -> Metric:
        family = GaugeMetricFamily(PINBALL.name, PINBALL.meaning, labels=PINBALL.labels)
        for (measure, horizon, predictor), value in sorted(self._vitals.pinball.items()):
            family.add_metric([measure, str(horizon), predictor], value)
        return family

    def _models(self) -> Iterable[Metric]:
        trained = GaugeMetricFamily(MODEL_TRAINED.name, MODEL_TRAINED.meaning, labels=MODEL_TRAINED.labels)
        since = GaugeMetricFamily(CHALLENGED.name, CHALLENGED.meaning, labels=CHALLENGED.labels)
        refused = CounterMetricFamily(MODELS_REFUSED.name, MODELS_REFUSED.meaning, labels=MODELS_REFUSED.labels)
        for model in self._vitals.models:
            labels = [model.measure, str(model.horizon)]
            trained.add_metric(labels, model.trained_as_of.timestamp())
            refused.add_metric(labels, model.n_refused)
            if model.challenged_since is not None:
                since.add_metric(labels, model.challenged_since.timestamp())
        return trained, since, refused

    def _predictions(self) -> Iterable[Metric]:
        answers = GaugeMetricFamily(ANSWERS.name, ANSWERS.meaning, labels=ANSWERS.labels)
        for answer, n in sorted(self._vitals.answers.items()):
            answers.add_metric([answer], n)
        gathered = GaugeMetricFamily(CALIBRATION.name, CALIBRATION.meaning, labels=CALIBRATION.labels)
        covered = GaugeMetricFamily(COVERAGE.name, COVERAGE.meaning, labels=COVERAGE.labels)
        for found in self._vitals.calibration:
            labels = [found.measure, str(found.horizon), found.predictor]
            gathered.add_metric(labels, found.evidence)
            covered.add_metric(labels, found.coverage_80)
        return answers, gathered, covered

    def _feeds(self) -> Iterable[Metric]:
        held = GaugeMetricFamily(HELD.name, HELD.meaning, labels=HELD.labels)
        last_new = GaugeMetricFamily(FEED_LAST_NEW.name, FEED_LAST_NEW.meaning, labels=FEED_LAST_NEW.labels)
        every = GaugeMetricFamily(FEED_EVERY.name, FEED_EVERY.meaning, labels=FEED_EVERY.labels)
        for feed in self._vitals.feeds:
            held.add_metric([feed.table], feed.n_held)
            if feed.last_new_at is not None:
                last_new.add_metric([feed.table], feed.last_new_at.timestamp())
            if feed.every_hours is not None:
                every.add_metric([feed.table], feed.every_hours * 3600)
        return held, last_new, every

    def _shadow(self) -> Metric:
        family = GaugeMetricFamily(SHADOW_CELLS.name, SHADOW_CELLS.meaning, labels=SHADOW_CELLS.labels)
        for answered, cells in self._vitals.shadow.items():
            family.add_metric(["yes" if answered else "no"], cells)
        return family

    def _quarantined(self) -> Metric:
        family = CounterMetricFamily(QUARANTINED.name, QUARANTINED.meaning, labels=QUARANTINED.labels)
        for table, rows in sorted(self._vitals.quarantined.items()):
            family.add_metric([table], rows)
        return family


class HttpMetrics:
    """Counts the requests of one API in one process."""

    def __init__(self) -> None:
        """Begin at zero."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series and say nothing
        self.registry = CollectorRegistry()
        self._requests = Counter(REQUESTS.name, REQUESTS.meaning, REQUESTS.labels, registry=self.registry)
        self._seconds = Histogram(
            REQUEST_SECONDS.name, REQUEST_SECONDS.meaning, REQUEST_SECONDS.labels, buckets=_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        ProcessCollector(registry=self.registry)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request.

        Args:
            route: The path as declared, `other` where none fits: what was asked for is not a closed set.
            status: Of the answer.
            seconds: From its first byte in to its last byte out.
        """
        self._requests.labels(route, f"{status // 100}xx").inc()
        self._seconds.labels(route).observe(seconds)


def exposition(vitals: Vitals, version: str, http: HttpMetrics | None = None) -> bytes:
    """Return the vital signs, and what this process counted, in Prometheus' text format.

    Args:
        vitals: As the store stands now.
        version: Of RecSysOps.
        http: What this process counted; None where it serves nothing.
    """
    registry = CollectorRegistry()
    registry.register(_VitalsCollector(vitals, version))
    return generate_latest(registry) + (generate_latest(http.registry) if http else b"")
