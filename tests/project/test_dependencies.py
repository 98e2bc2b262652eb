import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

LOCKS = ("dev.lock", "run.lock", "uv.lock", "server.lock", "peers.lock")
OURS = {"recsysops", "recsysops_detectors", "recsysops_alerts", "recsysops_dashboards"}
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(root: Path, lock: str) -> set[tuple[str, str]]:
    return set(PIN.findall((root / "requirements" / lock).read_text()))


def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def declared(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=!~;\s]", requirement, maxsplit=1)[0]) for requirement in requirements}


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_place_to_get_it_from(project_root: Path, lock: str) -> None:
    text = (project_root / "requirements" / lock).read_text()
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)

    for block in blocks:
        if PIN.match(block):
            assert "--hash=sha256:" in block, block.splitlines()[0]
    assert not re.search(r"://|^-", text, re.MULTILINE)


def test_what_runs_is_locked_to_the_versions_it_is_tested_with(project_root: Path) -> None:
    assert pins(project_root, "run.lock") <= pins(project_root, "dev.lock")


def test_the_locks_hold_every_declared_dependency(project_root: Path) -> None:
    settings = project(project_root)
    run = {normal(name) for name, _ in pins(project_root, "run.lock")}
    dev = {normal(name) for name, _ in pins(project_root, "dev.lock")}

    assert declared(settings["project"]["dependencies"]) <= run
    assert declared(settings["dependency-groups"]["dev"]) <= dev
    for extra in settings["project"]["optional-dependencies"].values():
        assert declared(extra) <= dev


def test_every_library_that_is_imported_is_declared(project_root: Path, shipped_modules: tuple[Path, ...]) -> None:
    settings = project(project_root)["project"]
    optional = [each for extra in settings["optional-dependencies"].values() for each in extra]
    known = declared([*settings["dependencies"], *optional])
    distributions = packages_distributions()
    names = {name for file in shipped_modules for name in imported(file)} - OURS - set(sys.stdlib_module_names)

    undeclared = {name for name in names if not {normal(d) for d in distributions.get(name, [name])} & known}

    assert undeclared <= {"pydantic_core", "starlette"}  # each comes with, and is the face of, one declared library


def test_every_declared_dependency_is_imported(project_root: Path, shipped_modules: tuple[Path, ...]) -> None:
    distributions = packages_distributions()
    names = {name for file in shipped_modules for name in imported(file)}
    used = {normal(d) for name in names for d in distributions.get(name, [])}
    # Needed without being imported: pandas' Parquet engine and the time zones of machines that have none.
    unimported = {"pyarrow", "tzdata"}

    assert declared(project(project_root)["project"]["dependencies"]) - used - unimported == set()
