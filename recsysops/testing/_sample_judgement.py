"""Findings, verdicts and checks of the sample."""

from datetime import datetime
from typing import Final

import pandas as pd

from recsysops import columns as c
from recsysops.domain.finding import finding_key
from recsysops.service.frames import empty_findings, findings_in_order
from recsysops.testing._sample_targets import title_index

FIELDS: Final = ("synopsis", "artwork", "trailer", "maturity_rating")
SECOND: Final = ("Harbour", "Orchard", "Signal", "Kingdom", "Letters", "River", "Divide", "Garden", "Tide", "Republic")


def fields_of(index: int, suffix: str) -> dict[str, object]:
    """Return the metadata of a title by its number."""
    fields: dict[str, object] = {
        "synopsis": f"A story about {SECOND[index % 10].lower()}s.{suffix}",
        "genres": ["drama", ("comedy", "thriller", "family")[index % 3]],
        "runtime_minutes": 80 + index % 60,
        "maturity_rating": ("6", "12", "16")[index % 3],
        "artwork": f"art-{index}.jpg",
        "trailer": f"trailer-{index}.mp4",
    }
    for field in missing_of(index):
        fields[field] = "TBA"
    return fields


def missing_of(index: int) -> tuple[str, ...]:
    """Return the required fields a title lacks, by its number."""
    return {0: ("synopsis", "trailer"), 3: ("trailer",), 5: ("maturity_rating",)}.get(index % 9, ())


def sample_judgement(
    cells: pd.DataFrame, as_of: datetime, suffix: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return findings, verdicts and checks of cells."""
    findings: list[dict[str, object]] = []
    verdicts, checks = [], []
    for index, row in zip(title_index(cells), cells.to_dict("records"), strict=True):
        cell = (row[c.TITLE_ID], row[c.MARKET], row[c.SURFACE])
        found = [_missing_field(cell, row[c.LAUNCH_AT], field, as_of, suffix) for field in missing_of(index)]
        has_gap = index % 7 == 0 and index % 3 > 0
        findings += found + ([_gap(cell, row[c.LAUNCH_AT], index, suffix)] if has_gap else [])
        verdicts += _verdicts(cell, index, failed=bool(found), has_gap=has_gap)
        for field in FIELDS:
            outcome = (
                "failed"
                if field in missing_of(index)
                else "not_run"
                if index % 13 == 12 and field == "artwork"
                else "passed"
            )
            detail = {"failed": 'The placeholder "TBA" stands there.', "not_run": "The suite failed."}.get(outcome)
            checks.append((*cell, field, "filled", outcome, str(fields_of(index, suffix)[field]), detail, "required"))
    frame = pd.DataFrame(findings, columns=list(c.FINDING)) if findings else empty_findings()
    frame = frame.astype({column: empty_findings()[column].dtype for column in c.FINDING})
    return (
        findings_in_order(frame),
        pd.DataFrame(verdicts, columns=list(c.VERDICT)),
        pd.DataFrame(checks, columns=list(c.CHECK_RESULT)),
    )


def _missing_field(
    cell: tuple[str, str, str], launch_at: pd.Timestamp, field: str, as_of: datetime, suffix: str
) -> dict[str, object]:
    days = (launch_at - pd.Timestamp(as_of)).total_seconds() / 86400
    due = 7 + 3 * FIELDS.index(field)
    return {
        c.FINDING_KEY: finding_key("missing_metadata", "required", *cell, field),
        c.DETECTOR: "missing_metadata",
        c.RULE: "required",
        **dict(zip(c.CELL_KEY, cell, strict=True)),
        c.FIELD: field,
        c.SEVERITY: "critical" if days < due / 2 else "warning" if days < due else "info",
        c.CLASS: "setup",
        c.WHY: f'{field.capitalize()} is missing ("TBA" stands there): due {due} days before launch, '
        f"{days:.0f} left.{suffix}",
        c.REMEDY: f"Ask team-{field} for the {field}; it usually takes {2 + FIELDS.index(field)} days.",
        c.LATEST_SAFE_FIX_AT: launch_at - pd.Timedelta(days=2 + FIELDS.index(field)),
        c.SCORE: 1.0,
        c.EVIDENCE: {"field": field, "value": "TBA", "due_days": due, "days_left": round(days, 1)},
    }


def _gap(cell: tuple[str, str, str], launch_at: pd.Timestamp, index: int, suffix: str) -> dict[str, object]:
    worth = 120.0 + 31 * (index % 17)
    return {
        c.FINDING_KEY: finding_key("expectation_gap", "under_served", *cell, "reach"),
        c.DETECTOR: "expectation_gap",
        c.RULE: "under_served",
        **dict(zip(c.CELL_KEY, cell, strict=True)),
        c.MEASURE: "reach",
        c.SEVERITY: "critical" if index % 2 else "warning",
        c.CLASS: "algorithm",
        c.WHY: "Predicted to reach 5.8 % of members in 7 days where 16.5 % are planned: 65 % below plan, "
        f"with a probability of 97 %.{suffix}",
        c.REMEDY: "Compare with similar titles; ask the recommender team to look at its candidates before launch.",
        c.WORTH: worth,
        c.WORTH_LOW: worth * 0.6,
        c.WORTH_HIGH: worth * 1.5,
        c.WORTH_UNIT: "members",
        c.LATEST_SAFE_FIX_AT: launch_at - pd.Timedelta(days=3),
        c.SCORE: 0.97,
        c.EVIDENCE: {"gap": 0.65, "p_below": 0.97, "predicted": 0.058, "expected": 0.165, "horizon": 7},
    }


def _verdicts(cell: tuple[str, str, str], index: int, *, failed: bool, has_gap: bool) -> list[tuple[object, ...]]:
    metadata = (
        ("failed", "2 of 4 required fields are missing.", -3.0)
        if failed
        else ("passed", "All 4 required fields are filled.", 5.0)
    )
    if index % 13 == 12:
        metadata = ("not_run", "The check of artwork did not run: the suite failed.", float("nan"))
    gap: tuple[str, str, float] = ("passed", "Within the plan: 5 % below it.", 0.42)
    if index % 3 == 0:
        gap = ("not_applicable", "No expectation is known.", float("nan"))
    elif has_gap:
        gap = ("failed", "65 % below plan.", -0.47)
    return [
        (*cell, "missing_metadata", "required", *metadata, "metadata as known on 2026-03-02"),
        (*cell, "expectation_gap", "under_served", *gap, "model m-1, plan of the content team of 2026-01-21"),
    ]
