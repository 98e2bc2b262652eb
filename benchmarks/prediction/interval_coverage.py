"""Do intervals hold what they promise, and how wide are they: our conformal layer, raw quantiles, MAPIE's CQR, crepes.

    python benchmarks/prediction/interval_coverage.py [--small]

On made-up launches whose spread depends on the title, its level and its market, and of which a quarter lacks a field:
these spread twice as much. Everybody gets the same 2,000 launches to learn from, 1,000 to calibrate on and 2,000 to be
judged by, in five seeds; widths are compared after stretching everybody's intervals, alike for all titles, until they
cover exactly what is promised. The layer alone is measured, with the point predictor and the difficulty of the product.
"""

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "speed"))

import lightgbm
import numpy as np
import pandas as pd
from _goals import Goal, report
from crepes import ConformalPredictiveSystem
from mapie.regression import ConformalizedQuantileRegressor

from recsysops.model._boosting import fit
from recsysops.model._calibrating import Residuals, calibrated, mondrian
from recsysops.model._scores import pinball
from recsysops.settings import ModelSettings

WEEK = 7 * 86_400_000_000
LEVELS = np.round(np.arange(0.05, 0.96, 0.05), 2)
SEEDS, SMALL_SEEDS = (1, 2, 3, 4, 5), (1,)
OURS, RAW, CQR, CREPES = "ours", "raw LightGBM quantiles", "MAPIE CQR", "crepes (Mondrian, same point and difficulty)"
NOMINAL = {0.8: (1, 17), 0.9: (0, 18)}
"""Interval to the places of its ends among the quantiles."""
Floats = np.ndarray


@dataclass(frozen=True)
class Split:
    """Launches in the order of time."""

    x: pd.DataFrame
    y: Floats
    missing: Floats
    market: Floats
    truth: Floats
    """What was to be expected of each: levels are told apart by it."""

    def part(self, begin: int, end: int) -> "Split":
        """Return the launches from `begin` to before `end`."""
        at = slice(begin, end)
        return Split(self.x.iloc[at], self.y[at], self.missing[at], self.market[at], self.truth[at])


