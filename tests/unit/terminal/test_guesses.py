import json

import pytest

from recsysops.cli import main

TITLES = "id,title,plot,views\n" + "".join(f"t{k},Name {k},A tale of {k}.,{k}\n" for k in range(30))


@pytest.fixture
def ask(capsys):
    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_every_guess_is_shown_with_its_reason_and_what_to_check(ask, tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)
    (tmp_path / "plan.xlsx").write_text("x")
    (tmp_path / "broken.csv").write_text("")

    code, out, _ = ask("init", str(tmp_path))

    assert code == 0
    assert f"Looked in {tmp_path}." in out
    assert "titles <- titles.csv (1 file, 30 rows)" in out
    assert "it counts what members did" in out
    assert "observed_at = assume:launch-60d" in out
    assert ".xlsx is not read" in out
    assert "broken.csv: it is empty" in out
    assert "No launches can be read yet" in out
    assert f"Wrote {tmp_path}/metadata.toml" in out


def test_what_is_missing_is_said_and_that_the_section_is_a_comment(ask, tmp_path):
    rows = "".join(f"t{k},m{k % 9},2026-03-01 10:00:00\n" for k in range(40))
    (tmp_path / "plays.csv").write_text("title_id,user_id,played_at\n" + rows)

    _, out, _ = ask("init", str(tmp_path))

    assert "missing ts:" in out
    assert "it stands as a comment" in out


def test_nothing_recognised_is_said(ask, tmp_path):
    _, out, _ = ask("init", str(tmp_path))

    assert "No data was recognised" in out


def test_programs_get_one_document(ask, tmp_path):
    (tmp_path / "titles.csv").write_text(TITLES)

    code, out, _ = ask("init", str(tmp_path), "--json")

    said = json.loads(out)
    assert code == 0
    assert said["written"] == [str(tmp_path / "recsysops.toml"), str(tmp_path / "metadata.toml")]
    assert said["guesses"]["tables"][0]["columns"][0]["theirs"] == "id"


def test_a_file_that_is_not_there_is_wrong_use(ask, tmp_path):
    code, _, err = ask("init", str(tmp_path), "--data", str(tmp_path / "none.csv"))

    assert code == 2
    assert "names nothing" in err


def test_many_files_that_are_not_used_are_cut_and_counted(ask, tmp_path):
    for k in range(25):
        (tmp_path / f"{chr(97 + k)}.csv").write_text("")

    _, out, _ = ask("init", str(tmp_path))

    assert "... and 5 more." in out
