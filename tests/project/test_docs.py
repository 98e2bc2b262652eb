import re
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from typer.main import get_command

from recsysops.cli import app
from recsysops.metrics import METRICS
from recsysops.settings import Settings
from recsysops.testing.documents import documents
from recsysops_alerts.rules import RULES, rules_yaml

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


def pages(root: Path) -> list[Path]:
    folders = ("docs", "detectors", "alerts", "dashboards", "benchmarks", "examples")
    return [*root.glob("*.md"), *(page for folder in folders for page in (root / folder).rglob("*.md"))]


def anchors(page: Path) -> set[str]:
    """Return the anchors a forge gives to the headings of a page."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).strip().lower() for title in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def broken_links(page: Path) -> Iterator[str]:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        goal = page if not path else (page.parent / path).resolve()
        if not goal.exists() or (anchor and goal.suffix == ".md" and anchor not in anchors(goal)):
            yield target


@pytest.mark.parametrize("path", ["detectors/README.md", "docs/settings.md", "docs/cli.md", "docs/metrics.md"])
def test_a_generated_document_is_fresh(project_root: Path, path: str) -> None:
    file = project_root / path

    assert file.is_file(), "run make docs"
    assert file.read_text(encoding="utf-8") == documents()[path], "run make docs"


def test_the_prometheus_rules_are_fresh_and_each_has_its_runbook(project_root: Path) -> None:
    assert (project_root / "alerts/rules/recsysops.yaml").read_text(encoding="utf-8") == rules_yaml(), "run make docs"

    for rule in RULES:
        assert (project_root / f"alerts/runbooks/{rule.name}.md").is_file(), rule.name


def test_every_setting_is_documented_with_its_meaning() -> None:
    page = documents()["docs/settings.md"]

    for name in Settings.model_fields:
        if name != "folder":
            assert f"## [{name}" in page, name
    assert not re.findall(r"^\| `[^`]+` \|.*\|  \|$", page, re.MULTILINE), "an entry without a docstring"


def test_every_verb_is_documented_with_an_example() -> None:
    page = documents()["docs/cli.md"]

    for verb, command in get_command(app).commands.items():
        section = page.partition(f"## recsysops {verb}\n")[2].partition("\n## ")[0]
        assert "Example: recsysops" in section, verb
        for option in command.params:
            assert getattr(option, "help", None) or option.param_type_name == "argument", f"{verb}: {option.name}"


def test_every_metric_is_documented() -> None:
    page = documents()["docs/metrics.md"]

    assert METRICS
    for spec in METRICS:
        assert f"| `{spec.name}` | {spec.kind} |" in page
        assert spec.name.startswith(("recsysops_", "process_"))  # the latter are everybody's names
        assert (spec.kind == "counter") == spec.name.endswith("_total")
        assert "title_id" not in spec.labels


def test_every_detector_says_where_it_comes_from_and_shows_both_answers() -> None:
    detectors = [entry.load() for entry in distribution("recsysops").entry_points.select(group="recsysops.detectors")]

    assert detectors
    for detector in detectors:
        assert detector.source
        assert any(example.flagged for example in detector.examples), detector.name
        assert any(not example.flagged for example in detector.examples), detector.name
        for name, field in detector.params.model_fields.items():
            assert field.description, f"{detector.name}.{name}"


def test_links_between_documents_lead_somewhere(project_root: Path) -> None:
    found = {str(page.relative_to(project_root)): list(broken_links(page)) for page in pages(project_root)}

    assert {page: links for page, links in found.items() if links} == {}


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[a](there.md)", []),
        ("[a](there.md#what-it-is)", []),
        ("[a](there.md#what-it-was)", ["there.md#what-it-was"]),
        ("[a](gone.md) and ![b](gone.png)", ["gone.md", "gone.png"]),
        ("[a](https://example.org/x)", []),
        ("```\n[a](gone.md)\n```", []),
    ],
)
def test_a_broken_link_is_recognised(tmp_path: Path, text: str, broken: list[str]) -> None:
    (tmp_path / "there.md").write_text("# There\n\n## What it is\n")
    (tmp_path / "page.md").write_text(text)

    assert list(broken_links(tmp_path / "page.md")) == broken


def test_the_glossary_has_every_word_the_code_gives_a_meaning(project_root: Path) -> None:
    glossary = (project_root / "docs/glossary.md").read_text(encoding="utf-8")

    for word in (
        "title", "market", "surface", "cell", "launch", "expectation", "prediction", "treatment", "reach", "uptake",
        "impression share", "gap", "worth", "detector", "rule", "finding", "verdict", "issue", "episode", "table check",
        "severity", "class", "status", "run", "as of", "lead", "horizon", "comparable titles", "batch", "quarantine",
        "channel", "notification", "contribution", "point in time", "not point-in-time", "latest safe fix time",
    ):  # fmt: skip
        assert re.search(rf"^\| \*\*{re.escape(word)}\*\*", glossary, re.MULTILINE | re.IGNORECASE), word
