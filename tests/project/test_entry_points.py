import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

GROUPS = {
    "recsysops.detectors": ("detectors/recsysops_detectors", "DETECTOR"),
    "recsysops.channels": ("alerts/recsysops_alerts", "CHANNEL"),
}


def files(root: Path, group: str) -> set[str]:
    """Return the files that define a plug-in of the group."""
    folder, constant = GROUPS[group]
    return {
        file.stem
        for file in (root / folder).glob("*.py")
        if re.search(rf"^{constant}\b.*=", file.read_text(encoding="utf-8"), re.MULTILINE)
    }


def registered(root: Path, group: str) -> dict[str, str]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return dict(project["entry-points"][group])


def loaded(group: str) -> dict[str, Any]:
    return {entry.name: entry.load() for entry in distribution("recsysops").entry_points.select(group=group)}


@pytest.mark.parametrize("group", GROUPS)
def test_every_file_is_registered_under_its_name_and_nothing_else_is(project_root: Path, group: str) -> None:
    folder, constant = GROUPS[group]

    assert set(registered(project_root, group)) == files(project_root, group)
    for name, target in registered(project_root, group).items():
        assert target == f"{Path(folder).name}.{name}:{constant}"


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_installed_is_what_is_declared(project_root: Path, group: str) -> None:
    assert set(loaded(group)) == set(registered(project_root, group)), "run make setup: entry points changed"


@pytest.mark.parametrize("group", GROUPS)
def test_a_plug_in_calls_itself_as_it_is_registered(group: str) -> None:
    found = loaded(group)

    assert found
    assert {name: plugin.name for name, plugin in found.items()} == {name: name for name in found}


def test_every_detector_has_a_runbook_and_no_runbook_is_left_over(project_root: Path) -> None:
    runbooks = {file.stem for file in (project_root / "alerts/runbooks").glob("*.md")}
    rules = "".join(file.read_text() for file in (project_root / "alerts/rules").glob("*.y*ml"))
    alerts = {line.split("alert:")[1].strip() for line in rules.splitlines() if "alert:" in line}

    assert files(project_root, "recsysops.detectors") <= runbooks
    assert runbooks <= files(project_root, "recsysops.detectors") | alerts | {"README"}


def test_the_catalogue_lists_every_detector(project_root: Path) -> None:
    catalogue = (project_root / "detectors/README.md").read_text()

    for name, detector in loaded("recsysops.detectors").items():
        assert f"## {name}\n" in catalogue
        assert detector.summary in catalogue
