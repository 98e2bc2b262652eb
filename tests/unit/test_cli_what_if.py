"""`recsysops whatif`: what is wrong with what was asked is one sentence and exit code 2."""

import pytest

from recsysops.cli import main
from recsysops.settings import read_settings
from recsysops.store import open_store


@pytest.fixture
def ask(capsys, tmp_path):
    (tmp_path / "recsysops.toml").write_text('[service]\nname = "s"\n[sources.titles]\npath = "t.csv"\n')

    open_store(read_settings(tmp_path / "recsysops.toml").store_url).close()

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(["--settings", str(tmp_path / "recsysops.toml"), "whatif", *words])
        return int(ended.value.code or 0), capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("t1", "--set", "genres"), "each change is FIELD=VALUE"),
        (("t1", "--launch", "2026-99-01"), "there is no such day or time"),
        (("t1", "--set", "genres=x"), 'Title "t1" is not known'),
    ],
)
def test_what_makes_no_sense_is_one_sentence(ask, words, said):
    code, err = ask(*words)

    assert code == 2
    assert said in err
