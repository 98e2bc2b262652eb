"""What the tests of the project itself share: its own files, and what each package is."""

from pathlib import Path

import pytest

PACKAGES = (
    "recsysops",
    "detectors/recsysops_detectors",
    "alerts/recsysops_alerts",
    "dashboards/recsysops_dashboards",
)


@pytest.fixture(scope="session")
def shipped_modules(project_root: Path) -> tuple[Path, ...]:
    """Return every Python file that ships."""
    return tuple(sorted(file for package in PACKAGES for file in (project_root / package).rglob("*.py")))


# A distribution of its own: its tests run where it is installed, see test_sample_plugin.py.
collect_ignore = ["sample_plugin"]
