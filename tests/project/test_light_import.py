import subprocess
import sys

import pytest

HEAVY = {
    "alembic", "altair", "duckdb", "fastapi", "great_expectations", "ibis", "lightgbm", "prometheus_client", "pyarrow",
    "scipy", "sklearn", "skops", "sqlalchemy", "streamlit", "uvicorn",
}  # fmt: skip
ALL_HEAVY = HEAVY | {"httpx", "numpy", "pandas", "pydantic", "rich", "typer"}


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import recsysops") & ALL_HEAVY == set()


def test_importing_the_command_line_loads_only_what_every_verb_needs() -> None:
    assert loaded_by("import recsysops.cli") & HEAVY == set()


def test_asking_for_help_loads_nothing_heavy() -> None:
    statement = "import recsysops.cli\ntry:\n    recsysops.cli.main(['--version'])\nexcept SystemExit:\n    pass"

    assert loaded_by(statement) & HEAVY == set()


@pytest.mark.parametrize("module", ["recsysops.client", "recsysops.contract.detector", "recsysops.contract.channel"])
def test_what_plug_ins_and_scripts_import_is_light(module: str) -> None:
    assert loaded_by(f"import {module}") & (HEAVY - {"pyarrow"}) == set()  # pandas loads pyarrow itself


@pytest.mark.parametrize(
    "statement",
    [
        "import recsysops_detectors.expectation_gap, recsysops_detectors.missing_metadata",
        "import recsysops_alerts.console",
    ],
)
def test_loading_a_plug_in_does_not_load_what_plug_ins_may_not_use(statement: str) -> None:
    assert loaded_by(statement) & (HEAVY - {"pyarrow", "scipy"}) == set()
