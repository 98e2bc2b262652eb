import re
import tomllib

import pytest

from recsysops import columns as c
from recsysops.errors import SettingsError, SettingsNotFoundError
from recsysops.settings import read_settings
from recsysops.sources import read_requirements, starter_requirements, starter_settings


@pytest.mark.parametrize("name", ["Prime Stream", 'a "quoted" {name}', "Ünï\\code"])
def test_the_starter_settings_are_valid_and_carry_the_name(tmp_path, name):
    path = tmp_path / "recsysops.toml"
    path.write_text(starter_settings(name), encoding="utf-8")

    settings = read_settings(path, environment={})

    assert settings.service.name == name
    assert set(settings.sources) == {"titles", "launches", "impressions"}


def test_every_commented_example_is_valid_too(tmp_path):
    lines = []
    for line in starter_settings("x").splitlines():
        body = line.removeprefix("# ")
        is_entry = line.startswith("# ") and re.match(r"\[|[a-z_]+ = ", body)
        lines.append(body if is_entry else line)
    path = tmp_path / "recsysops.toml"
    path.write_text("\n".join(lines), encoding="utf-8")

    settings = read_settings(path, environment={})

    assert settings.sources["impressions"].day == r"(?P<day>\d{4}-\d{2}-\d{2})"
    assert settings.sources["titles"].lists == {"genres": "|", "cast": "|"}


def test_the_starter_requirements_are_read_back(tmp_path):
    path = tmp_path / "metadata.toml"
    path.write_text(starter_requirements(), encoding="utf-8")

    requirements = read_requirements(path)

    assert list(requirements.columns) == list(c.REQUIREMENT)
    assert len(requirements) == len(tomllib.loads(starter_requirements())["require"])
    assert requirements.iloc[0].tolist() == ["synopsis", "all", "all", 14.0, 5.0, "metadata desk", "critical"]


def test_without_a_file_nothing_is_required():
    requirements = read_requirements(None)

    assert list(requirements.columns) == list(c.REQUIREMENT)
    assert requirements.empty


def test_a_missing_requirements_file_is_named(tmp_path):
    with pytest.raises(SettingsNotFoundError, match=r"metadata\.toml"):
        read_requirements(tmp_path / "metadata.toml")


def test_all_problems_of_the_requirements_are_told_at_once(tmp_path):
    path = tmp_path / "metadata.toml"
    good = 'field = "a"\ndue_days = 1\ndays_to_fix = 1\n'
    path.write_text(
        f'[other]\n[[require]]\ndue_days = -1\ndays_to_fix = 1\nowenr = "x"\n[[require]]\n{good}max_severity = "bad"\n'
    )

    with pytest.raises(SettingsError) as caught:
        read_requirements(path)

    places = [problem.split(":")[0] for problem in caught.value.problems]
    assert places == [
        'unknown section "other" (known',
        "require 1.field",
        "require 1.due_days",
        "require 1.owenr",
        "require 2.max_severity",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[require]\n", "no valid TOML"),
        ("require = 3\n", "require: "),
        ('[[require]]\nfield = "a"\ndue_days = 1\ndays_to_fix = 1\n' * 2, "already by require 1"),
    ],
)
def test_requirements_that_cannot_be_used_are_refused(tmp_path, text, words):
    path = tmp_path / "metadata.toml"
    path.write_text(text)

    with pytest.raises(SettingsError, match=words):
        read_requirements(path)
