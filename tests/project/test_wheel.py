import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

TOP_LEVEL = {"recsysops", "recsysops_alerts", "recsysops_dashboards", "recsysops_detectors"}
CODE = {".py", ".pyi"}
# What is not code and still has to be there at run time.
DATA = {"py.typed", "script.py.mako", "alembic.ini"}


def build(target: str, root: Path, folder: Path) -> Path:
    hatchling = Path(sys.executable).with_name("hatchling")
    subprocess.run([hatchling, "build", "-t", target, "-d", folder], cwd=root, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel_names(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    with zipfile.ZipFile(build("wheel", project_root, tmp_path_factory.mktemp("wheel"))) as wheel:
        return [name for name in wheel.namelist() if ".dist-info/" not in name]


@pytest.fixture(scope="module")
def sdist_names(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    with tarfile.open(build("sdist", project_root, tmp_path_factory.mktemp("sdist"))) as sdist:
        return [name.partition("/")[2] for name in sdist.getnames()]


def test_the_wheels_top_level_names_are_exactly_the_four_packages(wheel_names: list[str]) -> None:
    assert {name.split("/")[0] for name in wheel_names} == TOP_LEVEL


def test_the_wheel_holds_code_and_nothing_nobody_thought_of(wheel_names: list[str]) -> None:
    others = [name for name in wheel_names if Path(name).suffix not in CODE and Path(name).name not in DATA]

    assert others == []


def test_the_wheel_holds_every_module_of_the_checkout(
    wheel_names: list[str], shipped_modules: tuple[Path, ...], project_root: Path
) -> None:
    last_names = ("recsysops/", "recsysops_detectors/", "recsysops_alerts/", "recsysops_dashboards/")

    missing = [
        file.relative_to(project_root)
        for file in shipped_modules
        if not any(f"/{file.as_posix()}".endswith(f"/{name}") for name in wheel_names if name.startswith(last_names))
    ]

    assert missing == []


def test_the_wheel_is_typed_and_brings_its_migrations(wheel_names: list[str]) -> None:
    assert "recsysops/py.typed" in wheel_names
    assert any(name.startswith("recsysops/store/migrations/versions/") for name in wheel_names)
    assert "recsysops/store/migrations/env.py" in wheel_names


def test_the_source_distribution_holds_what_its_list_names_and_no_more(
    sdist_names: list[str], project_root: Path
) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text())
    listed = set(project["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"])
    always = {"pyproject.toml", "PKG-INFO", ".gitignore"}

    top = {name.split("/")[0] for name in sdist_names}

    assert top - always == listed
    assert not [name for name in sdist_names if Path(name).suffix in {".sqlite", ".db", ".pkl", ".joblib", ".pyc"}]
