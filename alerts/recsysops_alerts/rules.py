"""The Prometheus rules, as data, and the file made from them. Not for findings: Prometheus learns only their number.

Two groups: what the launch team must know, and the service's own health, so that a silent service is heard.
"""

import json
from dataclasses import dataclass
from typing import Final

FILE_NAME: Final = "recsysops.yaml"
RUNBOOKS: Final = "alerts/runbooks"
HEALTH: Final = "recsysops-health"
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
    group: str = "recsysops"
    """`recsysops` or `recsysops-health`."""


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
    AlertRule(
        name="RecSysOpsCellsUnknown",
        expr='sum(recsysops_cells{status="unknown"}) / sum(recsysops_cells) > 0.2',
        for_="30m",
        severity="warning",
        summary="Many upcoming titles could not be judged.",
        description=(
            "{{ $value | humanizePercentage }} of the upcoming titles x markets x surfaces are unknown: a check did "
            "not run, or what it needs is missing. Unknown is not ok."
        ),
    ),
    AlertRule(
        name="RecSysOpsBatchHeld",
        expr="recsysops_held_batches > 0",
        for_="15m",
        severity="warning",
        summary="A delivery is held before publishing.",
        description=(
            "{{ $value }} batches of {{ $labels.table }} differ from those before them and wait for a person. Until "
            "then everything rests on the delivery before."
        ),
    ),
    AlertRule(
        name="RecSysOpsFeedLate",
        expr=(
            "time() - recsysops_feed_last_new_timestamp_seconds"
            " > on (instance, job, table) (2 * recsysops_feed_interval_seconds)"
        ),
        for_="15m",
        severity="warning",
        summary="A feed brings nothing new.",
        description=(
            "The feed {{ $labels.table }} brought nothing new for {{ $value | humanizeDuration }}, which is more than "
            "twice the time between two deliveries."
        ),
    ),
    AlertRule(
        name="RecSysOpsDown",
        expr='up{job="recsysops"} == 0 or absent(up{job="recsysops"})',
        for_="5m",
        severity="critical",
        summary="The API does not answer Prometheus.",
        description=(
            "The target {{ $labels.instance }} has the state {{ $value }} (0: it does not answer; 1 without an "
            "instance: no target of the job recsysops is known)."
        ),
        group=HEALTH,
    ),
    AlertRule(
        name="RecSysOpsStepFailed",
        expr="recsysops_last_run_failed == 1",
        for_="10m",
        severity="warning",
        summary="A step of the cycle failed.",
        description=(
            "The last run of the step {{ $labels.step }} failed or was killed (state: {{ $value }}). What rests on it "
            "is from the run before, or unknown."
        ),
        group=HEALTH,
    ),
    AlertRule(
        name="RecSysOpsApiErrors",
        expr=(
            'sum by (instance) (rate(recsysops_http_requests_total{status="5xx"}[10m]))'
            " / sum by (instance) (rate(recsysops_http_requests_total[10m])) > 0.02"
        ),
        for_="10m",
        severity="warning",
        summary="The API fails to answer.",
        description="{{ $value | humanizePercentage }} of the requests to {{ $labels.instance }} end with an error.",
        group=HEALTH,
    ),
    AlertRule(
        name="RecSysOpsApiSlow",
        expr=(
            "histogram_quantile(0.99, sum by (instance, route, le)"
            " (rate(recsysops_http_request_duration_seconds_bucket[10m]))) > 2.5"
        ),
        for_="15m",
        severity="warning",
        summary="The API answers slowly.",
        description="One request in a hundred to {{ $labels.route }} takes {{ $value | humanizeDuration }} or longer.",
        group=HEALTH,
    ),
    AlertRule(
        name="RecSysOpsModelBehindBaseline",
        expr=(
            'recsysops_prediction_pinball_ratio{predictor="model"} > on (instance, job, measure, horizon)'
            ' (1.05 * recsysops_prediction_pinball_ratio{predictor="comparable_titles"})'
        ),
        for_="1h",
        severity="warning",
        summary="A model predicts worse than comparable titles.",
        description=(
            "On launches held back in training the model of {{ $labels.measure }} over {{ $labels.horizon }} days has "
            "a pinball loss of {{ $value }}, more than 5 % above that of comparable titles."
        ),
        group=HEALTH,
    ),
    AlertRule(
        name="RecSysOpsCalibrationBroken",
        expr='recsysops_calibration_evidence{predictor="model"} > 100',
        for_="1h",
        severity="warning",
        summary="Predictions no longer hold what they promise.",
        description=(
            "Launches of the last weeks say that the distributions of {{ $labels.measure }} over "
            "{{ $labels.horizon }} days are off: the evidence is {{ $value | humanize }}, and 100 is the limit."
        ),
        group=HEALTH,
    ),
    AlertRule(
        name="RecSysOpsFallback",
        expr=(
            'sum by (instance, job) (recsysops_predicted_targets{answer="comparable_titles"})'
            " / sum by (instance, job) (recsysops_predicted_targets) > 0.5"
        ),
        for_="5m",
        severity="warning",
        summary="Comparable titles answer in place of the model.",
        description=(
            "{{ $value | humanizePercentage }} of what was predicted last rests on comparable titles alone: there is "
            "no model, it failed its checks, or it has been worse."
        ),
        group=HEALTH,
    ),
    AlertRule(
        name="RecSysOpsMemoryGrows",
        expr=(
            'deriv(process_resident_memory_bytes{job="recsysops"}[6h]) * 86400 > 1e9'
            ' and process_resident_memory_bytes{job="recsysops"} > 1e9'
        ),
        for_="1h",
        severity="warning",
        summary="The API's memory grows.",
        description="The memory of {{ $labels.instance }} grows by {{ $value | humanize1024 }}B a day.",
        group=HEALTH,
    ),
)


def rules_yaml(runbooks: str = RUNBOOKS) -> str:
    """Return the rule file.

    Args:
        runbooks: Folder or address under which the runbooks are found, without a slash at its end.

    Returns:
        The text of alerts/rules/recsysops.yaml.
    """
    lines = [NOTICE, "groups:"]
    group = ""
    for rule in sorted(RULES, key=lambda rule: rule.group):  # in their order within a group
        if rule.group != group:
            group = rule.group
            lines += [f"  - name: {group}", "    rules:"]
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
