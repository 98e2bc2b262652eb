"""The predictors we are held against, each fitted at every origin on what was known and asked about the launches after.

    python benchmarks/prediction/_peers.py NAME MATRIX.parquet PLAN.json OUT.parquet

Runs in the peers' environment (requirements/peers.lock), which has libraries of other versions than ours; the matrix is
`_matrix`'s. A point predictor becomes a distribution by its own out-of-sample residuals in the order of time.
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _designs import KNOWN, LAUNCH, WEEK, Dense, Sparse, Y, columns

LEVELS = np.round(np.arange(0.05, 0.96, 0.05), 2)
BLOCKS, HELD = 4, 0.65
"""Residuals come from this last share of the training rows, in so many blocks of time."""
MIN_TAUGHT = 20

Point = Callable[[pd.DataFrame, pd.DataFrame, int], np.ndarray]
Predictor = Callable[[pd.DataFrame, pd.DataFrame, int], np.ndarray]


def out_of_sample(point: Point, train: pd.DataFrame, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (positions) and their predictions by models that had only seen outcomes known before their week.

    Where too few were known then, all earlier launches teach: their outcomes are known by now.
    """
    launch, known, week = (train[name].astype("int64").to_numpy() for name in (LAUNCH, KNOWN, WEEK))
    ladder = np.sort(week)
    n = len(train)
    borders = np.unique(ladder[[int(n * (1 - HELD + HELD * k / BLOCKS)) for k in range(BLOCKS)]])
    block = np.searchsorted(borders, week, side="right") - 1
    rows, values = [], []
    for number in np.unique(block[block >= 0]):
        own = np.flatnonzero(block == number)
        seen = known <= week[own].min()
        if seen.sum() < MIN_TAUGHT:
            seen = launch < launch[own].min()
        if seen.sum() >= MIN_TAUGHT:
            rows.append(own)
            values.append(point(train[seen], train.iloc[own], seed))
    if not rows:
        return np.arange(n), point(train, train, seed)
    return np.concatenate(rows), np.concatenate(values)


