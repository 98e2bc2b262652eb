"""What was held against its outcome, and how good predictions were."""

from rich.console import Console

from recsysops.domain.scoreboard import Figure, GroupLine, MissList, Scoreboard, ScoreLine
from recsysops.service.learn import LearnReport
from recsysops.terminal.words import moment, safe, share, table

GROUPS_PRINTED = 5
"""Of one kind, the worst."""


def learned(report: LearnReport, console: Console) -> None:
    """Print how many predictions were scored."""
    console.print(
        f"Held {report.n_new:,} predictions of {report.n_launches:,} launches against their outcome. {report.sentence}"
        if report.n_new
        else f"No outcome is new. {report.sentence}"
    )


def scored(report: tuple[Scoreboard, MissList], console: Console) -> None:
    """Print the scoreboard: lines, groups, titles."""
    board, titles = report
    if not board.lines:
        console.print("Nothing was scored yet: no title that was predicted has launched and had its window end.")
        return
    label = f" These results are {board.label}." if board.label else ""
    console.print(
        f"{board.measure}, {board.horizon} d: {board.n_launches:,} launches from {moment(board.first_launch_at)} to "
        f"{moment(board.last_launch_at)} UTC.{label}",
        style="bold",
    )
    others = [f"{target.measure} {target.horizon} d" for target in board.targets]
    console.print(f"Scored: {', '.join(others)}.")
    _lines(board, console)
    _groups(board, console)
    _titles(titles, console)


def _lines(board: Scoreboard, console: Console) -> None:
    rows = table(
        "lead#", "predictor", "MAE#", "CRPS#", "pinball#", "in 80 %#", "in 90 %#", "better than comparable titles#",
        "n#", "weeks#",
    )  # fmt: skip
    for line in board.lines:
        if not line.model_id:
            rows.add_row(*_line(line))
    console.print(rows)


def _line(line: ScoreLine) -> list[str]:
    figures = [_figure(figure) for figure in (line.mae, line.crps, line.pinball)]
    shares = [_percent(figure) for figure in (line.coverage_80, line.coverage_90)]
    skill = "-" if line.skill is None else _percent(line.skill)
    name = line.predictor.replace("_", " ")
    return [f"{line.lead} d", safe(name), *figures, *shares, skill, f"{line.n:,}", f"{line.n_weeks}"]


def _groups(board: Scoreboard, console: Console) -> None:
    rows = table("by", "group", "MAE#", "in 80 %#", "bias#", "n#", title=f"Worst groups, {_about(board)}")
    printed: dict[str, int] = {}
    for group in board.groups:
        printed[group.kind] = printed.get(group.kind, 0) + 1
        if printed[group.kind] <= GROUPS_PRINTED:
            rows.add_row(*_group(group))
    console.print(rows)


def _group(group: GroupLine) -> list[str]:
    few = f" (only {group.n_titles} titles)" if group.is_small else ""
    name = safe(group.value or "none")
    return [group.kind.value, name, _figure(group.mae), share(group.coverage_80), f"{group.bias:+.2f}",
            f"{group.n:,}{few}"]  # fmt: skip


def _titles(titles: MissList, console: Console) -> None:
    rows = table(
        "title", "market", "surface", "launched (UTC)", "predicted (80 %)#", "actual#", "error#",
        title="Most wrong about",
    )  # fmt: skip
    for miss in titles.rows:
        name = f"{safe(miss.name)} [{safe(miss.title_id)}]"
        predicted = f"{share(miss.median)} ({share(miss.low)} to {share(miss.high)})"
        launched = moment(miss.launch_at)
        rows.add_row(name, miss.market, miss.surface, launched, predicted, share(miss.actual),
                     f"{miss.absolute_error:.2f}")  # fmt: skip
    console.print(rows)


def _about(board: Scoreboard) -> str:
    return f"{board.predictor.replace('_', ' ')} {board.lead} d before launch"


def _figure(figure: Figure) -> str:
    spread = "" if figure.low is None or figure.high is None else f" [{figure.low:.3f}, {figure.high:.3f}]"
    return f"{figure.value:.3f}{spread}"


def _percent(figure: Figure) -> str:
    spread = "" if figure.low is None or figure.high is None else f" [{figure.low:.0%}, {figure.high:.0%}]"
    return f"{round(figure.value, 2) + 0.0:.0%}{spread}"
