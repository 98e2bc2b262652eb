"""Writes the documents that are made from code: detectors, settings, command line, metrics.

`detector_catalogue` serves other people's detectors too. Not for prose: what a person must think of is written by hand.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from typer.main import get_command
from typer.testing import CliRunner

from recsysops.cli import app
from recsysops.columns import QUANTILES
from recsysops.contract.channel import AnyChannel
from recsysops.contract.detector import AnyDetector
from recsysops.contract.recommender import AnyAdapter
from recsysops.metrics import METRICS
from recsysops.settings import Settings

WIDTH = 100
NOTICE = "<!-- Made by `make docs` from the code; change the code instead. -->"


def documents() -> dict[str, str]:
    """Return every generated document: path below the checkout to text."""
    return {
        "detectors/README.md": detector_catalogue(_ours("recsysops.detectors")),
        "docs/settings.md": settings_page(_ours("recsysops.channels"), _ours("recsysops.recommenders")),
        "docs/cli.md": cli_page(),
        "docs/metrics.md": metrics_page(),
    }


def detector_catalogue(detectors: Sequence[AnyDetector], runbooks: str = "../alerts/runbooks") -> str:
    """Return the catalogue of detectors as Markdown.

    Args:
        detectors: In any order; the catalogue sorts them by name.
        runbooks: Folder of the runbooks, relative to the catalogue.
    """
    ordered = sorted(detectors, key=lambda detector: detector.name)
    rows = [(f"[{each.name}](#{each.name})", each.summary) for each in ordered]
    intro = "What RecSysOps looks for. A detector is switched off by `enabled = false` under `[detectors.<name>]`."
    parts = ["# Detectors", NOTICE, intro, _table(("detector", "finds"), rows)]
    for each in ordered:
        parts += _detector(each, runbooks)
    return _page(parts)


def _detector(detector: AnyDetector, runbooks: str) -> list[str]:
    rules = [(rule.title, f"`{rule.name}`", rule.finding_class, rule.meaning) for rule in detector.rules]
    needs = detector.needs(detector.params()).items()
    tables = [(f"`{table}`", _columns(columns)) for table, columns in needs]
    examples = [(each.name, ", ".join(sorted(each.flagged)) or "silent") for each in detector.examples]
    return [
        f"## {detector.name}",
        detector.summary,
        f"[Runbook]({runbooks}/{detector.name}.md). Source: {detector.source}",
        _table(("finds", "rule", "class", "which means"), rules),
        f"Settings under `[detectors.{detector.name}]`:",
        _entries(detector.params),
        "Reads:",
        _table(("table", "columns"), tables),
        "Examples that are run as tests:",
        _table(("example", "flagged"), examples),
    ]


def _columns(columns: Sequence[str]) -> str:
    shown = [f"`{column}`" for column in columns if column not in QUANTILES]
    if set(QUANTILES) <= set(columns):
        shown.append(f"`{QUANTILES[0]}` to `{QUANTILES[-1]}`")
    return ", ".join(shown)


def settings_page(channels: Sequence[AnyChannel] = (), recommenders: Sequence[AnyAdapter] = ()) -> str:
    """Return every entry of recsysops.toml as Markdown, with the settings of `channels` and of `recommenders`."""
    parts = [
        "# Settings",
        NOTICE,
        "Everything `recsysops.toml` may say. `recsysops init` writes one to start from. Entries of `[service]`, "
        "`[api]` and `[dashboard]` can be overridden by environment variables such as `RECSYSOPS_SERVICE__STORE`. "
        "An entry that is not known is an error, and all errors are reported at once.",
    ]
    for name, field in Settings.model_fields.items():
        section = _section(field.annotation)
        if section is not None:
            title = (section.__doc__ or f"[{name}].").strip().rstrip(".")
            parts += [f"## {_escaped(title)}", _entries(section)]
            inner = {name: _section(each.annotation) for name, each in section.model_fields.items()}
            for nested in filter(None, inner.values()):
                lines = [line.strip() for line in (nested.__doc__ or "").splitlines() if line.strip()]
                title, _, said = " ".join(lines).partition(": ")
                parts += [f"### {_escaped(title)}", said[:1].upper() + said[1:], _entries(nested)]
    parts += [
        f"## {_escaped('[detectors.<name>]')}",
        "Settings of a detector stand in [the catalogue](../detectors/README.md); "
        "`enabled = false` switches it off, and the report of every run says so.",
    ]
    for channel in sorted(channels, key=lambda channel: channel.name):
        title = f'## {_escaped("[channels.<instance>]")} with type = "{channel.name}"'
        parts += [title, channel.summary, _entries(channel.settings)]
    for adapter in sorted(recommenders, key=lambda adapter: adapter.name):
        title = f'## {_escaped("[recommender]")} with type = "{adapter.name}"'
        parts += [title, adapter.summary, _entries(adapter.settings)]
    return _page(parts)


def cli_page() -> str:
    """Return the help of `recsysops` and of each verb as Markdown."""
    verbs: Mapping[str, Any] = getattr(get_command(app), "commands", {})
    parts = ["# Command line", NOTICE, _help()]
    for verb, command in verbs.items():
        parts += [f"## recsysops {verb}", _help(verb)]
        for part in getattr(command, "commands", {}):
            parts += [f"### recsysops {verb} {part}", _help(verb, part)]
    return _page(parts)


def metrics_page() -> str:
    """Return every metric of `/metrics` as Markdown."""
    rows = [
        (f"`{spec.name}`", spec.kind, ", ".join(f"`{label}`" for label in spec.labels) or "none", spec.meaning)
        for spec in METRICS
    ]
    return _page(
        [
            "# Metrics",
            NOTICE,
            "What `/metrics` offers to Prometheus, computed from the store when it is asked. Labels come from closed "
            "sets: a title is never one.",
            _table(("metric", "kind", "labels", "meaning"), rows),
        ]
    )


def write(root: Path) -> tuple[str, ...]:
    """Write every document below `root`; return the paths of those that changed."""
    changed = []
    for path, text in documents().items():
        file = root / path
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            changed.append(path)
    return tuple(changed)


def _ours(group: str) -> list[Any]:
    # Only what this distribution registers: a document must not depend on what else is installed.
    return [entry.load() for entry in distribution("recsysops").entry_points.select(group=group)]


def _section(annotation: object) -> type[BaseModel] | None:
    """Return the settings class behind a field: itself, or the values of a mapping."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _entries(model: type[BaseModel]) -> str:
    schema = model.model_json_schema()
    rows = []
    for name, entry in schema.get("properties", {}).items():
        if _section(model.model_fields[name].annotation) is not None:
            rows.append((f"`{name}`", "section", "see below", " ".join(entry.get("description", "").split())))
            continue
        value = entry.get("default")
        default = "none" if value is None else f"`{_literal(value)}`"
        default = "needed" if name in schema.get("required", ()) else default
        rows.append((f"`{name}`", _kind(entry), default, " ".join(entry.get("description", "").split())))
    return _table(("entry", "value", "default", "meaning"), rows) if rows else "It has no settings."


