"""Suite files: what may stand in them, and that all of what is wrong is told at once."""

import pytest

from recsysops.errors import SettingsError, SettingsNotFoundError
from recsysops.quality import bundled_suites, read_suites

GOOD = """
about = "Genres."
[[rule]]
name = "genre_is_known"
field = "genre"
expectation = "expect_column_values_to_be_in_set"
kwargs = { value_set = ["drama"] }
says = "must be a known genre"
"""


def _problems(folder):
    with pytest.raises(SettingsError) as raised:
        read_suites(folder)
    return raised.value.problems


def _rule(**entries):
    lines = {"name": '"a"', "says": '"must be right"'} | entries
    return "[[rule]]\n" + "\n".join(f"{name} = {value}" for name, value in lines.items() if value)


def test_every_file_of_the_folder_is_a_suite_named_like_it(tmp_path):
    (tmp_path / "genres.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a suite", encoding="utf-8")

    (suite,) = read_suites(tmp_path)

    assert suite.name == "genres"
    assert suite.rule[0].looks_at == ("genre",)
    assert suite.rule[0].severity == "warning"


def test_the_bundled_suites_can_be_written_out_and_read_back(tmp_path):
    for name, content in bundled_suites().items():
        (tmp_path / name).write_bytes(content)

    assert read_suites(tmp_path) == read_suites(None)
    assert {suite.name for suite in read_suites(None)} >= {
        "types",
        "vocabularies",
        "ranges",
        "dates",
        "identity",
        "feeds",
    }


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SettingsNotFoundError):
        read_suites(tmp_path / "gone")


def test_a_folder_without_a_suite_is_told(tmp_path):
    assert "no .toml file" in _problems(tmp_path)[0]


def test_all_problems_of_all_files_are_told_at_once(tmp_path):
    (tmp_path / "a.toml").write_text("rule = 3 3", encoding="utf-8")
    (tmp_path / "b.toml").write_text(_rule(colour='"red"', field='"x"', relation='"twin_id"'), encoding="utf-8")
    (tmp_path / "c.toml").write_text(_rule(name='"B B"'), encoding="utf-8")
    (tmp_path / "d.toml").write_bytes(b"\xff\xfe")

    problems = _problems(tmp_path)

    assert len(problems) == 4
    assert problems[0].startswith("a.toml: it is no valid TOML")
    assert problems[1] == "b.toml, rule 1.colour: is no known entry"
    assert "c.toml, rule 1.name" in problems[2]
    assert "found: 'B B'" in problems[2]
    assert problems[3].startswith("d.toml: it is no valid TOML")


def test_a_name_stands_for_one_rule_in_all_files(tmp_path):
    (tmp_path / "a.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.toml").write_text(GOOD, encoding="utf-8")

    assert _problems(tmp_path) == ('b.toml: a rule "genre_is_known" stands in a.toml already',)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"field": '"x"'}, "needs either expectation or relation"),
        ({"field": '"x"', "expectation": '"e"', "relation": '"includes"'}, "needs either expectation or relation"),
        ({"field": '"x"', "fields": '["y"]', "expectation": '"e"'}, "not both"),
        ({"expectation": '"e"'}, "needs a field"),
        ({"field": '"x"', "relation": '"includes"'}, "needs other"),
        ({"field": '"x"', "relation": '"in_set_when"', "other": '"y"'}, "needs allowed"),
        ({"relation": '"same_title"'}, "needs fields"),
        ({"field": '"x"', "expectation": '"e"', "finds": '"late"'}, "a rule on feeds"),
        ({"field": '"x"', "expectation": '"e"', "kwargs": '{ column = "y" }'}, "is the field already"),
        ({"field": '"x"', "expectation": '"e"', "says": ""}, "Field required"),
        ({"field": '"x"', "expectation": '"e"', "severity": '"fatal"'}, "critical"),
    ],
)
def test_a_rule_that_makes_no_sense_is_told(tmp_path, entries, said):
    (tmp_path / "a.toml").write_text(_rule(**entries), encoding="utf-8")

    (problem,) = _problems(tmp_path)

    assert said in problem
