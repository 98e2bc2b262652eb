"""Puts the answers of all seeds side by side: one loss per launch and predictor, and the figures of each predictor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from _compare import Interval, difference
from _rolling import BASELINES, OURS, Answers
from _scores import MEDIAN, covered, crps, pinball, presentable, r2, spearman, width, width_at_coverage
from _world import World

from recsysops.columns import CELL_KEY, MARKET

LOSSES = ("mae", "pinball", "crps")
ENOUGH, ENOUGH_FEW, MANY = 200, 50, 1_000
"""Launches a group needs to be judged: 200; 50 in a world with fewer than 1,000."""


@dataclass
class Result:
    """One world and horizon over its seeds."""

    world: str
    horizon: int
    ceiling: float | None
    hindsight: float | None
    blocks: np.ndarray
    """Launch week of each loss; of different worlds where seeds are worlds."""
    losses: dict[str, dict[str, np.ndarray]]
    """By predictor and name."""
    per_seed: dict[str, pd.DataFrame]
    """By predictor, one row per seed: `r2`, `spearman`, the losses; `coverage_80`, `width_80`, `equal_80` (the width at
    equal coverage), and these for 90."""
    groups: dict[str, pd.DataFrame]
    """By predictor: `group`, `nominal`, `seed`, `coverage`, `n`."""
    n_filled: dict[str, int]
    n: int

    def figure(self, predictor: str, name: str) -> float:
        """Return the mean over seeds."""
        return float(self.per_seed[predictor][name].mean())

    def present(self, names: Sequence[str]) -> list[str]:
        """Return which of these predictors answered."""
        return [name for name in names if name in self.losses]

    def best(self, name: str) -> str | None:
        """Return the best single baseline by a loss, or by `r2`; None where none answered."""
        there = self.present(BASELINES)
        sign = -1 if name == "r2" else 1
        return min(there, key=lambda each: sign * self.figure(each, name), default=None)

    def gain(self, predictor: str, loss: str, against: str = OURS) -> Interval:
        """Return how much larger this predictor's loss is than ours."""
        return difference(self.losses[predictor][loss], self.losses[against][loss], self.blocks)


def result_of(worlds: Sequence[World], horizon: int, seeds: dict[int, Answers]) -> Result:
    """Score the answers of all seeds of a world, which are worlds of their own or the first one again."""
    world = worlds[0]
    names = [name for name in next(iter(seeds.values())).quantiles if all(name in a.quantiles for a in seeds.values())]
    losses: dict[str, dict[str, np.ndarray]] = {}
    per_seed, groups = {}, {}
    for name in names:
        rows, parts, grouped = [], [], []
        for seed, answers in seeds.items():
            y = answers.rows["y"].to_numpy()
            quantiles = presentable(world.measure, answers.quantiles[name])
            parts.append(_losses(y, quantiles))
            rows.append(_figures(world, y, quantiles, seed) | {loss: parts[-1][loss].mean() for loss in LOSSES})
            grouped.append(_groups(world, answers.rows, y, quantiles, seed))
        losses[name] = {loss: _joined([part[loss] for part in parts], world) for loss in LOSSES}
        per_seed[name], groups[name] = pd.DataFrame(rows), pd.concat(grouped, ignore_index=True)
    weeks = [answers.rows["week"].astype("int64").to_numpy() + seed for seed, answers in seeds.items()]
    first = next(iter(seeds.values()))
    return Result(
        world=world.name, horizon=horizon, ceiling=_mean([each.ceiling for each in worlds], horizon),
        hindsight=_mean([each.hindsight for each in worlds], horizon),
        blocks=np.concatenate(weeks) if world.is_seeded else weeks[0],
        losses=losses, per_seed=per_seed, groups=groups,
        n_filled={name: sum(a.n_filled.get(name, 0) for a in seeds.values()) for name in names},
        n=sum(len(a.rows) for a in seeds.values()) if world.is_seeded else len(first.rows),
    )  # fmt: skip


def _losses(y: np.ndarray, quantiles: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "mae": np.abs(y - quantiles[:, MEDIAN]),
        "pinball": pinball(y, quantiles),
        "crps": crps(y, quantiles),
    }


def _joined(parts: list[np.ndarray], world: World) -> np.ndarray:
    # Where seeds share the launches, a launch counts once, with the mean of its losses.
    return np.concatenate(parts) if world.is_seeded else np.mean(parts, axis=0)


def _figures(world: World, y: np.ndarray, quantiles: np.ndarray, seed: int) -> dict[str, float]:
    figures = {"seed": float(seed), "r2": r2(y, quantiles), "spearman": spearman(y, quantiles)}
    for nominal in (0.8, 0.9):
        named = f"{nominal * 100:.0f}"
        figures[f"coverage_{named}"] = float(covered(y, quantiles, nominal, seed).mean())
        figures[f"width_{named}"] = float(width(quantiles, nominal).mean())
        figures[f"equal_{named}"] = width_at_coverage(world.measure, y, quantiles, nominal, seed)
    return figures


def _groups(world: World, rows: pd.DataFrame, y: np.ndarray, quantiles: np.ndarray, seed: int) -> pd.DataFrame:
    """Return the coverage of each group that is large enough: missing mask, predicted level, market, planted fault."""
    level = pd.qcut(pd.Series(quantiles[:, MEDIAN]).rank(method="first"), 3, labels=["low", "middle", "high"])
    marks = {
        "missing": np.where(rows["n_missing"] > 0, np.where(rows["n_missing"] > 1, "2 or more", "1"), "none"),
        "level": level.astype("str").to_numpy(),
        "market": rows[MARKET].astype("str").to_numpy(),
    }
    if len(world.planted):
        planted = pd.MultiIndex.from_frame(world.planted[list(CELL_KEY)])
        is_planted = pd.MultiIndex.from_frame(rows[list(CELL_KEY)]).isin(planted)
        marks["planted"] = np.where(is_planted, "fault", "none")
    masks = {f"{mark} {value}": values == value for mark, values in marks.items() for value in np.unique(values)}
    least = ENOUGH if len(rows) >= MANY else ENOUGH_FEW
    found = []
    for nominal in (0.8, 0.9):
        inside = covered(y, quantiles, nominal, seed)
        found += [
            (group, nominal, seed, float(inside[own].mean()), int(own.sum()))
            for group, own in masks.items()
            if own.sum() >= least
        ]
    return pd.DataFrame(found, columns=["group", "nominal", "seed", "coverage", "n"])


def _mean(stated: Sequence[Mapping[int, float] | None], horizon: int) -> float | None:
    known = [ceilings[horizon] for ceilings in stated if ceilings is not None and horizon in ceilings]
    return float(np.mean(known)) if known else None
