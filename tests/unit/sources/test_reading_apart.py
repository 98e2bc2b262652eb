"""The process that reads, and the one that asks it."""

import io
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.errors import SourceError
from recsysops.settings import ReadingSettings, Settings
from recsysops.sources import FileReader, _child, _workers
from recsysops.sources._asking import in_this_process
from recsysops.sources._frames import SPENT, BadFrameError, framed, head_size, lengths, read_frame, write_frame
from recsysops.sources._jobs import NO_MEMORY
from recsysops.sources._workers import CrashedError, TooSlowError

SETTINGS = Settings.model_validate(
    {"sources": {"titles": {"path": "-"}, "impressions": {"path": "-"}}, "treatment": {"measures": ()}}
)
SEEN = "2026-01-01T00:00:00Z"


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "titles.csv"
    path.write_text(f"title_id,observed_at,year,genres\nA,{SEEN},2026,a|b\nB,{SEEN},,\nA,{SEEN},1,a\n")
    return path


def read(file: Path, **how):
    source = SETTINGS.sources["titles"].model_copy(update={"lists": {"genres": "|"}})
    return FileReader(file.parent, **how).read_table("titles", file, source, SETTINGS)


def test_reading_apart_gives_what_reading_here_gives(file):
    apart, here = read(file), read(file, runner=in_this_process)

    pd.testing.assert_frame_equal(apart.rows, here.rows)
    assert (apart.rows_in, apart.duplicate, apart.quarantined) == (here.rows_in, here.duplicate, here.quarantined)
    assert apart.profile == here.profile
    assert apart.rows[c.FIELDS][0] == {"year": 2026, "genres": ["a", "b"]}


def test_one_process_reads_file_after_file_and_a_killed_one_is_replaced(file):
    limits = ReadingSettings(child_seconds=60.5)
    workers = _workers.workers_of(limits)
    read(file, limits=limits)
    (pid,) = workers.pids()

    read(file, limits=limits)
    assert workers.pids() == [pid]
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert len(read(file, limits=limits).rows) == 2
    assert workers.pids() != [pid]
    workers.close()
    assert workers.pids() == []


def test_files_are_read_side_by_side(file):
    limits = ReadingSettings(child_seconds=61.5)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(len(read(file, limits=limits).rows))) for _ in range(3)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [2, 2, 2]
    _workers.workers_of(limits).close()


def test_a_file_that_takes_too_long_is_refused_with_what_to_raise(file):
    with pytest.raises(SourceError) as caught:
        read(file, limits=ReadingSettings(child_seconds=0.000_001, seconds_per_mb=0))
    assert caught.value.source_code == "too-slow"
    assert "child_seconds" in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory")
def test_a_file_that_takes_too_much_memory_is_refused_with_what_to_raise(tmp_path):
    path = tmp_path / "titles.csv"
    path.write_text("title_id,observed_at,x\n" + "".join(f"{i},{SEEN},{'y' * 400}{i}\n" for i in range(250_000)))

    with pytest.raises(SourceError) as caught:
        read(path, limits=ReadingSettings(child_memory_mb=256, child_seconds=120))
    assert caught.value.source_code == "too-large"
    assert "child_memory_mb" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (TooSlowError(), "too-slow"),
        (CrashedError("SIGSEGV"), "reader-crashed"),
        ([NO_MEMORY], "too-large"),
        ([b'{"failed": "error", "what": "KeyError"}'], "reader-crashed"),
        ([b'{"refused": "corrupt", "message": "File \\u001b[31m is damaged."}'], "corrupt"),
        ([b'{"refused": "invented", "message": ""}'], "reader-crashed"),
        ([b"no json"], "reader-crashed"),
        ([b"[]"], "reader-crashed"),
        ([], "reader-crashed"),
        ([b"{}", b"", b"", b""], "reader-crashed"),
        ([b"{}"], "reader-crashed"),
    ],
)
def test_whatever_the_process_answers_is_an_answer_or_a_refusal(file, answer, code):
    def runner(job, seconds):
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(SourceError) as caught:
        read(file, runner=runner)
    assert caught.value.source_code == code
    assert "\x1b" not in str(caught.value)


def changed(parts, **facts):
    return [json.dumps(json.loads(bytes(parts[0])) | facts).encode(), *parts[1:]]


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: changed(parts, rows_in=7),
        lambda parts: changed(parts, rows_in="many"),
        lambda parts: changed(parts, profile={}),
        lambda parts: [parts[0], parts[2], parts[2], parts[3]],
        lambda parts: [parts[0], parts[1], parts[3], parts[3]],
        lambda parts: [parts[0], parts[1][:-40], *parts[2:]],
    ],
)
def test_an_answer_that_does_not_add_up_is_not_believed(file, change):
    with pytest.raises(SourceError) as caught:
        read(file, runner=lambda job, seconds: change(in_this_process(job, seconds)))
    assert caught.value.source_code == "reader-crashed"


