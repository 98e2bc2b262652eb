"""The worked example for pipelines, run literally: the script on a tiny service, and the files that call it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

SETTINGS = """
[service]
name = "gated"
as_of = "2026-03-02T00:00:00Z"
[sources.titles]
path = "titles.csv"
[sources.launches]
path = "launches.csv"
[metadata]
requirements = "metadata.toml"
"""
REQUIREMENTS = """
[[require]]
field = "synopsis"
due_days = 14
days_to_fix = 5
owner = "metadata desk"
"""


@pytest.fixture
def service(tmp_path: Path) -> Path:
    (tmp_path / "recsysops.toml").write_text(SETTINGS)
    (tmp_path / "metadata.toml").write_text(REQUIREMENTS)
    (tmp_path / "titles.csv").write_text(
        "title_id,name,synopsis,observed_at\nowl,Night Owl,,2026-02-01T00:00:00Z\n"
        "lark,Lark,A bird sings before the city wakes.,2026-02-01T00:00:00Z\n"
    )
    (tmp_path / "launches.csv").write_text(
        "title_id,launch_at,observed_at\nowl,2026-03-04T12:00:00Z,2026-02-01T00:00:00Z\n"
        "lark,2026-03-05T12:00:00Z,2026-02-01T00:00:00Z\n"
    )
    return tmp_path


def gate(root: Path, service: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = ["sh", str(root / "examples" / "ci" / "check.sh"), *words]
    return subprocess.run(
        script, cwd=service, env=os.environ | {"PATH": path} | environment, capture_output=True, text=True, check=False
    )


def test_the_script_fails_on_what_is_missing_and_leaves_both_reports(project_root, service):
    ended = gate(project_root, service, "--allow-unknown")

    cases = ET.parse(service / "reports" / "recsysops.xml").getroot()
    log = json.loads((service / "reports" / "recsysops.sarif").read_text())
    assert ended.returncode == 1, ended.stderr
    assert "Night Owl" in ended.stdout
    assert int(cases.get("failures")) == 1
    assert [suite.get("name") for suite in cases.iter("testsuite") if suite.get("failures") != "0"] == ["owl Night Owl"]
    failing = [result for result in log["runs"][0]["results"] if result["level"] == "error"]
    assert [result["locations"][0]["logicalLocations"][0]["name"] for result in failing] == ["owl"]
    assert failing[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "titles.csv"


def test_the_script_passes_where_nothing_fails(project_root, service):
    titles = (service / "titles.csv").read_text()
    (service / "titles.csv").write_text(titles.replace("Night Owl,,", "Night Owl,A night in the forest.,"))

    ended = gate(project_root, service, "--allow-unknown", REPORTS="elsewhere")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ET.parse(service / "elsewhere" / "recsysops.xml").getroot().get("failures") == "0"


def test_wrong_use_ends_the_script_as_wrong_use(project_root, service):
    ended = gate(project_root, service, WITHIN="soon")

    assert ended.returncode == 2
    assert not (service / "reports").exists()


def test_a_source_that_cannot_be_read_ends_the_script_before_the_gate(project_root, service):
    (service / "titles.csv").write_text("")

    ended = gate(project_root, service)

    assert ended.returncode == 3
    assert not (service / "reports").exists()


def test_the_github_workflow_calls_the_script_and_shows_its_reports(project_root):
    workflow = yaml.safe_load((project_root / "examples" / "ci" / "github-actions.yml").read_text())

    steps = workflow["jobs"]["check"]["steps"]
    assert any(step.get("run", "").startswith("sh check.sh") for step in steps)
    assert [step["with"]["sarif_file"] for step in steps if "sarif_file" in step.get("with", {})] == [
        "reports/recsysops.sarif"
    ]
    assert workflow["permissions"]["security-events"] == "write"


def test_the_gitlab_job_calls_the_script_and_shows_its_reports(project_root):
    job = yaml.safe_load((project_root / "examples" / "ci" / "gitlab-ci.yml").read_text())["launch-gate"]

    assert job["script"] == ["sh check.sh --fail-on critical"]
    assert job["artifacts"]["reports"]["junit"] == "reports/recsysops.xml"
    assert job["artifacts"]["when"] == "always"


@pytest.mark.parametrize("name", ["check.sh", "github-actions.yml", "gitlab-ci.yml"])
def test_the_page_shows_the_files_as_they_are(project_root, name):
    page = (project_root / "docs" / "ci.md").read_text()

    assert (project_root / "examples" / "ci" / name).read_text() in page
