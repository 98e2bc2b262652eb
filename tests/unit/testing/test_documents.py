from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pandas as pd
import pytest
from pydantic import Field

from recsysops.columns import FINDING, QUANTILES, VERDICT
from recsysops.contract.channel import Channel, ChannelSettings, Sent
from recsysops.contract.detector import Detection, Detector, Example, Params, Rule
from recsysops.testing import documents
from recsysops.testing.documents import cli_page, detector_catalogue, main, metrics_page, settings_page, write

AT = datetime(2026, 3, 2, tzinfo=UTC)


class Limits(Params):
    least: float = Field(default=0.5, gt=0, le=1)
    """Below this | it is flagged."""
    kinds: tuple[Literal["a", "b"], ...] = ("a",)
    """Kinds."""
    weights: dict[str, float] = Field(default={"x": 1.5})
    """Weights."""
    is_strict: bool = True
    """Strictness."""
    only: Literal["one"] = "one"
    """The only one."""
    needed: int
    """It has no default."""
    anything: object = None
    """Anything at all."""


class Silent(Params):
    """Has none."""


def detector(name: str, params: type[Params] = Silent) -> Detector[Params]:
    return Detector(
        name=name,
        summary=f"Finds {name}.",
        params=params,
        detect=lambda *_, **__: Detection(pd.DataFrame(columns=list(FINDING)), pd.DataFrame(columns=list(VERDICT))),
        needs=lambda params: {"predictions": ("title_id", *QUANTILES, "market"), "cells": ("title_id",)},
        rules=(Rule(name="low", title="Low", finding_class="setup", meaning="It is low."),),
        examples=(
            Example(name="one is low", tables={}, flagged=frozenset({"t2", "t1"}), as_of=AT),
            Example(name="all is well", tables={}, flagged=frozenset(), as_of=AT),
        ),
        source="Somebody, 2021.",
    )


def test_the_catalogue_describes_each_detector_by_name_with_its_runbook_and_examples() -> None:
    page = detector_catalogue([detector("second"), detector("first")], runbooks="runbooks")

    assert page.index("## first") < page.index("## second")
    assert "| [first](#first) | Finds first. |" in page
    assert "[Runbook](runbooks/first.md). Source: Somebody, 2021." in page
    assert "| Low | `low` | setup | It is low. |" in page
    assert "| `predictions` | `title_id`, `market`, `q05` to `q95` |" in page
    assert "| `cells` | `title_id` |" in page
    assert "| one is low | t1, t2 |" in page
    assert "| all is well | silent |" in page
    assert "It has no settings." in page
    assert page.endswith("|\n")


def test_a_table_of_settings_says_value_default_and_meaning_in_words() -> None:
    channel = Channel(
        name="room",
        summary="A room.",
        settings=type("Room", (ChannelSettings, Limits), {}),
        render=lambda notification, settings: "",
        send=lambda text, notification, settings: Sent(key="1"),
    )

    page = settings_page([channel])

    assert '## [channels.&lt;instance&gt;] with type = "room"\n\nA room.' in page
    assert "| `least` | number > 0, <= 1 | `0.5` | Below this \\| it is flagged. |" in page
    assert '| `kinds` | list of `"a"` or `"b"` | `["a"]` | Kinds. |' in page
    assert "| `weights` | table of number | `{x = 1.5}` | Weights. |" in page
    assert "| `is_strict` | true or false | `true` | Strictness. |" in page
    assert '| `only` | `"one"` | `"one"` | The only one. |' in page
    assert "| `needed` | whole number | needed | It has no default. |" in page
    assert "| `anything` | anything | none | Anything at all. |" in page


def test_the_settings_page_has_every_section_and_its_bounds() -> None:
    page = settings_page()

    assert "## [sources.&lt;table&gt;]" in page
    assert "| `n_comparables` | whole number >= 1, <= 200 | `25` |" in page
    assert "| `as_of` | date-time | none |" in page


def test_the_command_line_page_holds_the_help_of_every_verb() -> None:
    page = cli_page()

    assert "Usage: recsysops [OPTIONS] COMMAND [ARGS]..." in page
    assert "## recsysops check\n\n```text\nUsage: recsysops check [OPTIONS]" in page
    assert not any(line != line.rstrip() for line in page.splitlines())


def test_the_metrics_page_names_labels_or_says_there_are_none() -> None:
    page = metrics_page()

    assert "| `recsysops_open_issues` | gauge | `severity`, `class` |" in page


@pytest.fixture
def two_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "documents", lambda: {"docs/a.md": "a\n", "b.md": "b\n"})


@pytest.mark.usefixtures("two_pages")
def test_only_what_changed_is_written_and_named(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("old\n")

    first = write(tmp_path)
    second = write(tmp_path)

    assert (first, second) == (("docs/a.md", "b.md"), ())
    assert (tmp_path / "docs/a.md").read_text() == "a\n"
    assert (tmp_path / "b.md").read_text() == "b\n"


@pytest.mark.usefixtures("two_pages")
def test_the_command_says_what_it_wrote_and_that_all_is_fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["documents", str(tmp_path)])

    main()
    main()

    assert capsys.readouterr().out == "Wrote docs/a.md\nWrote b.md\nAll generated documents are fresh.\n"


@pytest.mark.usefixtures("two_pages")
def test_without_a_folder_the_current_one_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["documents"])

    main()

    assert (tmp_path / "b.md").is_file()
