"""The Prometheus rules: fresh, well-formed, documented, and right on made-up series."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from recsysops_alerts.rules import FILE_NAME, RULES, rules_yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "alerts" / "rules" / FILE_NAME


def test_the_checked_in_rules_are_what_the_code_makes():
    assert FILE.read_text(encoding="utf-8") == rules_yaml(), "run `make docs`"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_a_name_a_severity_and_a_runbook(rule):
    assert re.fullmatch(r"RecSysOps([A-Z][a-z]+)+", rule.name)
    assert rule.severity in {"critical", "warning", "info"}
    assert (ROOT / "alerts" / "runbooks" / f"{rule.name}.md").is_file()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_values_stand_in_the_description_only(rule):
    assert "{{" not in rule.summary
    assert "{{ $value" in rule.description


def test_rules_watch_metrics_that_exist():
    from recsysops.metrics import METRICS

    watched = {
        name.removesuffix("_bucket")
        for name in re.findall(r"(?:recsysops|process)_\w+", " ".join(rule.expr for rule in RULES))
    }

    assert watched <= {metric.name for metric in METRICS}


def test_runbooks_can_stand_elsewhere():
    assert 'runbook_url: "https://wiki.example/run/RecSysOpsRunStale.md"' in rules_yaml("https://wiki.example/run")


@pytest.mark.parametrize("words", [["check", "rules", str(FILE)], ["test", "rules", "tests/rules/recsysops.test.yaml"]])
def test_promtool_agrees(words):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: install the package prometheus")

    done = subprocess.run([promtool, *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
