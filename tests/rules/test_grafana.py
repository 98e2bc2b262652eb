"""The Grafana dashboard: fresh, well-formed, and about metrics that exist."""

import json
import re
from pathlib import Path

import pytest

from recsysops.metrics import METRICS
from recsysops_dashboards._grafana import FILE_NAME, ROWS, grafana_json

FILE = Path(__file__).resolve().parents[2] / "dashboards" / "grafana" / FILE_NAME
PANELS = [panel for _, row in ROWS for panel in row]


def test_the_checked_in_dashboard_is_what_the_code_makes():
    assert FILE.read_text(encoding="utf-8") == grafana_json(), "run `make docs`"


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_every_query_asks_for_metrics_that_exist(panel):
    known = {metric.name for metric in METRICS}
    asked = {
        name.removesuffix("_bucket")
        for expr, _ in panel.queries
        for name in re.findall(r"(?:recsysops|process)_\w+", expr)
    }

    assert asked
    assert asked <= known


def test_every_metric_of_the_service_is_shown_somewhere():
    shown = " ".join(expr for panel in PANELS for expr, _ in panel.queries)
    not_pictures = {"recsysops_build_info"}

    missing = {m.name for m in METRICS if m.name.startswith("recsysops_") and m.name not in shown} - not_pictures

    assert missing == set()


def test_panels_fill_the_width_and_do_not_overlap():
    taken: dict[tuple[int, int], str] = {}
    for panel in json.loads(grafana_json())["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def test_ids_are_unique_and_every_panel_says_what_it_means():
    panels = json.loads(grafana_json())["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["description"] for panel in panels if panel["type"] != "row")
