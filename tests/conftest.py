"""Fixtures and settings every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# "ci" is repeatable, so that a red run can be run again; "thorough" looks harder, on purpose and by hand.
settings.register_profile("default", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the folder of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data(project_root: Path) -> Path:
    """Return the folder of public data sets beside the checkout; tests that need it are skipped where it is absent."""
    folder = project_root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip('no public data sets here: the folder "../shared/data" does not exist')
    return folder
