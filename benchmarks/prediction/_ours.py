"""Our own predictions, through the forecaster's public verbs: trained on what was known, asked about what comes.

As in production, what was predicted before is held against what happened since, and handed to the forecaster.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from _world import Tell, World, fit_origins

from recsysops.columns import (
    CELL_KEY,
    COMPARABLE_TITLES,
    DENOMINATOR,
    HORIZON,
    IS_PARTIAL,
    KNOWN_AT,
    LAUNCH_AT,
    LAUNCH_STATUS,
    MEASURE,
    MODEL,
    OBSERVED_AT,
    PREDICTOR,
    QUANTILES,
)  # fmt: skip
from recsysops.domain.measure import transform
from recsysops.domain.model import ModelCard
from recsysops.errors import ModelError
from recsysops.model.forecaster import LaunchForecaster
from recsysops.service.learn import score


def answers(
    world: World, rows: pd.DataFrame, all_origins: list[pd.Timestamp], horizon: int, tell: Tell
) -> dict[str, np.ndarray]:
    """Return quantiles on the transformed scale of each row, shape (n rows, 19); missing where there is no answer.

    Under MODEL stands the model, where it is silent what recsysops falls back to (comparable titles), also where too
    few launches are known for the model to be served; under COMPARABLE_TITLES these alone. Nothing after an origin
    reaches the forecaster: it is handed `history.until(origin)`, and scores of its earlier predictions whose outcome
    was known by then.
    """
    found = {name: np.full((len(rows), len(QUANTILES)), np.nan) for name in (MODEL, COMPARABLE_TITLES)}
    fitted = fit_origins(world, all_origins)
    target, card = (world.measure, horizon), None
    outcomes = _outcomes(world, horizon)
    scored: list[pd.DataFrame] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, origin in enumerate(all_origins):
            forecaster, known = LaunchForecaster(), world.history.until(origin.to_pydatetime())
            if scored:
                past = pd.concat(scored, ignore_index=True)
                known = replace(known, scores=past[past[KNOWN_AT] <= origin])
            if fitted[origin] == origin:
                card = _trained(forecaster, known, origin, world, horizon, Path(folder)) or card
            at = np.flatnonzero((rows["week"] == origin).to_numpy())
            cells = _cells(known.launches, rows.iloc[at])
            said = forecaster.predict(
                known, cells, origin.to_pydatetime(), {target: card}, world.settings, Path(folder)
            )
            scored.append(score(said[said[QUANTILES[0]].notna()], outcomes))
            for name, quantiles in found.items():
                quantiles[at] = _quantiles(said[said[PREDICTOR] == name], rows.iloc[at], world.measure)
            tell(f"origin {origin:%Y-%m-%d}", (number + 1) / len(all_origins))
    silent = ~np.isfinite(found[MODEL]).all(axis=1)
    found[MODEL][silent] = found[COMPARABLE_TITLES][silent]
    return found


def _outcomes(world: World, horizon: int) -> pd.DataFrame:
    """Return the complete outcomes of the benchmark's measure and horizon, as they were known last."""
    frame = world.history.outcomes
    frame = frame[(frame[MEASURE] == world.measure) & (frame[HORIZON] == horizon) & (frame[DENOMINATOR] > 0)]
    frame = frame[~frame[IS_PARTIAL].astype(bool)].sort_values(KNOWN_AT, kind="stable")
    return frame.drop_duplicates(list(CELL_KEY), keep="last")


def _trained(
    forecaster: LaunchForecaster, known: object, origin: pd.Timestamp, world: World, horizon: int, folder: Path
) -> ModelCard | None:
    """Return the card of a new model; None where there is too little to learn from yet."""
    try:
        return forecaster.train(
            known, origin.to_pydatetime(), world.measure, horizon, world.settings, folder, lambda _what, _done: None  # type: ignore[arg-type]
        )  # fmt: skip
    except ModelError:
        return None


def _cells(launches: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the launches of these rows as planned at the time."""
    last = launches.sort_values(OBSERVED_AT, kind="stable").drop_duplicates(list(CELL_KEY), keep="last")
    wanted = rows[list(CELL_KEY)].merge(last, on=list(CELL_KEY), how="inner")
    return wanted[[*CELL_KEY, LAUNCH_AT, LAUNCH_STATUS]]


def _quantiles(said: pd.DataFrame, rows: pd.DataFrame, measure: str) -> np.ndarray:
    """Return one predictor's quantiles in the order of the rows, on the scale they were made on."""
    indexed = said.drop_duplicates(list(CELL_KEY)).set_index(list(CELL_KEY))
    ordered = indexed.reindex(pd.MultiIndex.from_frame(rows[list(CELL_KEY)]))
    shares = ordered[list(QUANTILES)].to_numpy(dtype=float)
    # A share is of the denominator forecast with it: undoing that gives back what the model said.
    denominator = ordered[DENOMINATOR].to_numpy(dtype=float)[:, None]
    return transform(measure, shares, denominator)
