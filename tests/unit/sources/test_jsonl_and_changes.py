import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.domain.reading import ReadTable
from recsysops.errors import SourceError
from recsysops.settings import Settings
from recsysops.sources import FileReader
from recsysops.sources._asking import in_this_process

SEEN = "2026-01-01T00:00:00Z"


def read(folder: Path, table: str, *rows: object, name: str = "rows.jsonl", **source) -> ReadTable:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / name).write_text("\n".join(lines))
    whole = Settings.model_validate(
        {"sources": {table: {"path": name, **source}}, "treatment": {"measures": ()}, "markets": {}}
    )
    return FileReader(folder, runner=in_this_process).read_table(table, folder / name, whole.sources[table], whole)


def title(title_id: str, **more: object) -> dict[str, object]:
    return {"title_id": title_id, "observed_at": SEEN} | more


def test_json_values_become_metadata(tmp_path):
    rows = (
        title("007", runtime=104, genres=["a", 1, True, None], kids=False, more={"de": {"name": "x"}, "n": None}),
        title("8", runtime=90.5, genres="one", late="only here"),
    )

    result = read(tmp_path, "titles", *rows)

    assert list(result.rows[c.TITLE_ID]) == ["007", "8"]
    assert list(result.rows[c.FIELDS]) == [
        {"runtime": 104.0, "genres": ["a", "1", "true"], "kids": "false", "more.de.name": "x"},
        {"runtime": 90.5, "genres": ["one"], "late": "only here"},
    ]


def test_a_line_that_is_no_object_is_kept_out_alone(tmp_path):
    result = read(tmp_path, "titles", title("A"), "", "[1]", "no", '{"a": 1, "a": 2}', title("B", x=[[1]]), title("C"))

    assert list(result.rows[c.TITLE_ID]) == ["A", "C"]
    assert [(row.row, row.code, row.column) for row in result.quarantined] == [
        (2, "bad-json", ""),
        (3, "bad-json", ""),
        (4, "bad-json", ""),
        (5, "nested-value", "x"),
    ]


def test_a_column_to_ignore_may_hold_anything(tmp_path):
    result = read(tmp_path, "titles", title("A", people=[{"a": 1}], deep={"er": [[]]}), ignore=["people", "deep"])

    assert list(result.rows[c.FIELDS]) == [{}]


def test_numbers_that_are_none_meet_the_rules_of_text(tmp_path):
    infinite = json.dumps(title("B")).replace("}", ', "score": Infinity}')
    missing = json.dumps(title("C")).replace("}", ', "score": NaN}')

    result = read(tmp_path, "titles", title("A", score=1), infinite, missing)

    assert [row.code for row in result.quarantined] == ["not-a-number"]
    assert list(result.rows[c.FIELDS]) == [{"score": 1}, {}]


@pytest.mark.parametrize("lines", [("",), ("", " ")])
def test_a_file_of_blank_lines_has_no_rows(tmp_path, lines):
    with pytest.raises(SourceError) as caught:
        read(tmp_path, "titles", *lines, "\n")
    assert caught.value.source_code == "no-rows"


def test_many_rows_keep_their_places_when_columns_come_late(tmp_path):
    rows = [title(str(i)) if i < 9000 else title(str(i), late=i) for i in range(9100)]

    result = read(tmp_path, "titles", *rows)

    assert result.rows_in == len(result.rows) == 9100
    assert result.rows[c.FIELDS][8999] == {}
    assert result.rows[c.FIELDS][9099] == {"late": 9099}


def test_plans_are_read_from_json(tmp_path):
    plan = {"measure": "reach", "horizon": 7, "low": 0.1, "best": 0.2, "high": 0.3, "unit": "share"}

    result = read(tmp_path, "expectations", title("A") | plan)

    assert result.rows[[c.HORIZON, c.LOW, c.BEST, c.HIGH]].to_numpy().tolist() == [[7, 0.1, 0.2, 0.3]]


# --- changes ---


def change(**more: object) -> dict[str, object]:
    return {"ts": "2026-01-05T10:00:00Z", "kind": "deploy", "what": "ranker 7"} | more


def test_changes_concern_a_title_a_market_or_all(tmp_path):
    result = read(tmp_path, "changes", change(), change(title_id=" A ", market="DE"), observed_at="assume:launch-1d")

    assert list(result.rows.columns) == list(c.CHANGE)
    assert result.rows[c.TS].tolist() == [pd.Timestamp("2026-01-05T10:00Z")] * 2
    assert result.rows[c.TITLE_ID].isna().tolist() == [True, False]
    assert result.rows[c.TITLE_ID][1] == "A"
    assert result.rows[c.MARKET].isna().tolist() == [True, False]
    assert result.label == ""
    assert result.profile is not None
    assert result.profile.last_at == datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"ts": ""}, "missing-key"),
        ({"ts": "2026-01-05"}, "naive-time"),
        ({"kind": " "}, "missing-value"),
        ({"what": None}, "missing-value"),
        ({"title_id": "x" * 257}, "too-long"),
        ({"what": "a\x00b"}, "control-character"),
    ],
)
def test_a_change_that_says_too_little_is_kept_out(tmp_path, fault, code):
    result = read(tmp_path, "changes", change(), change(**fault))

    assert [row.code for row in result.quarantined] == [code]
    assert len(result.rows) == 1


def test_a_change_told_twice_is_one(tmp_path):
    result = read(tmp_path, "changes", change(), change(), change(what="ranker 8"))

    assert (len(result.rows), result.duplicate, result.quarantined) == (2, 1, ())


# --- what a table looked like ---


def test_a_table_is_profiled_by_the_columns_of_the_file(tmp_path):
    rows = [title(f"t{i}", score=10 * (i + 1), mood="x" * 60, tags=["a"], empty="") for i in range(4)]

    profile = read(tmp_path, "titles", *rows, title("t9", secret="s"), "no", ignore=["secret"]).profile

    assert profile is not None
    assert (profile.rows, profile.quarantined) == (6, 1)
    assert (profile.first_at, profile.last_at) == (datetime(2026, 1, 1, tzinfo=UTC),) * 2
    found = {name: (each.kind, each.empty_ratio) for name, each in profile.columns.items()}
    assert found == {
        "title_id": ("text", 0.0),
        "observed_at": ("time", 0.0),
        "score": ("number", 0.2),
        "mood": ("text", 0.2),
        "tags": ("list", 0.2),
        "empty": ("empty", 1.0),
    }
    assert profile.columns["score"].typical == 25.0
    assert profile.columns["mood"].values == ("x" * 40,)  # noqa: PD011 - no frame


def test_assumed_times_are_no_times_of_a_profile(tmp_path):
    rows = read(tmp_path, "launches", {"title_id": "A", "launch_at": SEEN}, observed_at="assume:launch-9d")

    assert rows.profile is not None
    assert rows.profile.last_at is None


def test_more_bad_rows_than_anybody_reads_refuse_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("recsysops.sources._refusal.MAX_BAD_ROWS", 3)

    for bad in ("no json", title(""), title("A", observed_at="never")):
        with pytest.raises(SourceError) as caught:
            read(tmp_path, "titles", *[bad] * 4)
        assert caught.value.source_code == "too-many-bad-rows"


def test_a_table_far_larger_than_its_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("recsysops.sources._jobs.HARMLESS_BYTES", 10)
    monkeypatch.setattr("recsysops.sources._jobs.MAX_GROWTH", 1)

    with pytest.raises(SourceError) as caught:
        read(tmp_path, "titles", title("A"))
    assert caught.value.source_code == "too-large"
