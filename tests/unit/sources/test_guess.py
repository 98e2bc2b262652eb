import gzip
import io
import json
import os

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsysops import columns as c
from recsysops.bootstrap import write_starter
from recsysops.errors import UsageError
from recsysops.settings import read_settings
from recsysops.sources import read_requirements
from recsysops.sources._guess_toml import note, text
from recsysops.sources._guess_words import name_score, outcome_reason, words_of
from recsysops.sources.guess import guess

TITLES = "title_id,name,synopsis,observed_at\n" + "".join(
    f"t{k},Name {k},A tale of number {k} and of what came after it all.,2026-01-01T00:00:00Z\n" for k in range(30)
)
LAUNCHES = "title_id,launch_at,observed_at\n" + "".join(
    f"t{k},2026-03-{k + 1:02d}T09:00:00Z,2026-01-01T00:00:00Z\n" for k in range(30)
)


def plays(n=120, ts="2026-03-05T10:00:{:02d}Z", **more):
    head = ",".join(("title_id", "member_id", "ts", *more))
    rows = (
        ",".join(
            (f"t{k % 30}", f"m{k % 40}", ts.format(k % 60), *(values[k % len(values)] for values in more.values()))
        )
        for k in range(n)
    )
    return "\n".join((head, *rows)) + "\n"


def packed(frame):
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink)
    return sink.getvalue()


def parquet_bomb():
    sink = io.BytesIO()
    pq.write_table(
        pa.table({"title_id": pa.DictionaryArray.from_arrays(pa.array([0] * 3000), pa.array(["x" * 2**20]))}),
        sink,
        compression="zstd",
    )
    return sink.getvalue()