@pytest.mark.parametrize(
    "facts",
    [
        {"rows_in": 9},
        {"view": {"columns": {"ts": 1}, "format": "csv"}},
        {"view": {"columns": {}, "format": 1}},
        {"codes": {"invented": 0}},
        {"samples": [{}]},
        {"codes": 3},
    ],
)
def test_an_account_of_a_log_that_does_not_add_up_is_not_believed(tmp_path, facts):
    log = tmp_path / "log.csv"
    log.write_text(f"ts,member_id,title_id\n{SEEN},m,A\n")
    reader = FileReader(tmp_path, runner=lambda job, seconds: changed(in_this_process(job, seconds), **facts))

    with pytest.raises(SourceError) as caught:
        reader.check_log("impressions", log, SETTINGS.sources["impressions"], "hash", "batch")
    assert caught.value.source_code == "reader-crashed"


# --- messages ---


def test_a_message_is_read_as_it_was_written():
    stream = io.BytesIO()
    write_frame(stream, [b"one", b"", b"three"])
    stream.seek(0)

    assert read_frame(stream, 100) == [b"one", b"", b"three"]
    assert read_frame(stream, 100) == []


def test_a_message_that_claims_too_much_is_refused():
    head = b"".join(framed([b"12345", b"67890"])[:1])[1:]

    assert lengths(head, 10) == [5, 5]
    with pytest.raises(BadFrameError):
        lengths(head, 9)
    for n in (0, 9):
        with pytest.raises(BadFrameError):
            head_size(n)


# --- the process itself, run here ---


def served(monkeypatch, *jobs: dict, megabytes: int = 512) -> list[list[bytes]]:
    """Return what the process answers to jobs, without its limits of time."""
    monkeypatch.setattr(_child, "_limit_time", lambda seconds: None)
    asking, asked = os.pipe()
    with os.fdopen(asked, "wb") as stream:
        for job in jobs:
            write_frame(stream, [json.dumps(job | {"seconds": 5}).encode()])
    answers = io.BytesIO()
    with os.fdopen(asking, "rb", buffering=0) as requests:
        _child.serve(requests, answers, megabytes)
    answers.seek(0)
    found = []
    while parts := read_frame(answers, 1 << 20):
        found.append(parts)
    return found


def test_the_process_answers_until_nobody_asks(monkeypatch, tmp_path):
    monkeypatch.setattr(_child, "_data_bytes", lambda: 0)
    job = {"do": "table", "table": "titles", "file": str(tmp_path / "absent"), "kind": "csv", "source": {"path": "-"}}

    answers = served(monkeypatch, job, job | {"do": "nonsense"})

    assert [json.loads(parts[0]) for parts in answers] == [
        {"refused": "not-found", "message": answers and json.loads(answers[0][0])["message"]},
        {"failed": "error", "what": "KeyError"},
    ]


def test_the_process_leaves_when_it_holds_too_much(monkeypatch):
    monkeypatch.setattr(_child, "_data_bytes", lambda: 400 * 1024**2)

    (answer,) = served(monkeypatch, {"do": "nonsense"}, {"do": "nonsense"})

    assert answer[-1] == SPENT


def test_the_process_says_so_when_memory_ends(monkeypatch):
    def hungry(job):
        raise MemoryError

    monkeypatch.setattr(_child, "answer", hungry)
    monkeypatch.setattr(_child, "_data_bytes", lambda: 0)

    assert served(monkeypatch, {"do": "table"}) == [[NO_MEMORY]]


def test_the_process_leaves_when_idle(monkeypatch):
    monkeypatch.setattr(_child, "_IDLE_SECONDS", 0.01)
    asking, asked = os.pipe()

    with os.fdopen(asking, "rb") as requests, os.fdopen(asked, "wb"):
        _child.serve(requests, io.BytesIO(), 512)  # returns


def test_its_limits_are_set_and_no_library_writes_into_its_answers(monkeypatch):
    limits = {}
    monkeypatch.setattr(_child.resource, "setrlimit", lambda kind, most: limits.update({kind: most}))

    _child.limit(512, writes=False)
    assert limits[_child.resource.RLIMIT_DATA] == (448 * 1024**2,) * 2
    assert limits[_child.resource.RLIMIT_FSIZE] == (0, 0)
    limits.clear()
    _child.limit(512, writes=True)
    assert _child.resource.RLIMIT_FSIZE not in limits
    _child._limit_time(8)
    assert limits[_child.resource.RLIMIT_CPU][0] > 8
    assert _child._data_bytes() > 0 or sys.platform != "linux"
