"""The Prometheus rules, as data, and the file made from them. Not for findings: Prometheus learns only their number."""

import json
from dataclasses import dataclass
from typing import Final

FILE_NAME: Final = "recsysops.yaml"
RUNBOOKS: Final = "alerts/runbooks"
NOTICE: Final = "# Made from recsysops_alerts.rules; change the code instead."


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """One Prometheus alert."""

    name: str
    """CamelCase; its runbook has the same name."""
    expr: str
    for_: str
    severity: str
    summary: str
    """Without values, so that copies of it are grouped."""
    description: str
    """With values."""


RULES: Final = (
    AlertRule(
        name="RecSysOpsRunStale",
        expr=(
            'time() - recsysops_last_success_timestamp_seconds{step="detect"} > 93600'
            ' or absent(recsysops_last_success_timestamp_seconds{step="detect"})'
        ),
        for_="15m",
        severity="critical",
        summary="Upcoming titles are no longer being checked.",
        description=(
            "The step {{ $labels.step }} has not succeeded within 26 h, or never did (seconds since: {{ $value }}; 1 "
            "where it never did or is not scraped). What the board shows is old, and new faults go unseen."
        ),
    ),
    AlertRule(
        name="RecSysOpsCriticalIssues",
        expr='sum by (class) (recsysops_open_issues{severity="critical"}) > 0',
        for_="5m",
        severity="critical",
        summary="Titles that launch soon have critical issues.",
        description="{{ $value }} critical issues of class {{ $labels.class }} are open.",
    ),
)


def rules_yaml(runbooks: str = RUNBOOKS) -> str:
    """Return the rule file.

    Args:
        runbooks: Folder or address under which the runbooks are found, without a slash at its end.

    Returns:
        The text of alerts/rules/recsysops.yaml.
    """
    lines = [NOTICE, "groups:", "  - name: recsysops", "    rules:"]
    for rule in RULES:
        lines += [
            f"      - alert: {rule.name}",
            f"        expr: {_quoted(rule.expr)}",
            f"        for: {rule.for_}",
            "        labels:",
            f"          severity: {rule.severity}",
            "        annotations:",
            f"          summary: {_quoted(rule.summary)}",
            f"          description: {_quoted(rule.description)}",
            f"          runbook_url: {_quoted(f'{runbooks}/{rule.name}.md')}",
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML string
