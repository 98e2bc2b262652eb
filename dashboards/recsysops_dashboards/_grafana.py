"""The Grafana dashboard for operations, as data, and the file made from it. Not for titles: metrics name none."""

import json
from dataclasses import dataclass
from typing import Any, Final

FILE_NAME: Final = "recsysops.json"
_WIDTH: Final = 24
_COLOURS: Final = {"failing": "red", "at_risk": "orange", "unknown": "purple", "ok": "green"}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture."""

    title: str
    meaning: str
    """One sentence below its title."""
    queries: tuple[tuple[str, str], ...]
    """PromQL and legend, each."""
    kind: str = "timeseries"
    """`timeseries`, `stat`, `bargauge` or `table`."""
    unit: str = "short"
    """Grafana's name of the unit."""
    width: int = 12
    """Of 24."""
    height: int = 8
    thresholds: tuple[tuple[float | None, str], ...] = ((None, "green"),)
    """From this value on this colour; None for the lowest."""
    is_stacked: bool = False


ROWS: Final[tuple[tuple[str, tuple[Panel, ...]], ...]] = (
    ("Launches", (
        Panel(
            title="Hours since the last check", kind="stat", unit="h", width=6, height=5,
            meaning="Upcoming titles should be judged at least once a day.",
            queries=(('(time() - recsysops_last_success_timestamp_seconds{step="detect"}) / 3600', "detect"),),
            thresholds=((None, "green"), (24, "orange"), (26, "red")),
        ),
        Panel(
            title="Critical issues open", kind="stat", width=6, height=5,
            meaning="Titles that launch soon and cannot wait.",
            queries=(('sum(recsysops_open_issues{severity="critical"})', "critical"),),
            thresholds=((None, "green"), (1, "red")),
        ),
        Panel(
            title="Batches held", kind="stat", width=6, height=5,
            meaning="Deliveries that differ from those before them and wait for a person.",
            queries=(("sum(recsysops_held_batches)", "held"),),
            thresholds=((None, "green"), (1, "orange")),
        ),
        Panel(
            title="Cells that could not be judged", kind="stat", unit="percentunit", width=6, height=5,
            meaning="Unknown is not ok.",
            queries=(('sum(recsysops_cells{status="unknown"}) / sum(recsysops_cells)', "unknown"),),
            thresholds=((None, "green"), (0.05, "orange"), (0.2, "red")),
        ),
        Panel(
            title="Upcoming cells by status", is_stacked=True, meaning="Titles x markets x surfaces, as last judged.",
            queries=(("sum by (status) (recsysops_cells)", "{{status}}"),),
        ),
        Panel(
            title="Open issues by severity and class", is_stacked=True, meaning="Findings followed over time.",
            queries=(("sum by (severity, class) (recsysops_open_issues) > 0", "{{severity}} {{class}}"),),
        ),
    )),
    ("Data", (
        Panel(
            title="Age of feeds, in their own interval", kind="bargauge", width=8,
            meaning="1: a delivery is due. 2: one was missed.",
            queries=((
                "(time() - recsysops_feed_last_new_timestamp_seconds)"
                " / on (instance, job, table) recsysops_feed_interval_seconds", "{{table}}",
            ),),
            thresholds=((None, "green"), (1.25, "orange"), (2, "red")),
        ),
        Panel(
            title="Rows kept out per day", width=8, meaning="Quarantined rows by table.",
            queries=(("sum by (table) (increase(recsysops_quarantined_rows_total[1d]))", "{{table}}"),),
        ),
        Panel(
            title="Error of predictions on held-back launches", width=8,
            meaning="Pinball loss; the model should lie below comparable titles.",
            queries=(("recsysops_prediction_pinball_ratio", "{{measure}} {{horizon}} d {{predictor}}"),),
        ),
        Panel(
            title="Predicted targets by who is served", width=8, is_stacked=True,
            meaning="Comparable titles stand in where there is no model, it failed its checks, or it was worse.",
            queries=(("sum by (answer) (recsysops_predicted_targets)", "{{answer}}"),),
        ),
        Panel(
            title="Evidence that calibration is broken", width=8,
            meaning="In weeks; above 100 intervals no longer hold what they promise.",
            queries=(("recsysops_calibration_evidence", "{{measure}} {{horizon}} d {{predictor}}"),),
        ),
        Panel(
            title="Outcomes inside their 80 % interval", width=8, unit="percentunit",
            meaning="Of the last 13 weeks; 0.8 is what was promised.",
            queries=(("recsysops_calibration_coverage_ratio", "{{measure}} {{horizon}} d {{predictor}}"),),
        ),
    )),
    ("Models", (
        Panel(
            title="Age of the active models, days", width=6, meaning="Since the time each was trained at.",
            queries=((
                "(time() - recsysops_active_model_trained_timestamp_seconds) / 86400", "{{measure}} {{horizon}} d",
            ),),
        ),
        Panel(
            title="Days a challenger has predicted in shadow", width=6, meaning="Nothing where there is none.",
            queries=(("(time() - recsysops_challenger_since_timestamp_seconds) / 86400", "{{measure}} {{horizon}} d"),),
        ),
        Panel(
            title="Model files refused per day", width=6, meaning="Damaged, unsigned, or not as they were trained.",
            queries=(("increase(recsysops_model_files_refused_total[1d])", "{{measure}} {{horizon}} d"),),
        ),
        Panel(
            title="Cells the recommender was asked about", width=6, is_stacked=True, meaning="At the last run.",
            queries=(("sum by (answered) (recsysops_shadow_cells)", "{{answered}}"),),
        ),
    )),
    ("Runs", (
        Panel(
            title="Duration of the last run of each step", unit="s", meaning="Seconds, by step.",
            queries=(("recsysops_step_duration_seconds", "{{step}}"),),
        ),
        Panel(
            title="Steps whose last run failed", kind="bargauge", meaning="1: failed or killed.",
            queries=(("recsysops_last_run_failed", "{{step}}"),),
            thresholds=((None, "green"), (1, "red")),
        ),
    )),
    ("API", (
        Panel(
            title="Requests per second", unit="reqps", width=8, meaning="By class of status.",
            queries=(("sum by (status) (rate(recsysops_http_requests_total[5m]))", "{{status}}"),),
        ),
        Panel(
            title="Time of the slowest hundredth", unit="s", width=8, meaning="99th percentile by route.",
            queries=((
                "histogram_quantile(0.99, sum by (route, le)"
                " (rate(recsysops_http_request_duration_seconds_bucket[5m])))", "{{route}}",
            ),),
        ),
        Panel(
            title="Memory", unit="bytes", width=8, meaning="Resident memory of the API's process.",
            queries=(('process_resident_memory_bytes{job="recsysops"}', "{{instance}}"),),
        ),
    )),
)  # fmt: skip


