"""Backup while a writer works, restore on a clean machine, both stores, across stores; files nobody should trust."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.cli import main
from recsysops.domain.batch import BatchReceipt, LogFile, QuarantinedRow
from recsysops.domain.drift import Decision, HeldBatch, HeldState, Profile, SeenFile
from recsysops.domain.issue import Finding, Issue, IssueChange, IssueEvent, IssueEventKind
from recsysops.domain.model import BacktestScore, ModelCard
from recsysops.domain.registry import ModelMove, MoveKind
from recsysops.domain.run import Run, StepReport
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import StoreError, UsageError
from recsysops.store import open_store
from recsysops.store.archive import MANIFEST
from recsysops.store.backup import table_rows, write_backup
from recsysops.store.opening import HEAD
from recsysops.store.restore import restore_backup
from recsysops.store.tables import Tables

T0: Final = datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
KINDS: Final = ("sqlite", "postgresql")

MakeStore = Callable[[str], str]


@pytest.fixture
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Return the URL of a place for a store of the kind given; nothing is there yet."""
    made: list[str] = []

    def make(kind: str) -> str:
        made.append(kind)
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / f'store{len(made)}' / 'store.sqlite'}"
        server = request.getfixturevalue("postgres")
        url = server.make_database()
        request.addfinalizer(lambda: server.drop_database(url))
        return url

    return make


def fill(url: str, folder: Path, *, rows: int = 200) -> None:
    """Put something into every table."""
    store = open_store(url)
    frame = launches(rows)
    with store.write() as work:
        for at, table in enumerate(("titles", "launches", "expectations", "changes", "impressions")):
            accepted = {"rows_in": 1, "accepted": 0, "duplicate": 0, "quarantined": 1}
            receipt = BatchReceipt(
                batch_id=f"b{at}", table=table, content_hash="h", files=("a.csv",), loaded_at=T0, **accepted
            )
            kept_out = QuarantinedRow(file="a", row=1, column="x", code="bad", value="'\t\n片", rule="", fix="")
            work.batches.add(receipt, [kept_out], Profile(rows=1, quarantined=0, columns={}, first_at=T0))
        work.versions.add("launches", frame, "b1", T0)
        work.versions.add("titles", titles(), "b0", T0)
        work.versions.add("expectations", expectations(), "b2", T0)
        work.changes.add(changes(), "b3", T0)
        work.batches.register(
            LogFile(
                batch_id="b4", table="impressions", path="/l.csv", content_hash="h", declared_day=date(2026, 3, 2),
                first_at=T0, last_at=None, rows=1,
            )
        )  # fmt: skip
        work.batches.see([SeenFile(table="titles", path="/a", size=1, mtime_ns=2**62, content_hash="h", seen_at=T0)])
        work.batches.hold(
            HeldBatch(
                batch_id="held", table="titles", content_hash="h2", files=(), rows_in=1, accepted=1, quarantined=0,
                held_at=T0, drifts=(), profile=Profile(rows=1, quarantined=0, columns={}),
            )
        )  # fmt: skip
        work.batches.decide("held", Decision(state=HeldState.RELEASED, by="ada", reason="fine", at=T0))
        work.treatment.replace("impressions", days(), activity(), days())
        fill_results(work)
        work.commit()
    store.close()
    model = folder / "models" / "m1"
    model.mkdir(parents=True)
    (model / "model.txt").write_bytes(os.urandom(3000))
    (model / "manifest.json").write_text("{}")


