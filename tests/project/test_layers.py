import subprocess
import sys
import tomllib
from pathlib import Path


def test_the_layers_hold(project_root: Path) -> None:
    lint = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [lint, "--no-logo", "--no-cache"], cwd=project_root, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_every_detector_is_kept_apart_from_the_others(project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text())
    independent = next(c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "independence")

    registered = {f"recsysops_detectors.{name}" for name in project["project"]["entry-points"]["recsysops.detectors"]}

    assert set(independent["modules"]) == registered


def test_every_part_of_the_core_is_either_open_to_plug_ins_or_closed_to_them(project_root: Path) -> None:
    contracts = tomllib.loads((project_root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    closed = next(c for c in contracts if c["type"] == "protected" and c["allowed_importers"] == ["recsysops"])
    open_parts = {"columns", "errors", "domain", "contract", "client"}

    parts = {
        entry.stem
        for entry in (project_root / "recsysops").iterdir()
        if (entry.suffix == ".py" or entry.is_dir()) and not entry.name.startswith("__")
    }

    assert {name.removeprefix("recsysops.") for name in closed["protected_modules"]} == parts - open_parts