def grafana_json() -> str:
    """Return the dashboard as Grafana imports it: the text of dashboards/grafana/recsysops.json."""
    source = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    board = {
        "uid": "recsysops",
        "title": "RecSysOps",
        "description": "How the launch checks, their data and their API are doing. Made by `make docs`.",
        "tags": ["recsysops"],
        "timezone": "utc",
        "schemaVersion": 39,
        "version": 1,
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "templating": {"list": [source]},
        "annotations": {"list": []},
        "panels": _laid_out(),
    }
    return json.dumps(board, indent=2) + "\n"


def _laid_out() -> list[dict[str, Any]]:
    """Return headings and panels, each with its place: left to right, a new line where one does not fit."""
    panels: list[dict[str, Any]] = []
    top = 0
    for name, row in ROWS:
        place = {"h": 1, "w": _WIDTH, "x": 0, "y": top}
        panels.append({
            "id": len(panels) + 1, "type": "row", "title": name, "collapsed": False, "panels": [], "gridPos": place,
        })  # fmt: skip
        top += 1
        left = lowest = 0
        for panel in row:
            if left + panel.width > _WIDTH:
                top, left, lowest = top + lowest, 0, 0
            place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
            panels.append(_panel(panel, len(panels) + 1, place))
            left, lowest = left + panel.width, max(lowest, panel.height)
        top += lowest
    return panels


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    steps = [{"value": value, "color": colour} for value, colour in panel.thresholds]
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "timeseries":
        stacking = "normal" if panel.is_stacked else "none"
        defaults["custom"] = {"stacking": {"mode": stacking}, "fillOpacity": 40 if panel.is_stacked else 5}
        defaults["min"] = 0
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "gridPos": place,
        "datasource": source,
        "fieldConfig": {"defaults": defaults, "overrides": [_coloured(name) for name in _COLOURS]},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": source, "expr": expr, "legendFormat": legend}
            for at, (expr, legend) in enumerate(panel.queries)
        ],
    }


def _coloured(status: str) -> dict[str, Any]:
    """Return the rule that gives a status its colour wherever it is a series."""
    colour = {"mode": "fixed", "fixedColor": _COLOURS[status]}
    return {"matcher": {"id": "byName", "options": status}, "properties": [{"id": "color", "value": colour}]}
