"""The verbs `learn` and `scoreboard`, from the command line."""

import json
from contextlib import closing

import pytest

from recsysops.settings import read_settings
from recsysops.store import open_store
from recsysops.testing.sample_scores import SampleScores, fill_scores


@pytest.fixture
def ask(ask, tmp_path):
    settings = tmp_path / "recsysops.toml"
    settings.write_text('[service]\nname = "t"\n')
    return lambda *words: ask("--settings", str(settings), *words)


def test_before_the_first_prediction_learn_and_scoreboard_say_so(ask):
    learned = ask("learn", "-q")
    shown = ask("scoreboard")

    assert (learned[0], shown[0]) == (0, 0)
    assert "No outcome is new." in learned[1]
    assert "Nothing was scored yet" in shown[1]


def test_the_scoreboard_is_printed_as_a_table_and_as_json(ask, tmp_path):
    ask("learn", "-q")
    with closing(open_store(read_settings(tmp_path / "recsysops.toml").store_url)) as store:
        fill_scores(store, SampleScores(n_titles=6))

    table = ask("scoreboard", "--measure", "reach", "--horizon", "7", "--lead", "3", "--predictor", "model")
    board, titles = json.loads(ask("scoreboard", "--horizon", "7", "--since", "2026-01-01T00:00:00Z", "--json")[1])

    assert "reach, 7 d: 24 launches" in table[1]
    assert "model 3 d before launch" in table[1]
    assert (board["measure"], board["horizon"], board["n_launches"]) == ("reach", 7, 24)
    assert len(titles["rows"]) == 6


def test_what_was_never_scored_is_wrong_use(ask, tmp_path):
    ask("learn", "-q")
    with closing(open_store(read_settings(tmp_path / "recsysops.toml").store_url)) as store:
        fill_scores(store, SampleScores(n_titles=2))

    code, _, said = ask("scoreboard", "--predictor", "oracle")

    assert code == 2
    assert 'There is no score of "oracle"' in said
