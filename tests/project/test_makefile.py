import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine")


def make(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # Without what an outer make hands down, so that the test sees what a person would.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "VENV"))}
    return subprocess.run(["make", *words], cwd=root, env=environment, capture_output=True, text=True, check=False)


def targets(root: Path) -> set[str]:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    return set(phony.split())


def test_make_alone_explains_every_target(project_root: Path) -> None:
    done = make(project_root)

    listed = re.findall(r"^  make (\S+) +\S", done.stdout, re.MULTILINE)
    assert done.returncode == 0
    assert set(listed) == targets(project_root)
    assert len(listed) == len(set(listed))
    assert done.stderr == ""


def test_a_script_that_make_names_exists(project_root: Path) -> None:
    scripts = re.findall(r"(benchmarks/\w+\.py)", (project_root / "Makefile").read_text())

    assert [script for script in scripts if not (project_root / script).is_file()] == []


@pytest.mark.parametrize(
    "found", [None, "#!/bin/sh\nexit 127\n", "#!/bin/sh\nexit 1\n"], ids=["none", "shim", "too old"]
)
def test_without_a_fit_python_setup_says_what_to_do(project_root: Path, tmp_path: Path, found: str | None) -> None:
    python = tmp_path / "python"
    if found:
        python.write_text(found)
        python.chmod(0o755)

    done = make(project_root, "setup", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")

    assert done.returncode != 0
    assert f"No Python 3.11 or later was found (tried: {python})." in done.stdout
    assert "apt-get install python3" in done.stdout
    assert not (tmp_path / "venv").exists()


def test_without_venv_setup_names_the_package_that_brings_it(project_root: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\n')
    python.chmod(0o755)

    done = make(project_root, "setup", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")

    assert done.returncode != 0
    assert "its venv or ensurepip module is missing" in done.stdout
    assert "python3-venv" in done.stdout


def test_ci_and_pre_commit_call_make_and_nothing_else(project_root: Path) -> None:
    run = project_root / ".ci" / "run"
    hooks = re.findall(r"entry: (.*)", (project_root / ".pre-commit-config.yaml").read_text())

    assert os.access(run, os.X_OK)
    assert re.search(r"^exec make .*\bcheck\b", run.read_text(), re.MULTILINE)
    assert hooks
    assert {hook.removeprefix("make ") for hook in hooks} <= targets(project_root)
