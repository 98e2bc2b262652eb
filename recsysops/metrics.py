"""The metrics, all of them, computed from vital signs at scrape time. Labels come from closed sets; no title is named.

The only place for prometheus_client.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry
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
QUARANTINED: Final = MetricSpec(
    "recsysops_quarantined_rows_total", "counter", "Rows kept out since the store was made, by table.", ("table",)
)
METRICS: Final = (BUILD_INFO, OPEN_ISSUES, CELLS, LAST_SUCCESS, LAST_FAILED, PINBALL, QUARANTINED)


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
        yield self._quarantined()

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
        for health in self._vitals.steps:
            if health.last_success_at is not None:
                success.add_metric([health.step], health.last_success_at.timestamp())
            failed.add_metric([health.step], float(health.last_failed))
        return success, failed

    def _pinball(self) -> Metric:
        family = GaugeMetricFamily(PINBALL.name, PINBALL.meaning, labels=PINBALL.labels)
        for (measure, horizon, predictor), value in sorted(self._vitals.pinball.items()):
            family.add_metric([measure, str(horizon), predictor], value)
        return family

    def _quarantined(self) -> Metric:
        family = CounterMetricFamily(QUARANTINED.name, QUARANTINED.meaning, labels=QUARANTINED.labels)
        for table, rows in sorted(self._vitals.quarantined.items()):
            family.add_metric([table], rows)
        return family


def exposition(vitals: Vitals, version: str) -> bytes:
    """Return the vital signs in Prometheus' text format.

    Args:
        vitals: As the store stands now.
        version: Of RecSysOps.
    """
    registry = CollectorRegistry()
    registry.register(_VitalsCollector(vitals, version))
    return generate_latest(registry)