def with_residuals(point: Point) -> Predictor:
    """Return a predictor whose quantiles are the point plus those of its out-of-sample residuals."""

    def predict(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
        rows, values = out_of_sample(point, train, seed)
        residuals = train[Y].to_numpy()[rows] - values
        # The place of the n-th of N among the quantiles is n / (N + 1), as conformal prediction has it.
        return point(train, test, seed)[:, None] + np.quantile(residuals, LEVELS, method="weibull")[None, :]

    return predict


def global_median(train: pd.DataFrame, test: pd.DataFrame, _seed: int) -> np.ndarray:
    """Quantiles of all known outcomes of the market and surface, of all where these are fewer than thirty."""
    whole = np.quantile(train[Y], LEVELS)
    groups = {key: part.to_numpy() for key, part in train.groupby(["market", "surface"])[Y] if len(part) >= 30}
    own = {key: np.quantile(part, LEVELS) for key, part in groups.items()}
    return np.array([own.get(key, whole) for key in zip(test["market"], test["surface"], strict=True)])


def group_mean(train: pd.DataFrame, test: pd.DataFrame, _seed: int) -> np.ndarray:
    """The shrunken mean of the group (genre, provider, ...) whose means were nearest on known launches.

    Each row's mean rests on what was known at its own cut, so the residuals are out of sample as they are.
    """
    names = [name for name in columns(train, "hist") if "|" not in name]
    y, best, least = train[Y].to_numpy(), "", np.inf
    for name in names:
        value = train[name].to_numpy(dtype=float)
        fine = np.isfinite(value)
        error = np.abs(y - value)[fine].mean() if fine.any() else np.inf
        best, least = (name, error) if error < least else (best, least)
    level = float(y.mean())
    seen, asked = (frame[best].fillna(level).to_numpy(dtype=float) for frame in (train, test))
    residuals = (y - seen)[np.isfinite(train[best].to_numpy(dtype=float))]
    return asked[:, None] + np.quantile(residuals, LEVELS, method="weibull")[None, :]


def knn_point(train: pd.DataFrame, test: pd.DataFrame, _seed: int) -> np.ndarray:
    """The weighted mean of the 25 most similar launches (cosine over values, text and numbers), same cell first."""
    from sklearn.preprocessing import normalize

    design = Sparse(train, token_weight=2.0)
    known, asked = normalize(design(train)), normalize(design(test))
    place = (train["market"].astype(str) + "|" + train["surface"].astype(str)).to_numpy()
    wanted = (test["market"].astype(str) + "|" + test["surface"].astype(str)).to_numpy()
    y, answer = train[Y].to_numpy(), np.zeros(len(test))
    for key in np.unique(wanted):
        own = np.flatnonzero(place == key)
        own = own if len(own) >= 50 else np.arange(len(train))
        for at in np.array_split(np.flatnonzero(wanted == key), (wanted == key).sum() // 500 + 1):
            near = (asked[at] @ known[own].T).toarray()
            best = np.argsort(-near, axis=1, kind="stable")[:, : min(25, len(own))]
            weight = np.maximum(np.take_along_axis(near, best, axis=1), 1e-3) ** 2
            answer[at] = (weight * y[own][best]).sum(axis=1) / weight.sum(axis=1)
    return answer


def ridge_point(train: pd.DataFrame, test: pd.DataFrame, _seed: int) -> np.ndarray:
    """Ridge; its strength is the best of five on the last fifth of the training launches."""
    from sklearn.linear_model import Ridge

    design = Sparse(train)
    x, y = design(train), train[Y].to_numpy()
    order = np.argsort(train[LAUNCH].astype("int64").to_numpy(), kind="stable")
    early, late = order[: int(len(order) * 0.8)], order[int(len(order) * 0.8) :]
    errors = {}
    for strength in (0.5, 2.0, 8.0, 32.0, 128.0):
        fitted = Ridge(alpha=strength, solver="sparse_cg", tol=1e-4).fit(x[early], y[early])
        errors[strength] = np.abs(y[late] - fitted.predict(x[late])).mean()
    best = min(errors, key=lambda strength: errors[strength])
    return Ridge(alpha=best, solver="sparse_cg", tol=1e-4).fit(x, y).predict(design(test))


def settings_for(n: int, seed: int) -> dict[str, Any]:
    """LightGBM settings that suit the number of rows; fixed before any run, the same for points and quantiles."""
    few = n < 1_000
    return {
        "n_estimators": 150 if few else 300 if n < 5_000 else 600, "learning_rate": 0.04,
        "num_leaves": 7 if few else 15 if n < 5_000 else 31, "min_child_samples": 20, "colsample_bytree": 0.6,
        "reg_lambda": 5.0, "subsample": 0.8, "subsample_freq": 1, "random_state": seed, "n_jobs": 1, "verbosity": -1,
        "deterministic": True, "force_row_wise": True,
    }  # fmt: skip


def _lightgbm(*, with_shadow: bool) -> Point:
    def point(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
        from lightgbm import LGBMRegressor

        design = Dense(train, seed, with_shadow=with_shadow)
        fitted = LGBMRegressor(**settings_for(len(train), seed)).fit(design(train), train[Y].to_numpy())
        return fitted.predict(design(test))

    return point


lightgbm_point = _lightgbm(with_shadow=False)


def catboost_point(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """CatBoost on the same numbers, with categories its own way."""
    from catboost import CatBoostRegressor, Pool

    design, named = Dense(train, seed), [*columns(train, "cat"), "market", "surface"]

    def pool(frame: pd.DataFrame) -> object:
        x = pd.DataFrame(design(frame)).add_prefix("x")
        x[named] = frame[named].astype(str).to_numpy()
        return Pool(x, frame[Y].to_numpy(), cat_features=named)

    few = len(train) < 1_000
    # Ordered boosting, its default on few rows, takes more than five times as long on many.
    how = {} if few else {"boosting_type": "Plain"}
    fitted = CatBoostRegressor(
        iterations=200 if few else 500, depth=4 if few else 6, learning_rate=0.05, l2_leaf_reg=5.0, rsm=0.6,
        random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False, **how,
    ).fit(pool(train))  # fmt: skip
    return np.asarray(fitted.predict(pool(test)), dtype=float)


def shadow_point(train: pd.DataFrame, test: pd.DataFrame, _seed: int) -> np.ndarray:
    """A straight line through what the recommender said, on the transformed scale; the mean where it said nothing."""
    seen, asked = (frame["shadow:reach_joint"].to_numpy(dtype=float) for frame in (train, test))
    y, fine = train[Y].to_numpy(), np.isfinite(seen)
    if fine.sum() < MIN_TAUGHT or np.ptp(seen[fine]) < 1e-9:
        return np.full(len(test), y.mean())
    slope, level = np.polyfit(seen[fine], y[fine], 1)
    return np.where(np.isfinite(asked), level + slope * np.nan_to_num(asked), y.mean())


def raw_quantiles(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Nineteen LightGBM quantile heads as they are, sorted."""
    design = Dense(train, seed)
    heads = _heads(design(train), train[Y].to_numpy(), seed)
    return np.sort(np.column_stack([head.predict(design(test)) for head in heads]), axis=1)


def _heads(x: np.ndarray, y: np.ndarray, seed: int) -> list[Any]:
    from lightgbm import LGBMRegressor

    settings = settings_for(len(y), seed)
    return [LGBMRegressor(objective="quantile", alpha=float(p), **settings).fit(x, y) for p in LEVELS]


def mapie_cqr(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """MAPIE's split CQR: heads on the first 70 % of the launches, one conformal step per level on the others."""
    from mapie.regression import ConformalizedQuantileRegressor

    order = np.argsort(train[LAUNCH].astype("int64").to_numpy(), kind="stable")
    first, last = train.iloc[order[: int(len(order) * 0.7)]], train.iloc[order[int(len(order) * 0.7) :]]
    design = Dense(first, seed)
    heads = _heads(design(first), first[Y].to_numpy(), seed)
    held, asked, y = design(last), design(test), last[Y].to_numpy()
    result = np.zeros((len(test), len(LEVELS)))
    result[:, 9] = heads[9].predict(asked)
    for at in range(9):
        trio = [heads[at], heads[18 - at], heads[9]]
        cqr = ConformalizedQuantileRegressor(trio, confidence_level=float(round(1 - 2 * LEVELS[at], 2)), prefit=True)
        _, bounds = cqr.conformalize(held, y).predict_interval(asked, allow_infinite_bounds=True)
        result[:, at], result[:, 18 - at] = bounds[:, 0, 0], bounds[:, 1, 0]
    low, high = train[Y].min(), train[Y].max()
    return np.sort(np.nan_to_num(result, posinf=high, neginf=low), axis=1)


def crepes_cps(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """crepes' conformal predictive system on the same LightGBM point, Mondrian by its level once there are 180 rows."""
    from crepes import ConformalPredictiveSystem

    rows, values = out_of_sample(lightgbm_point, train, seed)
    point, residuals = lightgbm_point(train, test, seed), train[Y].to_numpy()[rows] - values
    bins = asked = None
    if len(rows) >= 180:
        borders = np.quantile(values, [1 / 3, 2 / 3])
        bins, asked = np.searchsorted(borders, values), np.searchsorted(borders, point)
    system = ConformalPredictiveSystem().fit(residuals, bins=bins)
    lower, higher = (100 * LEVELS[LEVELS < 0.5]).tolist(), (100 * LEVELS[LEVELS >= 0.5]).tolist()
    found = system.predict_percentiles(
        point, bins=asked, lower_percentiles=lower, higher_percentiles=higher,
        y_min=float(train[Y].min()), y_max=float(train[Y].max()),
    )  # fmt: skip
    return np.sort(np.asarray(found, dtype=float), axis=1)


def autogluon(train: pd.DataFrame, test: pd.DataFrame, _seed: int) -> np.ndarray:
    """AutoGluon's tabular quantile predictor on the raw columns, five minutes an origin; only where it is installed."""
    import tempfile

    from autogluon.tabular import TabularPredictor

    used = [*columns(train, "num", "miss", "cal", "hist", "cat", "list", "text"), "market", "surface"]
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(
            label=Y, problem_type="quantile", quantile_levels=LEVELS.tolist(), path=folder, verbosity=0
        ).fit(train[[*used, Y]], time_limit=300, presets="medium_quality", num_cpus=1)
        return np.sort(predictor.predict(test[used]).to_numpy(dtype=float), axis=1)


PREDICTORS: dict[str, Predictor] = {
    "global_median": global_median,
    "group_mean": group_mean,
    "knn": with_residuals(knn_point),
    "ridge": with_residuals(ridge_point),
    "lightgbm": with_residuals(lightgbm_point),
    "catboost": with_residuals(catboost_point),
    "shadow_alone": with_residuals(shadow_point),
    "lightgbm_shadow": with_residuals(_lightgbm(with_shadow=True)),
    "raw_quantiles": raw_quantiles,
    "mapie_cqr": mapie_cqr,
    "crepes": crepes_cps,
    "autogluon": autogluon,
}


def answers(name: str, rows: pd.DataFrame, plan: list[tuple[str, str]], seed: int) -> np.ndarray:
    """Return quantiles of each row, shape (n rows, 19), missing outside the origins.

    Args:
        name: Of PREDICTORS.
        rows: The matrix.
        plan: Pairs of an origin and the one at which the predictor is fitted for it; outcomes known later are not seen.
        seed: Of the predictor.
    """
    result = np.full((len(rows), len(LEVELS)), np.nan)
    for number, fitted in enumerate(sorted({fit for _, fit in plan})):
        weeks = [pd.Timestamp(origin) for origin, fit in plan if fit == fitted]
        train = rows[rows[KNOWN] <= pd.Timestamp(fitted)]
        at = np.flatnonzero(rows[WEEK].isin(weeks).to_numpy() & (rows["is_asked"] == 1).to_numpy())
        if len(at) and len(train) >= MIN_TAUGHT:
            # What is asked carries no outcome: a predictor that looked would not learn anything.
            result[at] = PREDICTORS[name](train, rows.iloc[at].assign(**{Y: 0.0}), seed)
        print(f"    {name}: fitted at {fitted[:10]} on {len(train):,} launches ({number + 1})", flush=True)
    return result


def main() -> int:
    """Answer one predictor's part."""
    name, matrix, plan, out = sys.argv[1:]
    warnings.filterwarnings("ignore")
    work = json.loads(Path(plan).read_text())
    rows = pd.read_parquet(matrix)
    quantiles = answers(name, rows, [tuple(pair) for pair in work["plan"]], work["seed"])
    made = pd.DataFrame(quantiles, columns=[f"q{round(100 * level):02d}" for level in LEVELS])
    made.to_parquet(f"{out}.part")
    Path(f"{out}.part").replace(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