def fill_results(work) -> None:
    for table, columns in {
        "predictions": c.PREDICTION, "expectations": c.EXPECTATION, "checks": c.CHECK_RESULT, "verdicts": c.VERDICT,
        "findings": c.FINDING, "cells": c.BOARD_CELL,
    }.items():  # fmt: skip
        work.results.save(table, result_row(table, columns), "r1", T0)
    work.results.save_scores(
        "r1",
        [
            BacktestScore(
                measure="reach", horizon=7, lead=0, predictor="m", metric="mae", value=0.3, low=0.1, high=None, n=9
            )
        ],
    )
    work.runs.save(
        Run(
            run_id="r1", verb="run", as_of=T0, started_at=T0, is_followed=True, counts={"é": 1},
            steps=(StepReport(kind="step", name="predict", outcome=StepOutcome.RAN, seconds=0.1),),
        )
    )  # fmt: skip
    finding = Finding(
        finding_key="k", detector="d", rule="r", title_id="t", market="de", surface="home", severity=Severity.INFO,
        finding_class=FindingClass.SETUP, why="w", remedy="r", score=1.0, evidence={"x": 0.1},
    )  # fmt: skip
    issue = Issue(issue_id="k-1", episode=1, finding=finding, opened_at=T0, updated_at=T0)
    event = IssueEvent(issue_id="k-1", at=T0, kind=IssueEventKind.OPENED, severity=Severity.INFO, why="w")
    work.issues.apply([IssueChange(issue, event)])
    work.models.activate(
        ModelCard(
            model_id="m1", measure="reach", horizon=7, trained_as_of=T0, n_titles=2, n_rows=8, folder="models/m1",
            manifest_sha256="f" * 64, serves="model", scores={"coverage_80": 1 / 3},
        )
    )  # fmt: skip

    fill_predicted(work)


def fill_predicted(work) -> None:
    work.shadow.save(result_row("shadow", c.SHADOW_SCORE), "r1", T0)
    work.shadow.add_relabelled(
        result_row("shadow", c.RELABELLED).assign(**{c.DROPPED: [["x"]], c.REACH_AS_IT_WAS: 1 / 3}), "r1"
    )
    work.scores.add(result_row("scores", c.LAUNCH_SCORE))
    card = ModelCard(
        model_id="m2", measure="reach", horizon=7, trained_as_of=T0, n_titles=2, n_rows=8, folder="models/m2",
        manifest_sha256="e" * 64, serves="model", recipe="other",
    )  # fmt: skip
    work.models.challenge(card, T0)
    work.models.record(
        ModelMove(
            measure="reach", horizon=7, model_id="m2", kind=MoveKind.CHALLENGED, previous_id=None, actor="ada",
            reason="new settings", at=T0,
        )
    )  # fmt: skip


def launches(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.TITLE_ID: [f"t{at}" for at in range(n)], c.MARKET: "de", c.SURFACE: "home", c.OBSERVED_AT: T0,
            c.LAUNCH_AT: [None if at % 2 else T0 + DAY for at in range(n)], c.LAUNCH_STATUS: "planned",
        }
    ).astype({c.OBSERVED_AT: "datetime64[us, UTC]", c.LAUNCH_AT: "datetime64[us, UTC]"})  # fmt: skip


def titles() -> pd.DataFrame:
    row = {
        c.TITLE_ID: "片\\N\t", c.MARKET: "de", c.OBSERVED_AT: T0, c.NAME: "", c.SERIES_ID: None, c.PROVIDER: "a\nb",
        c.FIELDS: {"n": [1, 0.1, None, "\\."]},
    }  # fmt: skip
    return pd.DataFrame([row]).astype({c.OBSERVED_AT: "datetime64[us, UTC]"})


def expectations() -> pd.DataFrame:
    row = dict.fromkeys(c.EXPECTATION_VERSION, "x") | {c.HORIZON: 7, c.OBSERVED_AT: T0}
    row |= {c.LOW: 0.1, c.BEST: 1 / 3, c.HIGH: np.nan, c.CONFIDENCE: 5e-324}
    return pd.DataFrame([row]).astype({c.OBSERVED_AT: "datetime64[us, UTC]"})


def changes() -> pd.DataFrame:
    row = {c.TS: T0, c.KIND: "deploy", c.WHAT: "v2", c.TITLE_ID: None, c.MARKET: None}
    return pd.DataFrame([row]).astype({c.TS: "datetime64[us, UTC]"})


def days() -> pd.DataFrame:
    row = {
        c.TITLE_ID: "t", c.MARKET: "de", c.SURFACE: "home", c.SIGNAL: "impressions", c.LAUNCH_AT: T0, c.DAY: 0,
        c.EVENTS: 1, c.NEW_MEMBERS: 1, c.POSITION_P10: 1.5, c.POSITION_P50: 2.0, c.POSITION_P90: np.nan,
        c.IS_PARTIAL: True,
    }  # fmt: skip
    return pd.DataFrame([row]).astype({c.LAUNCH_AT: "datetime64[us, UTC]"})


