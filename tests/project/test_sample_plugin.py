"""Somebody else's plug-in, as a distribution of its own: built, installed beside us without a network, and used."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from recsysops.testing.channels import CHANNEL_CHECKS
from recsysops.testing.detectors import DETECTOR_CHECKS

BROKEN = "import a_library_nobody_has\n"
SETTINGS = """
[service]
name = "sampled"
as_of = "2026-03-02T00:00:00Z"
[sources.titles]
path = "titles.csv"
[sources.launches]
path = "launches.csv"
[channels.book]
type = "logbook"
path = "{book}"
"""


@dataclass(frozen=True)
class Installed:
    """A folder the sample's wheel was installed into."""

    folder: Path

    def run(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )

    def recsysops(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return self.run(str(Path(sys.executable).with_name("recsysops")), *words, cwd=cwd)


def installed(root: Path, folder: Path, broken: str = "") -> Installed:
    """Build the sample's wheel, with a module that cannot be imported where `broken` names one, and install it."""
    source = folder / "source"
    shutil.copytree(root / "tests" / "project" / "sample_plugin", source)
    if broken:
        (source / "recsysops_sample" / broken).write_text(BROKEN)
    hatchling = Path(sys.executable).with_name("hatchling")
    build = [hatchling, "build", "-t", "wheel", "-d", folder / "dist"]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = (folder / "dist").iterdir()
    offline = [
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--no-compile",
        "--quiet",
        "--disable-pip-version-check",
    ]
    install = [sys.executable, "-m", "pip", "install", *offline, "--target", folder / "site", wheel]
    subprocess.run(install, check=True, capture_output=True)
    return Installed(folder / "site")


@pytest.fixture(scope="module")
def sample(project_root, tmp_path_factory) -> Installed:
    return installed(project_root, tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def broken(project_root, tmp_path_factory) -> Installed:
    return installed(project_root, tmp_path_factory.mktemp("broken"), broken="quiet_hours.py")


@pytest.fixture
def service(tmp_path) -> Path:
    (tmp_path / "recsysops.toml").write_text(SETTINGS.format(book=tmp_path / "book.txt"))
    (tmp_path / "titles.csv").write_text(
        "title_id,name,observed_at\nowl,Night Owl,2026-02-01T00:00:00Z\nlark,Lark,2026-02-01T00:00:00Z\n"
    )
    (tmp_path / "launches.csv").write_text(
        "title_id,launch_at,observed_at\nowl,2026-03-06T03:00:00Z,2026-02-01T00:00:00Z\n"
        "lark,2026-03-06T12:00:00Z,2026-02-01T00:00:00Z\n"
    )
    return tmp_path


def test_both_plug_ins_are_listed_with_the_distribution_they_come_from(sample, tmp_path):
    (tmp_path / "recsysops.toml").write_text('[channels.book]\ntype = "logbook"\npath = "book.txt"\n')

    listed = json.loads(sample.recsysops("plugins", "--json", cwd=tmp_path).stdout)

    found = {each["detector"]["name"]: each["distribution"] for each in listed["detectors"]}
    sent = {each["channel"]["name"]: each["distribution"] for each in listed["channels"]}
    assert found["quiet_hours"] == "recsysops-sample"
    assert sent == {"logbook": "recsysops-sample"}
    assert listed["refused"] == []


def test_a_run_uses_both(sample, service):
    ended = sample.recsysops("run", "--json", cwd=service)

    steps = {step["name"]: step["outcome"] for step in json.loads(ended.stdout)["run"]["steps"]}
    assert steps["quiet_hours"] == "ran", ended.stderr
    assert "It launches at 03:00 UTC" in (service / "book.txt").read_text()
    assert "Lark" not in (service / "book.txt").read_text()


def test_its_own_tests_pass(sample, project_root, tmp_path):
    shutil.copytree(project_root / "tests" / "project" / "sample_plugin" / "tests", tmp_path / "tests")

    ended = sample.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_its_contract_tests_can_fail(sample, project_root, tmp_path):
    shutil.copytree(project_root / "tests" / "project" / "sample_plugin" / "tests", tmp_path / "tests")
    spoilt = "import numpy as np\nfrom recsysops_sample import quiet_hours\nquiet_hours.np = None\n"
    (tmp_path / "tests" / "conftest.py").write_text(spoilt)

    ended = sample.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path)

    assert ended.returncode == 1
    assert "test_the_detector_keeps_the_contract" in ended.stdout


def test_a_broken_plug_in_is_refused_with_its_reason_and_stops_nothing(broken, service):
    listed = broken.recsysops("plugins", "--json", cwd=service)
    ended = broken.recsysops("run", "--json", cwd=service)

    (refused,) = json.loads(listed.stdout)["refused"]
    assert listed.returncode == 3
    assert (refused["name"], refused["distribution"]) == ("quiet_hours", "recsysops-sample")
    assert "a_library_nobody_has" in refused["reason"]
    steps = {step["name"]: step["outcome"] for step in json.loads(ended.stdout)["run"]["steps"]}
    assert steps["quiet_hours"] == "failed"
    assert steps["missing_metadata"] == "ran"
    assert "did not run" in (service / "book.txt").read_text()


@pytest.mark.parametrize(
    "name",
    ["pyproject.toml", "recsysops_sample/quiet_hours.py", "recsysops_sample/logbook.py", "tests/test_contract.py"],
)
def test_the_page_shows_the_sample_as_it_is(project_root, name):
    page = (project_root / "docs" / "plugins.md").read_text()

    assert (project_root / "tests" / "project" / "sample_plugin" / name).read_text() in page


@pytest.mark.parametrize("check", [*DETECTOR_CHECKS, *CHANNEL_CHECKS], ids=lambda check: check.__name__)
def test_the_page_names_every_promise(project_root, check):
    page = (project_root / "docs" / "plugins.md").read_text()

    assert check.__name__.removeprefix("check_").replace("_", " ") in page
