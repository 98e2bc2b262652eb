"""What a search for model settings found."""

from rich.console import Console

from recsysops.service.tune import TuneReport
from recsysops.terminal.words import safe, table


def tuned(report: TuneReport, console: Console) -> None:
    """Print every trial, how the best one did on later launches, and what to write into [model] if anything."""
    tuning = report.tuning
    names = list(dict.fromkeys(name for trial in tuning.trials for name in trial.settings))
    rows = table("settings", *(f"{name}#" for name in names), "loss, bundled = 1#", title="Trials")
    for trial in tuning.trials:
        values = [f"{trial.settings[name]:g}" if name in trial.settings else "-" for name in names]
        rows.add_row("tried" if trial.settings else "bundled", *values, f"{trial.loss:.4f}")
    console.print(rows)
    console.print(f"Chosen on {tuning.n_chosen:,} past launches, judged on {tuning.n_judged:,} later ones.")
    if tuning.gain is not None:
        interval = f"{tuning.gain:+.2%} [{tuning.low:+.2%}, {tuning.high:+.2%}]"
        console.print(f"Gain of the best trial over the bundled settings there: {interval}")
    if report.suggestion:
        console.print("\n[bold]\\[model][/bold]")
        for name, value in report.suggestion.items():
            console.print(f"{name} = {value:g}")
    else:
        console.print("The bundled settings are not beaten: leave \\[model] as it is.")
    for reason in tuning.refused:
        console.print(safe(reason), style="yellow")
    if report.label:
        console.print(f"These results are {report.label}.")
