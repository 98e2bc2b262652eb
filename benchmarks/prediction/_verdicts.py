"""The goals of the issue as rows, from what was measured in this run; and the table of all predictors."""

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "speed"))

from _compare import Interval, holm
from _goals import Goal
from _results import Result
from _rolling import BASELINES, FALLBACK, OURS

CQR = "mapie_cqr"
FAULTY, HEALTHY = "planted fault", "planted none"
POINT_RIVALS = ("lightgbm", "knn", "ridge")
SURE_RIVALS = ("group_mean", "global_median")
LEAST_GAIN = {1: 0.05, 7: 0.03, 28: 0.03}


def verdicts(result: Result) -> list[Goal]:
    """Return the goals this world and horizon is held to."""
    if OURS not in result.losses:
        return []
    own = _real_data(result) if result.world == "movietweetings" else _simulated(result)
    return [*own, *_coverage(result), *_width(result), _headline(result)]


def _named(result: Result, what: str) -> str:
    return f"{result.world}, {result.horizon} d: {what}"


def _missing(result: Result, what: str, target: str) -> Goal:
    return Goal(_named(result, what), "not measured: no baseline answered", target, ok=False, n=0)


def _simulated(result: Result) -> list[Goal]:
    """P1 and P2."""
    goals = []
    if result.horizon == 1:
        goals += [_ceiling(result), _above_baselines(result)]
    what, least = "CRPS against the best baseline", LEAST_GAIN[result.horizon]
    target = f"at least {least:.0%} lower, interval excludes 0, no seed more than 1 % worse"
    best = result.best("crps")
    if best is None:
        return [*goals, _missing(result, what, target)]
    gain, theirs = result.gain(best, "crps"), result.figure(best, "crps")
    ratios = result.per_seed[OURS]["crps"] / result.per_seed[best]["crps"]
    share = 1 - result.figure(OURS, "crps") / theirs
    figure = f"{share:.1%} lower than {best}; difference {gain}; worst seed {ratios.max():.3f} of it"
    ok = share >= least and gain.low > 0 and ratios.max() <= 1.01
    return [*goals, Goal(_named(result, what), figure, target, ok=bool(ok), n=result.n)]


def _ceiling(result: Result) -> Goal:
    own, target = result.figure(OURS, "r2"), "at least 90 % of the world's ceiling"
    if result.ceiling is None:
        return Goal(_named(result, "R2"), f"{own:.3f}; the world states no ceiling", target, ok=False, n=result.n)
    share = own / result.ceiling
    figure = f"{own:.3f}, {share:.1%} of the ceiling {result.ceiling:.3f}"
    if result.hindsight is not None:
        figure += f" ({own / result.hindsight:.1%} of {result.hindsight:.3f}, for who knows what shows after launch)"
    return Goal(_named(result, "R2"), figure, target, ok=share >= 0.9, n=result.n)


def _above_baselines(result: Result) -> Goal:
    what, target = "R2 above the best single baseline", "at least 0.04"
    best = result.best("r2")
    if best is None:
        return _missing(result, what, target)
    gain = result.figure(OURS, "r2") - result.figure(best, "r2")
    return Goal(_named(result, what), f"{gain:+.3f} over {best}", target, ok=gain >= 0.04, n=result.n)


def _real_data(result: Result) -> list[Goal]:
    """P5."""
    goals = []
    for name in SURE_RIVALS:
        what, target = f"MAE of {name} minus ours", "above 0, interval excludes 0"
        if name not in result.losses:
            goals.append(_missing(result, what, target))
            continue
        gain = result.gain(name, "mae")
        goals.append(Goal(_named(result, what), str(gain), target, ok=gain.low > 0, n=result.n))
    worst = (0.0, "")
    for name in POINT_RIVALS:
        for loss in ("mae", "pinball"):
            what, target = f"{loss} against {name}", "lower in point"
            if name not in result.losses:
                goals.append(_missing(result, what, target))
                worst = max(worst, (math.inf, f"{loss} of {name}, which did not run"))
                continue
            own, theirs = result.figure(OURS, loss), result.figure(name, loss)
            figure = f"{own:.4f} against {theirs:.4f} ({own / theirs - 1:+.1%}); difference {result.gain(name, loss)}"
            goals.append(Goal(_named(result, what), figure, target, ok=own < theirs, n=result.n))
            worst = max(worst, (own / theirs, f"{loss} of {name}"))
    figure = f"{worst[0] - 1:+.1%} ({worst[1]})"
    goals.append(Goal(_named(result, "worst of these"), figure, "at most +2 %", ok=worst[0] <= 1.02, n=result.n))
    return goals


def _coverage(result: Result) -> list[Goal]:
    """C1 and C2."""
    goals = []
    for nominal in (0.8, 0.9):
        seeds = result.per_seed[OURS][f"coverage_{nominal * 100:.0f}"]
        figure = f"{seeds.mean():.3f} (seeds {seeds.min():.3f} to {seeds.max():.3f})"
        ok = abs(seeds.mean() - nominal) <= 0.02 and (seeds - nominal).abs().max() <= 0.035
        target = f"{nominal:.2f} within 0.02, each seed within 0.035"
        what = f"coverage of {nominal:.0%} intervals"
        goals.append(Goal(_named(result, what), figure, target, ok=bool(ok), n=result.n))
        goals.append(_worst_group(result, nominal))
    return goals