def activity() -> pd.DataFrame:
    row = {
        c.MARKET: "de", c.SURFACE: "home", c.SIGNAL: "impressions", c.START_AT: T0, c.HORIZON: 7, c.N_ACTIVE: 1,
        c.N_EVENTS: 2**53 + 1, c.IS_PARTIAL: False,
    }  # fmt: skip
    return pd.DataFrame([row]).astype({c.START_AT: "datetime64[us, UTC]"})


def result_row(table: str, columns: tuple[str, ...]) -> pd.DataFrame:
    times = [n for n in columns if n.endswith("_at") or n == c.AS_OF]
    numbers = {
        c.LOW,
        c.BEST,
        c.HIGH,
        c.CONFIDENCE,
        c.DENOMINATOR,
        c.MARGIN,
        c.WORTH,
        c.WORTH_LOW,
        c.WORTH_HIGH,
        c.SCORE,
        *c.SHADOW_SCORE[6:15],
        c.ACTUAL,
        c.PIT,
        c.CRPS,
        c.PINBALL,
        c.ABSOLUTE_ERROR,
    }
    row: dict[str, object] = dict.fromkeys(columns, "x")
    row |= {name: 1 / 3 for name in columns if name in numbers | set(c.QUANTILES)}
    row |= dict.fromkeys(times, T0) | {n: 7 for n in (c.HORIZON, c.LEAD, c.N_FINDINGS, c.N_MEMBERS) if n in columns}
    row |= {name: True for name in (c.IS_SERVED, c.HAS_EXPECTATION) if name in columns}
    row |= {c.EVIDENCE: {"n": 1}} if c.EVIDENCE in columns else {}
    return pd.DataFrame([row]).astype(dict.fromkeys(times, "datetime64[us, UTC]"))


def hashes(url: str) -> dict[str, str]:
    """Hash the rows of each table."""
    store = open_store(url, read_only=True)
    with store.reading.connect() as connection:
        found = {
            table.name: hashlib.sha256(repr(list(table_rows(connection, table))).encode()).hexdigest()
            for table in Tables.metadata.sorted_tables
        }
    store.close()
    return found


def manifest(path: Path) -> dict:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(MANIFEST))


# --- there and back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_what_is_restored_is_what_was_backed_up(
    make_store: MakeStore, tmp_path: Path, source: str, target: str
) -> None:
    here, there = make_store(source), make_store(target)
    fill(here, tmp_path / "here")
    file = tmp_path / "backup.zip"

    written = write_backup(here, tmp_path / "here", file, now=T0)
    restored = restore_backup(there, tmp_path / "there", file)

    assert all(written.rows.values()), "every table must have something to lose"
    assert hashes(there) == hashes(here)
    assert written.rows == restored.rows
    assert {path.name: path.read_bytes() for path in (tmp_path / "there" / "models" / "m1").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "here" / "models" / "m1").iterdir()
    }
    assert [path.name for path in (tmp_path / "there").iterdir()] in (["models"], ["store.sqlite", "models"])
    write_backup(there, tmp_path / "there", tmp_path / "again.zip", now=T0)
    assert manifest(tmp_path / "again.zip") == manifest(file)


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_store_goes_on(make_store: MakeStore, tmp_path: Path, kind: str) -> None:
    here, there = make_store("sqlite"), make_store(kind)
    fill(here, tmp_path / "here")
    write_backup(here, tmp_path / "here", tmp_path / "backup.zip", now=T0)

    restore_backup(there, tmp_path / "there", tmp_path / "backup.zip")

    store = open_store(there)
    with store.write() as work:
        assert work.versions.add("launches", launches(201), "b1", T0) == 1
        work.runs.save(Run(run_id="r2", verb="run", as_of=T0 + DAY, started_at=T0 + DAY, is_followed=True))
        work.results.save("verdicts", result_row("verdicts", c.VERDICT), "r2", T0 + DAY)
        work.commit()
    with store.read() as work:
        assert work.runs.last_followed().run_id == "r2"
    store.close()