def world(n: int, seed: int) -> Split:
    """Make `n` launches, twenty a week."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    market = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    missing = (rng.random(n) < 0.25).astype(int)
    truth = 0.8 * x[:, 0] + np.sin(2 * x[:, 1]) + 0.5 * x[:, 2] * (market == 1) - 0.7 * missing + 0.3 * market
    spread = 0.35 * np.exp(0.5 * x[:, 3] + 0.25 * truth) * (1 + missing) * np.array([1.0, 1.3, 0.8])[market]
    y = truth + spread * (rng.gamma(4.0, size=n) - 4) / 2
    frame = pd.DataFrame(x, columns=[f"x{at}" for at in range(6)])
    frame["x3"] = frame["x3"].where(missing == 0)
    for at in range(3):
        frame[f"|market|is|{at}"] = (market == at).astype(float)
    frame["x3|missing"] = missing.astype(float)
    return Split(frame, y, missing, market, truth)


def ours_and_crepes(train: Split, cal: Split, test: Split, seed: int) -> dict[str, Floats]:
    """Return quantiles of the product's layer, and of crepes on the same point prediction and difficulty."""
    settings = ModelSettings(seed=seed, threads=1)
    point = fit(train.x, train.y, settings)
    level, new = point.predict(cal.x), point.predict(test.x)
    residual = cal.y - level
    block = np.arange(len(cal.y)) * 4 // len(cal.y)
    scale = np.ones(len(cal.y))
    for own in (block == number for number in range(4)):
        scale[own] = _positive(fit(cal.x[~own], np.abs(residual[~own]), settings, is_rough=True).predict(cal.x[own]))
    new_scale = _positive(fit(cal.x, np.abs(residual), settings, is_rough=True).predict(test.x))
    launch = (np.arange(len(cal.y)) // 20) * WEEK
    fitted = calibrated(Residuals(level, scale, residual, _groups(cal), launch))
    system = ConformalPredictiveSystem().fit(residuals=residual, sigmas=scale, bins=cal.missing)
    theirs = system.predict_percentiles(
        new,
        new_scale,
        test.missing,
        lower_percentiles=list(100 * LEVELS[:9]),
        higher_percentiles=list(100 * LEVELS[9:]),
    )
    return {OURS: fitted.quantiles(new, new_scale, _groups(test)), CREPES: theirs}


def raw_and_cqr(train: Split, cal: Split, test: Split, seed: int) -> dict[str, Floats]:
    """Return quantiles of quantile regressions as they are, and what MAPIE makes of their ends."""
    models = {p: _quantile_model(p, seed).fit(train.x, train.y) for p in LEVELS}
    raw = np.sort(np.column_stack([model.predict(test.x) for model in models.values()]), axis=1)
    repaired = raw.copy()
    for confidence, (low, high) in NOMINAL.items():
        ends = [models[LEVELS[low]], models[LEVELS[high]], models[LEVELS[9]]]
        oracle = ConformalizedQuantileRegressor(ends, confidence_level=confidence, prefit=True)
        oracle.conformalize(cal.x, cal.y)
        repaired[:, [low, high]] = oracle.predict_interval(test.x)[1][:, :, 0]
    return {RAW: raw, CQR: repaired}


def _quantile_model(p: float, seed: int) -> lightgbm.LGBMRegressor:
    return lightgbm.LGBMRegressor(
        objective="quantile", alpha=float(p), n_estimators=150, num_leaves=15, learning_rate=0.05, min_child_samples=20,
        subsample=0.8, subsample_freq=1, colsample_bytree=0.6, random_state=seed, n_jobs=1, verbose=-1,
    )  # fmt: skip


def _positive(size: Floats) -> Floats:
    return np.maximum(size, 1e-3)


def _groups(split: Split) -> Floats:
    return mondrian({str(name): split.x[name].to_numpy() for name in split.x.columns}, split.missing)


def judged(test: Split, quantiles: Floats) -> dict[str, float]:
    """Return coverage, worst group's coverage and width at equal coverage, by interval; and the pinball loss."""
    result = {"pinball": float(pinball(test.y, quantiles).mean())}
    thirds = np.searchsorted(np.quantile(test.truth, [1 / 3, 2 / 3]), test.truth)
    groups = [test.missing == at for at in (0, 1)] + [test.market == at for at in range(3)]
    groups += [thirds == at for at in range(3)]
    for nominal, (low, high) in NOMINAL.items():
        inside = (test.y >= quantiles[:, low]) & (test.y <= quantiles[:, high])
        result[f"coverage {nominal}"] = float(inside.mean())
        result[f"worst {nominal}"] = float(min(inside[group].mean() for group in groups))
        result[f"width {nominal}"] = _width_at(test.y, quantiles[:, [low, 9, high]], nominal)
    return result


def _width_at(y: Floats, ends: Floats, nominal: float) -> float:
    """Return the mean width once all intervals are stretched about their medians, alike, until they cover `nominal`."""
    low, middle, high = ends.T
    needed = np.where(
        y < middle, (middle - y) / np.maximum(middle - low, 1e-9), (y - middle) / np.maximum(high - middle, 1e-9)
    )
    return float(np.quantile(needed, nominal) * (high - low).mean())


def run(seeds: tuple[int, ...], sizes: tuple[int, int, int]) -> pd.DataFrame:
    """Return what was measured, one row per predictor and seed."""
    n_train, n_cal, _ = sizes
    rows = []
    for seed in seeds:
        whole = world(sum(sizes), seed)
        parts = whole.part(0, n_train), whole.part(n_train, n_train + n_cal), whole.part(n_train + n_cal, sum(sizes))
        makers: list[Callable[..., dict[str, Floats]]] = [ours_and_crepes, raw_and_cqr]
        for maker in makers:
            for name, quantiles in maker(*parts, seed).items():
                rows.append({"predictor": name, "seed": seed} | judged(parts[2], quantiles))
    return pd.DataFrame(rows)


def measure(*, small: bool = False) -> list[Goal]:
    """Measure, print everybody's figures and hold ours against the goals."""
    warnings.filterwarnings("ignore", category=UserWarning)
    found = run(SMALL_SEEDS if small else SEEDS, (600, 400, 400) if small else (2000, 1000, 2000))
    mean = found.drop(columns="seed").groupby("predictor").mean()
    print(mean.round(3).to_string())
    own, n = found[found["predictor"] == OURS], len(found["seed"].unique())
    goals = []
    for nominal in NOMINAL:
        covered, worst = own[f"coverage {nominal}"].to_numpy(), own[f"worst {nominal}"].to_numpy()
        ratio = mean.loc[OURS, f"width {nominal}"] / mean.loc[CQR, f"width {nominal}"]
        is_near = abs(covered.mean() - nominal) <= 0.02 and abs(covered - nominal).max() <= 0.035
        promised = "mean within 2 points, each seed within 3.5"
        least = f"mean at least {nominal - 0.03:.2f}"
        is_fair, is_narrow = bool(worst.mean() >= nominal - 0.03), bool(ratio <= 0.95)
        goals += [
            Goal(f"coverage of {nominal:.0%} intervals", _figure(covered), promised, bool(is_near), n),
            Goal(f"worst group of {nominal:.0%} intervals", _figure(worst), least, is_fair, n),
            Goal(f"width of {nominal:.0%} intervals against split CQR", f"{ratio:.3f}", "at most 0.95", is_narrow, n),
        ]
    return goals


def _figure(values: Floats) -> str:
    return f"{values.mean():.3f} ({values.min():.3f} to {values.max():.3f})"


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--small", action="store_true", help="one seed and few launches: whether it runs at all")
    return report("coverage", measure(small=parser.parse_args().small))


if __name__ == "__main__":
    sys.exit(main())
