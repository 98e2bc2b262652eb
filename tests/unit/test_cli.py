import json
from pathlib import Path

import pytest


def test_no_settings_is_wrong_use_with_the_way_out(ask, tmp_path):
    code, out, err = ask("--settings", str(tmp_path / "none.toml"), "run")

    assert (code, out) == (2, "")
    assert err == (
        f'No settings file: "{tmp_path}/none.toml" does not exist. '
        "Run `recsysops init` to write one, or name another with --settings.\n"
    )


def test_all_wrong_settings_are_told_at_once_and_nothing_is_made(ask, tmp_path):
    settings = tmp_path / "recsysops.toml"
    settings.write_text('[service]\nnmae = "x"\n[model]\nn_comparables = 0\n')

    code, _, err = ask("--settings", str(settings), "ingest")

    assert code == 2
    assert "service.nmae" in err
    assert "model.n_comparables" in err
    assert list(tmp_path.iterdir()) == [settings]


def test_init_writes_settings_that_can_be_used(ask, tmp_path):
    code, _, _ = ask("init", str(tmp_path), "--name", "Mine")

    assert code == 0
    assert (tmp_path / "metadata.toml").exists()
    assert 'name = "Mine"' in (tmp_path / "recsysops.toml").read_text()
    assert ask("--settings", str(tmp_path / "recsysops.toml"), "plugins")[0] == 0


def test_init_overwrites_only_when_told(ask, tmp_path):
    ask("init", str(tmp_path))
    mine = (tmp_path / "recsysops.toml").read_text() + "# mine\n"
    (tmp_path / "recsysops.toml").write_text(mine)

    code, _, err = ask("init", str(tmp_path))

    assert code == 2
    assert "Nothing was written; pass --force" in err
    assert (tmp_path / "recsysops.toml").read_text() == mine
    assert ask("init", str(tmp_path), "--force")[0] == 0
    assert (tmp_path / "recsysops.toml").read_text() != mine


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "--launching-within", "7x"), "is no span"),
        (("check", "--launching-within", "d"), "is no span"),
        (("check", "--as-of", "yesterday"), "is no time"),
        (("check", "--as-of", "2026-03-02"), "has no offset"),
        (("check", "--fail-on", "fatal"), "fatal"),
        (("no-such-verb",), "no-such-verb"),
    ],
)
def test_wrong_words_are_wrong_use(ask, settings_with_store, words, said):
    code, _, err = ask("--settings", str(settings_with_store), *words)

    assert code == 2
    assert said in err


@pytest.fixture
def settings_with_store(ask, tmp_path) -> Path:
    settings = tmp_path / "recsysops.toml"
    settings.write_text('[service]\nname = "t"\n')
    assert ask("--settings", str(settings), "detect", "-q")[0] == 0
    return settings


def test_an_empty_service_is_never_called_fine(ask, settings_with_store):
    code, out, _ = ask("--settings", str(settings_with_store), "check")

    assert code == 1
    assert "nothing was checked" in out


def test_a_reading_verb_without_a_store_says_what_to_run(ask, tmp_path):
    settings = tmp_path / "recsysops.toml"
    settings.write_text('[service]\nname = "t"\n')

    code, _, err = ask("--settings", str(settings), "issues")

    assert code == 3
    assert "recsysops" in err
    assert "Traceback" not in err


def test_a_truncated_file_fails_the_ingest_and_loses_nothing_else(ask, tmp_path):
    settings = tmp_path / "recsysops.toml"
    settings.write_text(
        '[service]\nname = "t"\n[sources.titles]\npath = "titles.csv"\n[sources.launches]\npath = "launches.parquet"\n'
    )
    (tmp_path / "titles.csv").write_text("title_id,name,observed_at,genres\na,A,2026-01-01T00:00:00Z,Drama\n")
    (tmp_path / "launches.parquet").write_bytes(b"PAR1 and then nothing")

    code, out, _ = ask("--settings", str(settings), "ingest", "--json")

    report = json.loads(out)
    assert code == 3
    assert [receipt["accepted"] for receipt in report["receipts"]] == [1]
    assert len(report["errors"]) == 1


def test_plugins_work_without_settings(ask, tmp_path):
    code, out, _ = ask("--settings", str(tmp_path / "none.toml"), "plugins", "--json")

    names = [entry["detector"]["name"] for entry in json.loads(out)["detectors"]]
    assert code == 0
    assert {"expectation_gap", "missing_metadata"} <= set(names)


def test_something_unforeseen_is_one_sentence(ask, monkeypatch, tmp_path):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("recsysops.bootstrap.known_plugins", broken)

    code, _, err = ask("--settings", str(tmp_path / "none.toml"), "plugins")

    assert code == 3
    assert err.startswith("Something unforeseen: ZeroDivisionError: by zero.")


def test_the_demo_leaves_other_peoples_files_alone(ask, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")

    code, _, err = ask("demo", "--oneshot", "--small", "--folder", str(tmp_path))

    assert code == 2
    assert "holds files that no simulation made" in err
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