WRITER = """
import sys
from datetime import UTC, datetime, timedelta
import pandas as pd
from recsysops import columns as c
from recsysops.domain.run import Run
from recsysops.store import open_store
store, at = open_store(sys.argv[1]), datetime(2026, 3, 3, tzinfo=UTC)
for n in range(100_000):
    at += timedelta(seconds=1)
    frame = pd.DataFrame({name: pd.Series([str(n)] * 300, dtype="str") for name in c.VERDICT}).assign(margin=float(n))
    with store.write() as work:
        work.runs.save(Run(run_id=f"w{n}", verb="run", as_of=at, started_at=at))
        work.results.save("verdicts", frame, f"w{n}", at)
        work.commit()
    print(n, flush=True)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_while_a_writer_works_shows_one_moment(make_store: MakeStore, tmp_path: Path, kind: str) -> None:
    here, there = make_store(kind), make_store("sqlite")
    fill(here, tmp_path / "here")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, here], stdout=subprocess.PIPE, text=True)
    with writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(3)]
        report = write_backup(here, tmp_path / "here", tmp_path / "backup.zip", now=T0)
        lines.append(writer.stdout.readline())
        writer.kill()

    restore_backup(there, tmp_path / "there", tmp_path / "backup.zip")

    assert all(lines), "the writer went on"
    assert report.rows["run"] >= 4
    # Each of the writer's commits is there whole, or not at all.
    assert report.rows["verdict"] == 1 + 300 * (report.rows["run"] - 1)
    store = open_store(there, read_only=True)
    with store.read() as work:
        latest = work.results.load("verdicts")
        runs = work.runs.list(limit=10_000)
    store.close()
    assert len(latest) == 300
    assert set(latest[c.TITLE_ID]) == {runs[0].run_id.removeprefix("w")}


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'here' / 'store.sqlite'}"
    fill(url, tmp_path / "here")
    return url


@pytest.fixture
def backed_up(filled: str, tmp_path: Path) -> Path:
    write_backup(filled, tmp_path / "here", tmp_path / "backup.zip", now=T0)
    return tmp_path / "backup.zip"


@pytest.fixture
def target(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'there' / 'store.sqlite'}"


def test_a_backup_is_for_its_owner_only_and_replaces_nothing_unasked(
    filled: str, backed_up: Path, tmp_path: Path
) -> None:
    before = backed_up.read_bytes()

    with pytest.raises(UsageError, match="--force"):
        write_backup(filled, tmp_path / "here", backed_up, now=T0 + DAY)
    unchanged = backed_up.read_bytes()
    write_backup(filled, tmp_path / "here", backed_up, now=T0 + DAY, force=True)

    assert unchanged == before
    assert manifest(backed_up)["made_at"] == (T0 + DAY).isoformat()
    assert stat.S_IMODE(backed_up.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.zip", "here"]


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(filled: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        write_backup(filled, tmp_path, tmp_path / "absent" / "backup.zip", now=T0)
    with pytest.raises(StoreError, match="no store"):
        write_backup(f"sqlite:///{tmp_path / 'absent.sqlite'}", tmp_path, tmp_path / "backup.zip", now=T0)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_store_is_replaced_only_on_demand_and_only_whole(
    make_store: MakeStore, backed_up: Path, filled: str, tmp_path: Path, kind: str
) -> None:
    url = make_store(kind)
    store = open_store(url)
    with store.write() as work:
        work.runs.save(Run(run_id="theirs", verb="run", as_of=T0, started_at=T0))
        work.commit()
    store.close()

    with pytest.raises(UsageError, match=r'table "run" has rows.*--force'):
        restore_backup(url, tmp_path / "there", backed_up)
    reader = open_store(url, read_only=True)
    with reader.read() as work:
        before = [run.run_id for run in work.runs.list()]
    restore_backup(url, tmp_path / "there", backed_up, force=True)
    with reader.read() as work:
        after = [run.run_id for run in work.runs.list()]
    reader.close()

    assert before == ["theirs"]
    assert after == ["r1"]
    assert hashes(url) == hashes(filled)


def test_a_backup_of_an_older_schema_is_brought_up_to_date(target: str, tmp_path: Path) -> None:
    old = f"sqlite:///{tmp_path / 'old.sqlite'}"
    open_store(old).close()
    backup = tmp_path / "old.zip"
    write_backup(old, tmp_path, backup, now=T0)
    said = manifest(backup)
    since = {
        "batch_profile", "held_batch", "held_decision", "seen_file", "change", "shadow_score", "model_recipe",
        "challenger", "model_move", "launch_score", "relabelled_score",
    }  # fmt: skip
    said |= {"revision": "0001", "tables": {n: t for n, t in said["tables"].items() if n not in since}}
    rewrite(backup, said, {})

    restore_backup(target, tmp_path / "there", backup)

    assert set(hashes(target)) >= since


def test_a_backup_of_a_newer_schema_or_format_is_refused(target: str, backed_up: Path, tmp_path: Path) -> None:
    said = manifest(backed_up)

    rewrite(backed_up, said | {"revision": "9999"}, {})
    with pytest.raises(StoreError, match=f"of schema 9999 .*up to {HEAD}"):
        restore_backup(target, tmp_path / "there", backed_up)
    rewrite(backed_up, said | {"version": 2}, {})
    with pytest.raises(StoreError, match="has format 2"):
        restore_backup(target, tmp_path / "there", backed_up)

    assert not (tmp_path / "there").exists()


# --- files nobody should trust ---------------------------------------------------------------------------------------


def rewrite(path: Path, said: object, entries: dict[str, bytes]) -> None:
    """Write the backup anew with another manifest, and with these entries in place of, or beside, its own."""
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if name != MANIFEST}
    wanted = said.get("tables", {}) if isinstance(said, dict) else {}
    kept = {n: v for n, v in kept.items() if not n.startswith("tables/") or n[7:-6] in wanted}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in (kept | entries).items():
            archive.writestr(name, value)
        archive.writestr(MANIFEST, said if isinstance(said, (bytes, str)) else json.dumps(said))


def part(value: bytes) -> dict[str, object]:
    return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}


def with_table(path: Path, table: str, value: bytes, **changes: object) -> None:
    """Put other rows under a table, with hashes that fit."""
    said = manifest(path)
    said["tables"][table] |= part(value) | {"rows": value.count(b"\n")} | changes
    rewrite(path, said, {f"tables/{table}.jsonl": value})


def with_file(path: Path, name: str, value: bytes = b"evil") -> None:
    said = manifest(path)
    said["files"][name] = part(value)
    rewrite(path, said, {f"files/{name}": value})


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-400])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = content.index(b"models/m1/model.txt") + 1500
    content[at] ^= 0xFF
    path.write_bytes(bytes(content))


def flip_packed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = content.index(b"tables/launch_version.jsonl") + 60
    content[at : at + 40] = b"\xff" * 40
    path.write_bytes(bytes(content))


def packed_otherwise(path: Path) -> None:
    said = manifest(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(MANIFEST, json.dumps(said))


def twice(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("tables/run.jsonl", b"[]")


def link(path: Path) -> None:
    said = manifest(path)
    said["files"]["models/m1/link"] = part(b"/etc/passwd")
    entry = zipfile.ZipInfo("files/models/m1/link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    rewrite(path, said, {})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, b"/etc/passwd")


def bomb(path: Path) -> None:
    with_table(path, "run", b"[" + b"\n" * 300_000_000, rows=1)


RUN: Final = b'["r1","run",1,1,null,true,"[]","[]","{}",""]\n'
DAMAGES: Final[dict[str, Callable[[Path], object]]] = {
    "no zip": lambda path: path.write_bytes(b"This is no archive. " * 99),
    "empty": lambda path: path.write_bytes(b""),
    "cut": cut,
    "a flipped bit": flip,
    "bits flipped in what is packed": flip_packed,
    "packed in another way": packed_otherwise,
    "no manifest": lambda path: rewrite(path, b"nonsense", {}),
    "a manifest that is a list": lambda path: rewrite(path, [1], {}),
    "a deep manifest": lambda path: rewrite(path, b"[" * 100_000, {}),
    "a manifest with more": lambda path: rewrite(path, manifest(path) | {"more": 1}, {}),
    "an entry nobody names": lambda path: rewrite(path, manifest(path), {"../evil": b"x"}),
    "an entry twice": twice,
    "a path that climbs": lambda path: with_file(path, "models/../../evil"),
    "an absolute path": lambda path: with_file(path, "/tmp/evil"),
    "another system's path": lambda path: with_file(path, "models\\..\\evil\\x"),
    "a file of ours": lambda path: with_file(path, "api.key"),
    "a folder of ours": lambda path: with_file(path, "models/x"),
    "a link": link,
    "a bomb": bomb,
    "a table that is unknown": lambda path: rewrite(
        path,
        {**(m := manifest(path)), "tables": {**m["tables"], "evil": m["tables"]["run"]}},
        {"tables/evil.jsonl": b""},
    ),
    "a column that is unknown": lambda path: with_table(path, "run", RUN, columns=["evil"] * 10),
    "rows that are no lists": lambda path: with_table(path, "run", b"{}\n"),
    "rows that are no JSON": lambda path: with_table(path, "run", b"evil\n"),
    "rows that are too short": lambda path: with_table(path, "run", b"[1]\n"),
    "fewer rows than named": lambda path: with_table(path, "run", RUN, rows=2),
    "text for a number": lambda path: with_table(path, "run", RUN.replace(b",1,1,", b',"1",1,')),
    "a number for text": lambda path: with_table(path, "run", RUN.replace(b'"r1"', b"1")),
    "nothing where something must be": lambda path: with_table(path, "run", RUN.replace(b'"r1"', b"null")),
    "a number too large": lambda path: with_table(path, "run", RUN.replace(b",1,1,", b",1,9223372036854775808,")),
    "text no store can keep": lambda path: with_table(path, "run", RUN.replace(b'"r1"', b'"\\u0000"')),
    "a row twice": lambda path: with_table(path, "run", RUN + RUN),
    "rows that refer to nothing": lambda path: with_table(path, "run", RUN.replace(b"r1", b"r2")),
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_backup_that_was_changed_is_refused_and_changes_nothing(
    target: str, backed_up: Path, tmp_path: Path, damage: str
) -> None:
    store = open_store(target)
    with store.write() as work:
        work.runs.save(Run(run_id="theirs", verb="run", as_of=T0, started_at=T0))
        work.commit()
    store.close()
    before = hashes(target)
    DAMAGES[damage](backed_up)
    start = time.monotonic()

    with pytest.raises(StoreError, match=r"cannot be restored|refused a change|would lose") as raised:
        restore_backup(target, tmp_path / "there", backed_up, force=True)

    assert time.monotonic() - start < 60
    assert str(raised.value).count("\n") == 0
    assert hashes(target) == before
    assert not (tmp_path / "there" / "models").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.zip", "here", "there"]
    assert not [path for path in (tmp_path / "there").iterdir() if path.name.startswith(".")]


def test_a_file_that_is_not_there_is_named(target: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.zip"):
        restore_backup(target, tmp_path / "there", tmp_path / "absent.zip")


# --- the verbs -------------------------------------------------------------------------------------------------------


def test_the_verbs_back_up_and_restore(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recsysops.toml").write_text("")
    here, there = (["--settings", str(tmp_path / name / "recsysops.toml")] for name in ("here", "there"))
    data = tmp_path / "here" / ".recsysops"
    fill(f"sqlite:///{data / 'recsysops.sqlite'}", data)
    file = str(tmp_path / "backup.zip")

    codes = []
    for argv in (
        [*here, "backup", file],
        [*here, "backup", file],
        [*there, "restore", file],
        [*there, "restore", file],
    ):
        with pytest.raises(SystemExit) as left:
            main(argv)
        codes.append(left.value.code)
    said = capsys.readouterr()

    assert codes == [0, 2, 0, 2]
    assert "rows of 34 tables, 2 files of models" in said.out
    assert "Restored" in said.out
    restored = f"sqlite:///{tmp_path / 'there' / '.recsysops' / 'recsysops.sqlite'}"
    assert hashes(restored) == hashes(f"sqlite:///{data / 'recsysops.sqlite'}")
