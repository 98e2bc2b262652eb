"""What is looked at of a file, read in this process: the limited one that does it otherwise counts for no coverage."""

import gzip

import pandas as pd
import pytest

from recsysops.errors import SourceError
from recsysops.settings import ReadingSettings
from recsysops.sources import _guess_rows as rows
from recsysops.sources._asking import Asking, in_this_process
from recsysops.sources._guess_sample import join_samples, problem_of, sampled, take_sample

HERE = Asking(ReadingSettings(), in_this_process)


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "it is empty"),
        ("a.csv", b"\n\n", "it has no line"),
        ("a.csv", b"a,b\n", "no row"),
        ("a.csv", "a,b\nJ\u00fcrgen,x\n".encode("latin-1"), "no UTF-8"),
        ("a.csv", b'a,b\n"x,y\nz\n', "at line"),
        ("a.csv", b"a,a\n1,2\n", "more than once"),
        ("a.csv", b"a,b\nx," + b"y" * (5 * 1024**2) + b"\n", "more than 4 MiB"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 100)[:-10], "damaged"),
        ("a.jsonl", b"1\n[]\n", "no row"),
        ("a.parquet", b"PAR1" + b"x" * 100 + b"PAR1", "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path, name, content, words):
    with pytest.raises(SourceError) as caught:
        sampled(written(tmp_path, name, content))

    assert words in problem_of(caught.value)
    assert str(tmp_path) not in problem_of(caught.value)


def test_only_the_first_rows_are_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MAX_ROWS", 5)
    lines = "".join(f"{k},x\n" for k in range(20))

    text = sampled(written(tmp_path, "a.csv", "a,b\n" + lines))
    whole = sampled(written(tmp_path, "b.csv", "a,b\n" + lines[:8]))

    assert (len(text.frame), text.is_whole) == (4, False)
    assert (len(whole.frame), whole.is_whole) == (2, True)


def test_only_the_first_bytes_are_taken_even_inside_a_quoted_cell(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MAX_BYTES", 40)

    sample = sampled(written(tmp_path, "a.csv", 'a,b\n1,2\n3,4\n5,"a long\ntext that goes on and on\nand on"\n'))

    assert sample.frame["a"].tolist() == ["1", "3"]
    assert not sample.is_whole


def test_rows_that_are_none_are_counted(tmp_path):
    text = sampled(written(tmp_path, "a.csv", "a,b\n1,2\n1\n1,2,3\n"))
    lines = sampled(written(tmp_path, "a.jsonl", '\n{"a": 1}\nno\n'))

    assert (text.n_bad, lines.n_bad) == (2, 1)


def test_json_is_flat_text_and_lists_are_known(tmp_path):
    lists = '"tags": ["p", null, 3], "odd": [{"q": 1}]'
    line = '{"id": "a", "n": 1.50, "ok": true, "none": null, "of": {"x": "y"}, ' + lists + "}\n"

    sample = sampled(written(tmp_path, "a.jsonl.gz", gzip.compress(line.encode())))

    assert sample.frame.drop(columns=["tags", "odd"]).iloc[0].to_dict() == {
        "id": "a", "n": "1.50", "ok": "true", "none": "", "of.x": "y",
    }  # fmt: skip
    assert sample.frame["tags"][0] == "p\x1f\x1f3"
    assert (sample.lists, sample.nested) == (frozenset({"tags"}), frozenset({"odd"}))


def test_what_lies_too_deep_is_left_aside(tmp_path):
    deep = '{"a": 1, "b": ' + '{"c": ' * 30 + "1" + "}" * 30 + "}\n"

    assert list(sampled(written(tmp_path, "a.jsonl", deep)).frame.columns) == ["a"]


def test_parquet_is_text_with_lists_structures_and_times_without_zone(tmp_path):
    at = pd.Timestamp("2026-03-01T10:00:00")
    frame = pd.DataFrame(
        {"id": [1, 2], "tags": [["x", "y"], None], "deep": [{"q": 1}, None], "at": at, "on": at.tz_localize("UTC")}
    )
    frame.to_parquet(tmp_path / "a.parquet", index=False)

    sample = sampled(tmp_path / "a.parquet")

    assert sample.frame["id"].tolist() == ["1", "2"]
    assert sample.frame["tags"].tolist() == ["x\x1fy", ""]
    assert sample.frame["on"][0].startswith("2026-03-01 10:00:00")
    assert (sample.lists, sample.nested, sample.naive) == ({"tags"}, {"deep"}, {"at"})
    assert sample.is_whole


def test_large_parquet_is_cut(tmp_path, monkeypatch):
    from recsysops.sources import _guess_sample

    monkeypatch.setattr(_guess_sample, "MAX_ROWS", 2000)
    pd.DataFrame({"id": range(5000)}).to_parquet(tmp_path / "a.parquet", index=False)

    sample = sampled(tmp_path / "a.parquet")

    assert (len(sample.frame), sample.is_whole) == (2000, False)


def test_a_sample_arrives_as_it_was_taken(tmp_path):
    path = written(tmp_path, "a.jsonl", '{"id": " a ", "tags": ["x"]}\n{"id": "b"}\n')

    sent, here = take_sample(path, HERE), sampled(path)

    assert sent.frame.equals(here.frame)
    assert (sent.kind, sent.lists, sent.is_whole, sent.n_bad) == ("jsonl", {"tags"}, True, 0)
    assert sent.frame["id"].tolist() == ["a", "b"]


@pytest.mark.parametrize("answer", [[b"{}"], [b"{}", b"x"], [b'{"kind": "csv"}', b""]])
def test_an_answer_that_makes_no_sense_is_a_refusal(tmp_path, answer):
    path = written(tmp_path, "a.csv", "a\n1\n")

    with pytest.raises(SourceError):
        take_sample(path, Asking(ReadingSettings(), lambda job, seconds: answer))


def test_samples_of_one_feed_are_joined_and_a_lacking_column_is_empty(tmp_path):
    first = sampled(written(tmp_path, "a.csv", "a,b\n1,2\n"))
    second = sampled(written(tmp_path, "b.csv", "a,c\n3,4\n"))

    joined = join_samples([first, second])

    assert joined.frame.to_dict("list") == {"a": ["1", "3"], "b": ["2", ""], "c": ["", "4"]}
    assert joined.is_whole
