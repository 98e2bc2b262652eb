"""A process killed in the middle of an ingest leaves nothing half published, and the next one finishes the work."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from recsysops.demo import REQUIREMENTS, SETTINGS
from recsysops.simulation import SimulationReport, WorldConfig, simulate

COMMAND = (sys.executable, "-P", "-c", "from recsysops.cli import main; main()")
TABLES = {
    "treatment_day": "title_id, market, surface, signal, launch_at, day, events, new_members, is_partial",
    "activity": "market, surface, signal, start_at, horizon, n_active, n_events, is_partial",
    "title_version": "title_id, market, observed_at, name, fields",
    "launch_version": "title_id, market, surface, observed_at, launch_at, launch_status",
    "expectation_version": "title_id, market, surface, measure, horizon, observed_at, low, best, high",
    "log_file": "path, content_hash, rows",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> SimulationReport:
    folder = tmp_path_factory.mktemp("killed")
    made = simulate(WorldConfig.small(), folder)
    text = SETTINGS.format(as_of=made.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"))
    (folder / "recsysops.toml").write_text(text)
    (folder / "metadata.toml").write_text(REQUIREMENTS)
    return made


def ingest(service: SimulationReport, data: str, kill_after: float | None = None) -> int:
    words = [*COMMAND, "--settings", str(service.folder / "recsysops.toml"), "ingest", "--quiet"]
    environment = {**os.environ, "RECSYSOPS_SERVICE__DATA": data}
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            return process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def dump(store: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(store) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {
            table: sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
            for table, columns in TABLES.items()
        }


def test_killed_ingests_end_where_an_uninterrupted_one_does(service):
    assert ingest(service, "whole") == 0
    whole = dump(service.folder / "whole" / "recsysops.sqlite")

    codes = [ingest(service, "killed", kill_after=seconds) for seconds in (1.0, 1.8, 2.6, 3.4, 4.2)]
    half = service.folder / "killed" / "recsysops.sqlite"
    if half.exists():
        published = dump(half)
        assert bool(published["log_file"]) == bool(published["treatment_day"])
    code = ingest(service, "killed")

    assert any(killed < 0 for killed in codes)
    assert code == 0
    assert whole["treatment_day"]
    assert dump(half) == whole
