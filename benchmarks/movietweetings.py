"""Real data, end to end: ingest, backtest against the goals, one cycle as of 2013-09-15, the board.

Run by `make movietweetings`. Reads the data in place and keeps what it makes below build/movietweetings.
Goals and figures are written to build/bench/movietweetings.json; the exit code is 1 when a goal is missed.
"""

import argparse
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parent / "speed"))

from _goals import Goal, write

from recsysops import terminal
from recsysops.bootstrap import board_of, reading, writing
from recsysops.columns import DETECTOR, FIELD, SEVERITY, TITLE_ID, WHY
from recsysops.domain.model import BacktestScore
from recsysops.service.backtest import BacktestReport, backtest
from recsysops.service.run import RunReport, ingest_as_run, run_cycle
from recsysops.terminal.steps import board as show_board
from recsysops.terminal.words import safe, table

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "movietweetings"
FILES = ("titles.csv.gz", "events.csv.gz")
AS_OF = datetime(2013, 9, 15, tzinfo=UTC)
FEED_ENDS = datetime(2013, 11, 7, tzinfo=UTC)
FIRST_ORIGIN = datetime(2013, 5, 15, tzinfo=UTC)
HORIZON = 28
COVERAGE = (0.72, 0.88)


def main() -> int:
    """Run everything; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "movietweetings")
    arguments.add_argument("--out", type=Path, default=ROOT / "build")
    given = arguments.parse_args()
    missing = [name for name in FILES if not (given.data / name).is_file()]
    if missing:
        print(f"No data: {given.data} lacks {', '.join(missing)}. Name their folder: make movietweetings DATA=...")
        return 2
    console = terminal.console()
    settings = prepare(given.data, given.out / "movietweetings")
    scored = score(settings)
    terminal.show(scored, render=terminal.backtested)
    report = cycle(settings)
    with reading(settings) as ports:
        show_board(board_of(ports), console)
    ten_findings(report, console)
    goals = judge(scored.scores)
    show_goals(goals, console)
    write("movietweetings", goals, given.out / "bench")
    return int(not all(goal.ok for goal in goals))


def prepare(data: Path, folder: Path) -> Path:
    """Lay settings beside links to the data: nothing is copied, nothing is renamed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("recsysops.toml", "metadata.toml"):
        shutil.copyfile(EXAMPLE / name, folder / name)
    for name in FILES:
        (folder / name).symlink_to((data / name).resolve())
    return folder / "recsysops.toml"


def score(settings: Path) -> BacktestReport:
    """Ingest everything and roll the origin through it."""
    with terminal.progress(is_quiet=False) as progress, writing(settings, "backtest", progress) as ports:
        terminal.show(ingest_as_run(ports), render=terminal.ingested)
        return backtest(ports, as_of=FEED_ENDS, first_origin=FIRST_ORIGIN, horizons=(HORIZON,))


def cycle(settings: Path) -> RunReport:
    """Do one cycle as it would have been done on 2013-09-15."""
    with terminal.progress(is_quiet=False) as progress, writing(settings, "run", progress) as ports:
        report = run_cycle(ports, as_of=AS_OF)
    terminal.show(report, render=terminal.cycled)
    return report


def ten_findings(report: RunReport, console: Console) -> None:
    """Print ten missing-metadata findings, to be checked by eye."""
    findings = report.judgement.findings
    findings = findings[findings[DETECTOR] == "missing_metadata"]
    rows = table("severity", "title", "field", "why", title="\nTen of its missing-metadata findings")
    for row in findings.groupby(FIELD, sort=False).head(3).head(10).to_dict("records"):
        rows.add_row(row[SEVERITY], row[TITLE_ID], row[FIELD], safe(row[WHY]))
    console.print(rows)


def judge(scores: tuple[BacktestScore, ...]) -> list[Goal]:
    """Hold the model's scores against the goals."""
    by_name = {(s.predictor, s.metric): s for s in scores if s.horizon == HORIZON}
    goals = []
    for baseline in ("group_mean", "global_median"):
        difference = by_name[baseline, "mae_minus_model"]
        goals.append(
            Goal(
                f"MAE(log1p members) of {baseline.replace('_', ' ')} minus the model's",
                shown(difference),
                "above 0, interval excludes 0",
                difference.low is not None and difference.low > 0,
                difference.n,
            )
        )
    coverage = by_name["model", "coverage_80"]
    low, high = COVERAGE
    is_covered = low <= coverage.value <= high
    name = "coverage of the 80 % interval, randomised PIT"
    goals.append(Goal(name, shown(coverage), f"{low} to {high}", is_covered, coverage.n))
    spearman = by_name["model", "spearman"]
    has_interval = spearman.low is not None and spearman.high is not None
    goals.append(Goal("Spearman", shown(spearman), "reported with its interval", has_interval, spearman.n))
    return goals


def shown(score: BacktestScore) -> str:
    """Return a figure with its interval."""
    spread = "" if score.low is None or score.high is None else f" [{score.low:.3f}, {score.high:.3f}]"
    return f"{score.value:.3f}{spread}"


def show_goals(goals: list[Goal], console: Console) -> None:
    """Print the goals as a table."""
    rows = table("goal", "figure [95 %]", "target", "met", "n#", title="\nGoals")
    for goal in goals:
        rows.add_row(goal.goal, goal.figure, goal.target, "yes" if goal.ok else "MISSED", str(goal.n))
    console.print(rows)


if __name__ == "__main__":
    sys.exit(main())
