"""What is shipped: the wheel, and the sources it is made from. Each holds what it should and nothing else."""

import hashlib
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

PACKAGES = {
    "recsysops": "recsysops",
    "recsysops_detectors": "detectors/recsysops_detectors",
    "recsysops_alerts": "alerts/recsysops_alerts",
    "recsysops_dashboards": "dashboards/recsysops_dashboards",
}
# What is not code and still has to be there at run time: where it may lie, and how its name ends.
DATA = {
    "recsysops/py.typed": "py.typed",
    "recsysops/store/migrations/": ".mako",
    "recsysops/quality/suites/": ".toml",
    "recsysops_alerts/templates/": ".j2",
}
# Of the sources: folder to the endings of its files. A kind of file nobody thought of does not travel.
SOURCES = {
    "recsysops": {".py", ".typed", ".mako", ".toml"},
    "detectors": {".py", ".md"},
    "alerts": {".py", ".md", ".yml", ".yaml"},
    "dashboards": {".py", ".md", ".json"},
    "tests": {".py", ".yml", ".yaml", ".toml", ".md", ".typed", ".json"},
    "docs": {".md", ".png", ".csv", ".toml", ".jsonl", ".json"},
    "examples": {".toml", ".yml", ".yaml", ".md", ".sh", ".json", ".ini", ".conf", ".example", ""},
    "requirements": {".lock", ".in"},
}
ROOT = {
    "Makefile",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "PKG-INFO",
    ".gitignore",
}
LARGEST = 2 * 1024**2


def build(target: str, root: Path, folder: Path) -> Path:
    hatchling = Path(sys.executable).with_name("hatchling")
    subprocess.run([hatchling, "build", "-t", target, "-d", folder], cwd=root, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def sdist(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", project_root, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the sources as somebody else gets them."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from the source distribution: what is missing there is missing here."""
    return build("wheel", unpacked, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel_files(wheel: Path) -> Mapping[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def sdist_files(unpacked: Path) -> Mapping[str, int]:
    return {
        file.relative_to(unpacked).as_posix(): file.stat().st_size for file in unpacked.rglob("*") if file.is_file()
    }


def shipped(wheel_files: Mapping[str, bytes]) -> list[str]:
    return [name for name in wheel_files if ".dist-info/" not in name]


def on_disk(root: Path) -> dict[str, Path]:
    """Return the files of the four packages, by the name they have in the wheel."""
    return {
        f"{package}/{file.relative_to(root / folder).as_posix()}": file
        for package, folder in PACKAGES.items()
        for file in (root / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_wheels_top_level_names_are_exactly_the_four_packages(wheel_files: Mapping[str, bytes]) -> None:
    assert {name.split("/")[0] for name in shipped(wheel_files)} == set(PACKAGES)


def test_the_wheel_holds_code_and_the_data_it_needs_and_nothing_else(wheel_files: Mapping[str, bytes]) -> None:
    others = [
        name
        for name in shipped(wheel_files)
        if not name.endswith(".py")
        and not any(name.startswith(place) and name.endswith(end) for place, end in DATA.items())
    ]

    assert others == []


def test_no_test_and_no_benchmark_is_in_the_wheel(wheel_files: Mapping[str, bytes]) -> None:
    names = [Path(name) for name in shipped(wheel_files)]

    assert [str(name) for name in names if name.stem.startswith("test_") or name.stem == "conftest"] == []
    assert [str(name) for name in names if {"tests", "benchmarks", "examples"} & set(name.parts)] == []


def test_the_wheel_holds_every_file_of_the_packages_as_it_is(
    wheel_files: Mapping[str, bytes], project_root: Path
) -> None:
    files = on_disk(project_root)

    assert set(shipped(wheel_files)) == set(files)
    assert [name for name, file in files.items() if wheel_files[name] != file.read_bytes()] == []


def test_the_wheel_is_typed_and_brings_migrations_suites_and_licence(wheel_files: Mapping[str, bytes]) -> None:
    names = list(wheel_files)

    assert "recsysops/py.typed" in names
    assert "recsysops/store/migrations/env.py" in names
    assert "recsysops/store/migrations/script.py.mako" in names
    assert any(name.startswith("recsysops/store/migrations/versions/") for name in names)
    assert any(name.startswith("recsysops/quality/suites/") for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_wheel_registers_what_is_declared(wheel_files: Mapping[str, bytes], project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    (said,) = (content.decode() for name, content in wheel_files.items() if name.endswith("/entry_points.txt"))

    for group, entries in project["entry-points"].items():
        assert f"[{group}]" in said
        assert [f"{name} = {target}" in said for name, target in entries.items()] == [True] * len(entries)


def test_the_source_distribution_holds_what_its_list_names_and_no_more(
    sdist_files: Mapping[str, int], project_root: Path
) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text())
    listed = set(project["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"])

    assert {name.split("/")[0] for name in sdist_files} - {"pyproject.toml", "PKG-INFO", ".gitignore"} == listed
    assert listed <= set(SOURCES) | ROOT


def test_every_file_of_the_source_distribution_is_of_a_kind_that_is_meant_to_be_there(
    sdist_files: Mapping[str, int],
) -> None:
    odd = [
        name
        for name in sdist_files
        if name not in ROOT and Path(name).suffix not in SOURCES.get(name.split("/")[0], set())
    ]

    assert odd == []
    assert [name for name, size in sdist_files.items() if size > LARGEST] == []


def test_the_source_distribution_brings_runbooks_rules_examples_and_tests_but_no_benchmarks(
    sdist_files: Mapping[str, int],
) -> None:
    for wanted in (
        "alerts/runbooks/missing_metadata.md", "alerts/rules/", "examples/ci/check.sh", "examples/movietweetings/",
        "docs/examples/titles.csv", "tests/conftest.py", "tests/project/sample_plugin/pyproject.toml",
        "requirements/run.lock",
    ):  # fmt: skip
        assert any(name.startswith(wanted) for name in sdist_files), wanted
    assert [name for name in sdist_files if name.startswith("benchmarks/") or "__pycache__" in name] == []


def test_the_source_distribution_builds_the_same_wheel_as_the_checkout(
    wheel: Path, project_root: Path, tmp_path: Path
) -> None:
    assert digest(build("wheel", project_root, tmp_path)) == digest(wheel)


@pytest.mark.parametrize("target", ["sdist", "wheel"])
def test_two_builds_are_equal_to_the_byte(target: str, unpacked: Path, tmp_path: Path) -> None:
    first, second = (build(target, unpacked, tmp_path / number) for number in ("1", "2"))

    assert digest(first) == digest(second)