BROKEN = {
    "empty.csv": b"",
    "header_only.csv": b"title_id,name\n",
    "utf16.csv": "title_id,name\na,b\n".encode("utf-16"),
    "latin1.csv": "title_id,name\na,J\u00fcrgen\n".encode("latin-1"),
    "unclosed.csv": b'title_id,name\na,"never closed\nb,c\n',
    "twice.csv": b"title_id,title_id\na,b\n",
    "wide.csv": (",".join(f"c{k}" for k in range(100_000)) + "\n1\n").encode(),
    "long_line.csv": b"title_id,name\na," + b"x" * (5 * 1024**2) + b"\n",
    "really_parquet.csv": packed(pd.DataFrame({"a": [1]})),
    "no_archive.csv.gz": b"title_id,name\na,b\n",
    "cut_archive.csv.gz": gzip.compress(TITLES.encode())[:-20],
    "cut.parquet": packed(pd.DataFrame({"a": range(100)}))[:-30],
    "noise.parquet": b"PAR1" + bytes(range(256)) * 10 + b"PAR1",
    "bomb.parquet": parquet_bomb(),
    "no_objects.jsonl": b"1\n[2]\nnull\n",
    "deep.jsonl": b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n",
}
ODD = {
    "bom.csv": b"\xef\xbb\xbf" + TITLES.encode(),
    "mixed_ends.csv": TITLES.replace("\n", "\r\n", 7).encode(),
    "nul.csv": TITLES.encode().replace(b"Name 3", b"Na\x00me 3"),
    "ragged.csv": TITLES.encode() + b"t31,too,many,cells,here\n",
    "formula.csv": TITLES.replace("Name 1", "=cmd()|' /C calc'!A0").encode(),
    "surrogate.jsonl": b'{"title_id": "a", "name": "\\ud800", "synopsis": "x"}\n'
    b'{"title_id": "b", "name": "B", "synopsis": "y"}\n',
    "bomb.csv.gz": gzip.compress(TITLES.encode() + b"t99,x,y,2026-01-01T00:00:00Z\n" * 2_000_000, 9),
    "numbers.csv": b"title_id,name,x\na,b,1e999\nc,d,NaN\ne,f," + b"9" * 400 + b"\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_and_stops_nothing(name, tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    (tmp_path / name).write_bytes(BROKEN[name])

    guesses = guess(tmp_path)

    assert guesses.table(c.TITLES).path == "titles.csv"
    assert [(left.path, left.is_broken) for left in guesses.left] == [(name, True)]
    assert guesses.left[0].reason[-1] == "."


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_looked_at_all_the_same(name, tmp_path):
    (tmp_path / name).write_bytes(ODD[name])

    write_starter(tmp_path, "odd", force=False)

    guesses = guess(tmp_path)
    assert guesses.table(c.TITLES).path == name
    assert c.TITLES in read_settings(tmp_path / "recsysops.toml", {}).sources


def test_pipes_and_links_that_go_nowhere_are_not_waited_for(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "nowhere.csv").symlink_to(tmp_path / "gone.csv")
    (tmp_path / "round").symlink_to(tmp_path)

    guesses = guess(tmp_path)

    assert guesses.table(c.TITLES) is not None
    assert {left.path: left.is_broken for left in guesses.left} == {"nowhere.csv": True, "pipe.csv": True}


def test_nothing_found_gives_the_commented_example(tmp_path):
    report = write_starter(tmp_path, "empty", force=False)

    assert report.guesses.tables == ()
    assert report.guesses.looked_in == (str(tmp_path),)
    assert "# columns = " in (tmp_path / "recsysops.toml").read_text()


def test_files_folders_and_patterns_can_be_named(tmp_path):
    data = tmp_path / "exports" / "deep"
    data.mkdir(parents=True)
    (data / "titles.csv").write_text(TITLES)
    (tmp_path / "exports" / "launches.csv").write_text(LAUNCHES)
    here = str(tmp_path)

    for named in (
        [f"{here}/exports"],
        [f"{here}/exports/deep/titles.csv", f"{here}/exports/l*.csv"],
        [f"{here}/**/*.csv"],
    ):
        guesses = guess(tmp_path / "settings", named)

        assert guesses.looked_in == tuple(named)
        assert guesses.table(c.TITLES).path == str(data / "titles.csv")
        assert guesses.table(c.LAUNCHES).path == str(tmp_path / "exports" / "launches.csv")


def test_a_name_that_names_nothing_is_wrong_use_and_nothing_is_written(tmp_path):
    with pytest.raises(UsageError, match="names nothing"):
        write_starter(tmp_path / "new", "x", [str(tmp_path / "none*.csv")], force=False)

    assert not (tmp_path / "new").exists()


def test_kinds_of_files_that_are_not_read_are_told(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    for name in ("plan.xlsx", "plan2.xlsx", "config.json", ".hidden.csv", "_temporary.csv"):
        (tmp_path / name).write_text("x")

    left = guess(tmp_path).left

    assert [(each.path, each.n_files) for each in left] == [("config.json", 1), ("plan.xlsx", 2)]


def test_cells_separated_otherwise_are_told(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES.replace(",", ";"))

    (left,) = guess(tmp_path).left

    assert left.reason == 'its cells seem to be separated by ";": write it with commas'


def test_files_of_one_folder_with_the_same_columns_are_one_feed(tmp_path):
    (tmp_path / "plays").mkdir()
    for place in ("berlin", "paris", "rome"):
        (tmp_path / "plays" / f"{place}.csv").write_text(plays())
    (tmp_path / "titles.csv").write_text(TITLES)

    guesses = guess(tmp_path)

    assert (guesses.table(c.INTERACTIONS).path, guesses.table(c.INTERACTIONS).n_files) == ("plays/*.csv", 3)


def test_a_second_feed_of_the_same_kind_is_left_and_told(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    (tmp_path / "titles_of_the_archive.csv").write_text(TITLES.replace("synopsis", "abstract"))

    guesses = guess(tmp_path)

    (left,) = guesses.left
    assert left.reason.startswith("looks like titles too, but")


def test_a_delta_table_is_named_as_a_folder(tmp_path):
    frame = pd.read_csv(io.StringIO(TITLES))
    table = tmp_path / "lake" / "titles"
    (table / "_delta_log").mkdir(parents=True)
    (table / "_delta_log" / "00000000000000000000.json").write_text("{}")
    (table / "part-0.parquet").write_bytes(packed(frame))

    write_starter(tmp_path, "lake", force=False)

    titles = read_settings(tmp_path / "recsysops.toml", {}).sources[c.TITLES]
    assert (titles.path, titles.format) == ("lake/titles", "delta")


def test_a_catalogue_and_a_plan_without_logs_stay_what_they_are(tmp_path):
    versions = "".join(
        f"t{k},Name {k},s{k % 7},A tale.,2026-0{v}-01T00:00:00Z,2026-03-01\n" for k in range(30) for v in (1, 2, 3)
    )
    (tmp_path / "catalogue.csv").write_text(
        "item_id,name,franchise_ref,synopsis,observed_at,available_from\n" + versions
    )

    guesses = guess(tmp_path)

    assert {each.table for each in guesses.tables} == {c.TITLES, c.LAUNCHES}


def test_times_of_a_log_without_offset_leave_its_section_a_comment(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    (tmp_path / "plays.csv").write_text(plays(ts="2026-03-05 10:00:{:02d}"))

    report = write_starter(tmp_path, "naive", force=False)

    assert "have no offset" in report.guesses.table(c.INTERACTIONS).missing[0]
    assert "\n# [sources.interactions]\n" in (tmp_path / "recsysops.toml").read_text()
    assert set(read_settings(tmp_path / "recsysops.toml", {}).sources) == {c.TITLES}


def test_dates_nobody_can_read_are_named_with_an_example(tmp_path):
    (tmp_path / "launches.csv").write_text(
        "title_id,launch_date\n" + "".join(f"t{k},{k + 1:02d}.03.2026\n" for k in range(30))
    )
    (tmp_path / "titles.csv").write_text(TITLES)

    report = write_starter(tmp_path, "dates", force=False)

    launches = report.guesses.table(c.LAUNCHES)
    assert launches.missing == ('launch_at: "launch_date" holds no times (such as "01.03.2026")',)
    assert '# launch_at = "launch_date"' in (tmp_path / "recsysops.toml").read_text()
    assert set(read_settings(tmp_path / "recsysops.toml", {}).sources) == {c.TITLES}


def test_rows_of_several_kinds_in_one_log_are_doubted(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    (tmp_path / "events.csv").write_text(plays(event_type=("impression", "play")))

    doubts = guess(tmp_path).to_check

    assert any("holds several kinds (impression, play)" in doubt or "(play, impression)" in doubt for doubt in doubts)


def test_markets_the_log_does_not_know_are_doubted(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    rows = "".join(f"t{k},{place},2026-03-05\n" for k in range(30) for place in ("USA", "GER"))
    (tmp_path / "launches.csv").write_text("title_id,market,launch_date\n" + rows)
    (tmp_path / "plays.csv").write_text(plays(market=("US", "DE")))

    guesses = guess(tmp_path)

    assert guesses.markets == ("GER", "USA")
    assert any('"GER", "USA"' in doubt and "written alike" in doubt for doubt in guesses.to_check)
    (tmp_path / "plays.csv").write_text(plays())
    assert any("nothing would be counted" in doubt for doubt in guess(tmp_path).to_check)


def test_positions_from_zero_are_left_out_with_the_reason(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    (tmp_path / "impressions.csv").write_text(plays(position=("0", "1", "2")))

    ignored = guess(tmp_path).table(c.IMPRESSIONS).ignore

    assert [each.theirs for each in ignored] == ["position"]
    assert "whole numbers from 1" in ignored[0].reason


def test_a_field_filled_just_where_members_acted_gives_the_outcome_away(tmp_path):
    rows = "".join(
        f"t{k},Name {k},2026-03-05,{'Drama' if k < 60 else ''},{'x' if k % 2 else ''},2026-01-01T00:00:00Z\n"
        for k in range(120)
    )
    (tmp_path / "titles.csv").write_text("title_id,name,release_date,genre,note,observed_at\n" + rows)
    log = "title_id,member_id,ts\n" + "".join(
        f"t{k % 60},m{k % 50},2026-03-{k % 9 + 1:02d}T10:00:00Z\n" for k in range(900)
    )
    (tmp_path / "plays.csv").write_text(log)

    write_starter(tmp_path, "leaks", force=False)

    titles = read_settings(tmp_path / "recsysops.toml", {}).sources[c.TITLES]
    assert titles.ignore == ("genre",)
    assert "gives the outcome away" in (tmp_path / "recsysops.toml").read_text()


def csv(head, rows):
    return head + "\n" + "".join(f"{row}\n" for row in rows)


def test_a_time_that_is_the_same_in_every_row_is_an_export_and_not_when_a_title_was_known(tmp_path):
    rows = (f"t{k},Name {k},2026-03-01T00:00:00Z" for k in range(30))
    (tmp_path / "titles.csv").write_text(csv("title_id,name,exported_at", rows))

    write_starter(tmp_path, "export", force=False)

    assert read_settings(tmp_path / "recsysops.toml", {}).sources[c.TITLES].observed_at == "assume:launch-60d"
    assert '# observed_at = "exported_at"  # 40%: every row has the same' in (tmp_path / "recsysops.toml").read_text()


@pytest.mark.parametrize(("places", "is_market"), [(("DE",), False), (("DE", "US"), True)])
def test_a_country_of_a_title_is_a_market_only_where_it_has_several(places, is_market, tmp_path):
    rows = (f"t{k},Name {k},A tale.,{place}" for k in range(30) for place in places)
    (tmp_path / "titles.csv").write_text(csv("title_id,name,plot,country", rows))

    columns = {each.ours for each in guess(tmp_path).table(c.TITLES).columns}

    assert (c.MARKET in columns) is is_market


def test_structures_in_cells_are_not_read(tmp_path):
    rows = (
        json.dumps({"title_id": f"t{k}", "name": f"N {k}", "cast": [{"name": "x"}], "plot": "A tale."})
        for k in range(9)
    )
    (tmp_path / "titles.jsonl").write_text("\n".join(rows))

    assert [each.theirs for each in guess(tmp_path).table(c.TITLES).ignore] == ["cast"]


@pytest.mark.parametrize(("log", "measure"), [("impressions", "reach"), ("plays", "uptake")])
def test_plans_that_name_no_measure_take_the_one_the_logs_allow(log, measure, tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    (tmp_path / f"{log}.csv").write_text(plays())
    rows = (f"t{k},100,200,300" for k in range(30))
    (tmp_path / "plans_28d.csv").write_text(csv("title_id,low,best,high", rows))

    guesses = guess(tmp_path)

    assert guesses.table(c.EXPECTATIONS).defaults == {c.MEASURE: measure, c.HORIZON: 28, c.UNIT: "members"}
    assert any("is assumed for every row" in doubt for doubt in guesses.to_check)


def test_plans_in_words_of_their_own_are_named_and_not_read(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    rows = (f"t{k},7 days,percent,1,2,3" for k in range(30))
    (tmp_path / "plans.csv").write_text(csv("title_id,horizon,unit,low,best,high", rows))

    plans = guess(tmp_path).table(c.EXPECTATIONS)

    assert not plans.is_live
    assert 'horizon: "horizon" holds no 1, 7 or 28 (days) (such as "7 days")' in plans.missing
    assert {each.theirs for each in plans.ignore} == {"horizon", "unit"}


def test_a_plan_that_lacks_a_bound_proposes_what_it_could_be(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    rows = (f"t{k},0.1,0.2,0.9" for k in range(30))
    (tmp_path / "plans.csv").write_text(csv("title_id,low,best,qq", rows))

    plans = guess(tmp_path).table(c.EXPECTATIONS)

    assert plans.candidates[c.HIGH] == ("qq",)
    assert "high: no column of numbers of at least 0 is called like it" in plans.missing


def test_files_that_are_hardly_joined_are_doubted(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    (tmp_path / "plays.csv").write_text(plays().replace("\nt", "\nx"))

    assert any("Only 0% of interactions.title_id are titles" in doubt for doubt in guess(tmp_path).to_check)


def test_fields_nearly_every_title_has_are_required_and_others_proposed(tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES.replace("Name 7", "").replace("name,synopsis", "abstract,synopsis"))

    write_starter(tmp_path, "fields", force=False)

    requirements = read_requirements(tmp_path / "metadata.toml")
    written = (tmp_path / "metadata.toml").read_text()
    assert dict(zip(requirements[c.FIELD], requirements[c.MAX_SEVERITY], strict=True)) == {
        "abstract": "warning", "synopsis": "critical",
    }  # fmt: skip
    assert "# 96.7% of the titles have it." in written


HOSTILE = 'a"b\\c\n[x]\n\x1b\x7f\u2028#'


def test_hostile_names_stay_names(tmp_path):
    row = json.dumps({"title_id": "a", HOSTILE: "1", f"{HOSTILE} views": "1", "name": "x", "tags": "p|q"})
    (tmp_path / "titles.jsonl").write_text("\n".join(row.replace('"a"', f'"t{k}"') for k in range(30)))

    report = write_starter(tmp_path, HOSTILE, force=False)

    written = (tmp_path / "recsysops.toml").read_text()
    settings_ = read_settings(tmp_path / "recsysops.toml", {})
    assert settings_.service.name == HOSTILE
    assert settings_.sources[c.TITLES].ignore == tuple(each.theirs for each in report.guesses.table(c.TITLES).ignore)
    assert all(char.isprintable() or char == "\n" for char in written)
    assert len(read_requirements(tmp_path / "metadata.toml")) == len(report.guesses.fields)


@given(st.text(max_size=60))
@settings(max_examples=100)
def test_any_text_is_toml_and_any_comment_is_one_line(value):
    import tomllib

    said = tomllib.loads(f"x = {text(value)}  # {note(value)}")["x"]

    assert said == value.encode("utf-8", "replace").decode()


@given(st.text(max_size=30))
def test_any_name_has_words_and_scores(name):
    assert all(word == word.lower() for word in words_of(name))
    assert all(0 <= name_score(ours, name) <= 1 for ours in (c.TITLE_ID, c.TS, c.LAUNCH_AT, c.NAME))
    assert isinstance(outcome_reason(name), str)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("itemId", ("item", "id")), ("ITEM_ID", ("item", "id")), ("Titelnummer", ("titel", "nummer")),
        ("Erscheinungsdatum", ("erscheinung", "datum")), ("userid", ("user", "id")),
        ("Veröffentlicht am", ("veroeffentlicht", "am")),
        ("release-date", ("release", "date")), ("p10", ("p10",)),
    ],
)  # fmt: skip
def test_names_are_taken_apart(name, words):
    assert words_of(name) == words


@pytest.mark.parametrize(
    "name", ["rating_count", "numVotes", "avg_rating", "box_office_gross", "popularity", "watch_minutes"]
)
def test_outcomes_are_known_by_their_names(name):
    assert outcome_reason(name)


@pytest.mark.parametrize(
    "name", ["maturity_rating", "content_rating", "runtime_minutes", "genres", "cast", "artwork_width"]
)
def test_what_is_no_outcome_is_not_taken_for_one(name):
    assert outcome_reason(name) == ""