def _kind(entry: Mapping[str, Any]) -> str:
    """Say in words which values an entry of a JSON schema takes."""
    if "anyOf" in entry:
        return " or ".join(_kind(each) for each in entry["anyOf"] if each.get("type") != "null")
    if "enum" in entry:
        return " or ".join(f"`{_literal(value)}`" for value in entry["enum"])
    if "const" in entry:
        return f"`{_literal(entry['const'])}`"
    if entry.get("type") == "array":
        return f"list of {_kind(entry.get('items', {}))}"
    if entry.get("type") == "object":
        return f"table of {_kind(entry.get('additionalProperties', {}))}"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    kind = str(entry.get("format") or words.get(str(entry.get("type")), "anything"))
    bounds = ((">=", "minimum"), (">", "exclusiveMinimum"), ("<=", "maximum"), ("<", "exclusiveMaximum"))
    limits = ", ".join(f"{sign} {entry[bound]:g}" for sign, bound in bounds if bound in entry)
    return f"{kind} {limits}".strip()


def _literal(value: object) -> str:
    """Write a default as TOML would."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_literal(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_literal(each)}" for key, each in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _help(*verb: str) -> str:
    result = CliRunner().invoke(app, [*verb, "--help"], prog_name="recsysops", terminal_width=WIDTH)
    lines = (line.rstrip() for line in result.output.strip().splitlines())
    return "```text\n" + "\n".join(lines) + "\n```"


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write the documents below the folder named on the command line, and say which changed."""
    changed = write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
    sys.stdout.write("".join(f"Wrote {path}\n" for path in changed) or "All generated documents are fresh.\n")


if __name__ == "__main__":
    main()
