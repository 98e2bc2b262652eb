"""A store filled with predictions held against outcomes, as `learn` leaves them; no logs needed.

Seeded by nothing but the arguments. For tests of what reads it; results are `sample_results`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt
from recsysops.domain.distribution import PROBABILITIES, normal_quantile
from recsysops.domain.measure import LEADS, inverse, transform
from recsysops.service.learn import score
from recsysops.service.ports import Store
from recsysops.testing.sample_results import AS_OF, MARKETS, PROVIDERS, SURFACES

TARGETS: Final = (("reach", 1), ("reach", 7), ("impression_share", 7))
_BATCH: Final = "b-launched"
_SPREAD: Final = 0.3
_WIDER: Final = {14: 1.5, 7: 1.2, 3: 1.05, 1: 1.0}
"""Errors grow with the lead; the model's spread grows as well, that of comparable titles does not."""


@dataclass(frozen=True, kw_only=True)
class SampleScores:
    """How much to put in, and how nasty it is."""

    n_titles: int = 60
    per_week: int = 8
    suffix: str = ""
    """Put behind every name and provider."""
    has_challenger: bool = True
    as_of: datetime = AS_OF


def fill_scores(store: Store, sample: SampleScores | None = None) -> None:
    """Add launched titles, and scores of what had been predicted of them by a model and comparable titles."""
    wanted = sample or SampleScores()
    rows = score_rows(wanted)
    titles = _titles(wanted)
    receipt = BatchReceipt(
        batch_id=_BATCH, table=c.TITLES, content_hash=_BATCH, files=("launched.csv",), rows_in=len(titles),
        accepted=len(titles), duplicate=0, quarantined=0, loaded_at=wanted.as_of,
    )  # fmt: skip
    with store.write() as unit:
        unit.batches.add(receipt, [])
        unit.versions.add(c.TITLES, titles, _BATCH, wanted.as_of)
        unit.scores.add(rows)
        unit.commit()


def score_rows(sample: SampleScores) -> pd.DataFrame:
    """Return LAUNCH_SCORE: reach and share of impressions, at every lead."""
    cells = _cells(sample)
    random = np.random.default_rng(7)
    shock, noise = random.normal(size=len(cells)), random.normal(size=len(cells))
    parts = []
    for measure, horizon in TARGETS:
        n = np.full(len(cells), 2400.0 if measure == "reach" else 90000.0)
        typical = (0.03 if measure == "reach" else 0.002) * horizon**0.5
        base = transform(measure, typical * (1 + cells["index"].to_numpy() % 5 / 3), n)
        actual = inverse(measure, base + _SPREAD * shock, n)
        target: dict[str, Any] = {c.MEASURE: measure, c.HORIZON: horizon}
        found = cells.drop(columns="index").assign(**target)
        ends = found[c.LAUNCH_AT] + pd.Timedelta(days=horizon)
        what_became: dict[str, Any] = {c.VALUE: actual, c.DENOMINATOR: n, c.KNOWN_AT: ends}
        outcomes = found.assign(**what_became)
        known = ends <= sample.as_of
        for lead, (predictor, model_id, error) in product(LEADS, _PREDICTORS[: 3 if sample.has_challenger else 2]):
            middle = base + error * _WIDER[lead] * _SPREAD * noise
            spread = 0.45 if predictor == c.COMPARABLE_TITLES else _SPREAD * (1 + (error * _WIDER[lead]) ** 2) ** 0.5
            made = _predictions(found, lead, predictor, model_id)
            shares = inverse(measure, middle[:, None] + spread * normal_quantile(PROBABILITIES)[None, :], n[:, None])
            quantiles = pd.DataFrame(shares, columns=list(c.QUANTILES), index=found.index)
            parts.append(score(pd.concat([made, quantiles], axis=1)[known], outcomes))
    return pd.concat(parts, ignore_index=True)


_PREDICTORS: Final = ((c.MODEL, "m-1", 0.4), (c.COMPARABLE_TITLES, None, 1.1), ("challenger", "m-2", 0.3))


def _predictions(found: pd.DataFrame, lead: int, predictor: str, model_id: str | None) -> pd.DataFrame:
    made_at = found[c.LAUNCH_AT].dt.floor("D") - pd.Timedelta(days=lead)
    made = found.assign(
        **{
            c.LEAD: lead, c.AS_OF: made_at, c.PREDICTOR: predictor, c.IS_SERVED: predictor == c.MODEL, c.LABEL: "",
            c.DENOMINATOR: 1.0,
        }
    )  # fmt: skip
    return made.assign(**{c.MODEL_ID: pd.Series([model_id] * len(made), index=made.index, dtype="str")})


def _cells(sample: SampleScores) -> pd.DataFrame:
    rows = []
    for at, market, surface in product(range(sample.n_titles), MARKETS, SURFACES):
        weeks, day = at // sample.per_week, at % 7
        launch = sample.as_of - timedelta(days=9 + 7 * weeks + day) + timedelta(hours=9)
        rows.append((_title_id(at), market, surface, launch, at))
    frame = pd.DataFrame(rows, columns=[*c.CELL_KEY, c.LAUNCH_AT, "index"])
    return frame.astype({c.LAUNCH_AT: "datetime64[us, UTC]"})


def _titles(sample: SampleScores) -> pd.DataFrame:
    known = sample.as_of - timedelta(days=1000)
    rows = [
        (
            _title_id(at), c.ALL, known, f"Launched {at}{sample.suffix}", None, PROVIDERS[at % 4] + sample.suffix,
            {"synopsis": "A story."} if at % 5 else {},
        )
        for at in range(sample.n_titles)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(c.TITLE_VERSION)).astype({c.SERIES_ID: "str"})
    return frame.assign(**{c.OBSERVED_AT: pd.to_datetime(frame[c.OBSERVED_AT], utc=True).astype("datetime64[us, UTC]")})


def _title_id(at: int) -> str:
    return f"launched-{at:04d}"