def _worst_group(result: Result, nominal: float) -> Goal:
    what = f"worst group's coverage at {nominal:.0%} (missing mask, level, market)"
    target = f"at least {nominal - 0.03:.2f}; each seed {nominal - 0.08:.2f}"
    frame = result.groups[OURS]
    frame = frame[(frame["nominal"] == nominal) & ~frame["group"].isin([FAULTY, HEALTHY])]
    if frame.empty:
        return Goal(_named(result, what), "no group is large enough", target, ok=False, n=0)
    by_group = frame.groupby("group").agg(mean=("coverage", "mean"), least=("coverage", "min"), n=("n", "min"))
    name = by_group["mean"].idxmin()
    mean, least = float(by_group["mean"].min()), float(by_group["least"].min())
    figure = f"{mean:.3f} ({name}), least in a seed {least:.3f}; {len(by_group)} groups"
    ok = mean >= nominal - 0.03 and least >= nominal - 0.08
    return Goal(_named(result, what), figure, target, ok=ok, n=int(by_group.loc[name, "n"]))


def _width(result: Result) -> list[Goal]:
    """C3."""
    goals = []
    for nominal in (0.8, 0.9):
        what, target = f"width at equal coverage, {nominal:.0%}, against split CQR", "at most 0.95"
        if CQR not in result.losses:
            goals.append(_missing(result, what, target))
            continue
        named = f"equal_{nominal * 100:.0f}"
        own, theirs = result.figure(OURS, named), result.figure(CQR, named)
        figure = f"{own / theirs:.3f} ({own:.3f} against {theirs:.3f})"
        goals.append(Goal(_named(result, what), figure, target, ok=own / theirs <= 0.95, n=result.n))
    return goals


def _headline(result: Result) -> Goal:
    """Say over how many baselines the CRPS is lower for sure once all of them are compared (Holm)."""
    names = result.present(BASELINES)
    gains = [result.gain(name, "crps") for name in names]
    tried = list(zip(names, gains, holm([gain.p for gain in gains]), strict=True))
    sure = [name for name, gain, p in tried if gain.value > 0 and p < 0.05]
    unsure = [f"{name} ({gain.value:+.4f}, p {p:.3f})" for name, gain, p in tried if name not in sure]
    figure = f"{len(sure)} of {len(names)}" + (f"; not: {', '.join(unsure)}" if unsure else "")
    what = "baselines whose CRPS is higher, adjusted p < 0.05 (Holm)"
    return Goal(_named(result, what), figure, "all of them", ok=len(sure) == len(names) > 0, n=result.n)


def control(result: Result) -> Goal:
    """With shuffled labels nobody may beat the global distribution: who does profits from a leak."""
    names = [name for name in result.losses if name != "global_median"]
    gains: list[Interval] = [result.gain("global_median", "crps", against=name) for name in names]
    adjusted = holm([gain.p for gain in gains])
    winners = [
        f"{name} {gain}" for name, gain, p in zip(names, gains, adjusted, strict=True) if gain.low > 0 and p < 0.05
    ]
    best = max(zip(gains, names, strict=True), key=lambda pair: pair[0].value, default=None)
    nearest = f"; nearest {best[1]} {best[0]}" if best else ""
    figure = f"{len(winners)} of {len(names)} win: {'; '.join(winners)}" if winners else f"none of {len(names)}"
    target = "no CRPS below the global distribution's"
    return Goal(_named(result, "who wins"), figure + nearest, target, ok=bool(names) and not winners, n=result.n)


def _of_faulty(result: Result, name: str) -> str:
    """Tell the coverage of titles with planted faults. No goal: some faults only show once a title has launched."""
    frame = result.groups[name]
    rows = frame[(frame["nominal"] == 0.8) & (frame["group"] == FAULTY)]
    return f"{rows['coverage'].mean():.3f}" if len(rows) else ""


COLUMNS: dict[str, Callable[[Result, str], str]] = {
    "R2": lambda result, name: f"{result.figure(name, 'r2'):.3f}",
    "Spearman": lambda result, name: f"{result.figure(name, 'spearman'):.3f}",
    "MAE": lambda result, name: f"{result.figure(name, 'mae'):.4f}",
    "pinball": lambda result, name: f"{result.figure(name, 'pinball'):.4f}",
    "CRPS": lambda result, name: f"{result.figure(name, 'crps'):.4f}",
    "CRPS minus ours [95 %]": lambda result, name: (
        str(result.gain(name, "crps")) if name != OURS and OURS in result.losses else ""
    ),
    "80 %": lambda result, name: f"{result.figure(name, 'coverage_80'):.3f}",
    "90 %": lambda result, name: f"{result.figure(name, 'coverage_90'):.3f}",
    "80 %, faulty titles": _of_faulty,
    "width 80 %": lambda result, name: f"{result.figure(name, 'width_80'):.3f}",
    "at equal coverage": lambda result, name: f"{result.figure(name, 'equal_80'):.3f}",
    "filled": lambda result, name: str(result.n_filled[name]),
}


def table(result: Result) -> str:
    """Return all predictors of a world and horizon as a Markdown table, ours first, then by CRPS."""
    first = [name for name in (OURS, FALLBACK) if name in result.losses]
    others = sorted((name for name in result.losses if name not in first), key=lambda name: result.figure(name, "crps"))
    n_seeds = len(next(iter(result.per_seed.values())))
    lines = [f"{result.world}, {result.horizon} days, {result.n:,} launches, seeds: {n_seeds}", ""]
    lines += [f"| predictor | {' | '.join(COLUMNS)} |", f"|{' --- |' * (len(COLUMNS) + 1)}"]
    for name in [*first, *others]:
        lines.append(f"| {name} | {' | '.join(make(result, name) for make in COLUMNS.values())} |")
    return "\n".join(lines)


def costs(measured: Sequence[Goal], named: str) -> list[Goal]:
    """Return a part's goals, or one that says it did not run."""
    return list(measured) or [Goal(f"cost: {named}", "did not run", "see the issue", ok=False, n=0)]
