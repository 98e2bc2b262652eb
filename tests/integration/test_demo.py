"""`recsysops demo` on a small world, as a stranger sees it."""

import pytest

from recsysops.cli import main


def test_the_demo_prints_the_board_the_faults_and_the_truth(tmp_path, capsys):
    folder = tmp_path / "demo"

    with pytest.raises(SystemExit) as ended:
        main(["demo", "--small", "--oneshot", "--folder", str(folder)])

    said = capsys.readouterr().out
    assert not ended.value.code
    for words in ("Simulated 4", "Ingested", "Trained", "Predicted", "Judged", "Launch board of Simulated service"):
        assert words in said
    assert "Planted" in said
    assert "will fall short of their plan by more than 20 %" in " ".join(said.split())
    for line in said.splitlines():
        assert line.isprintable()

    with pytest.raises(SystemExit) as again:
        main(["--settings", str(folder / "recsysops.toml"), "backtest", "--measure", "reach", "--horizon", "1", "-q"])

    said = capsys.readouterr().out
    assert not again.value.code
    assert "global median" in said
    assert "MAE minus model's" in said


def test_the_demo_begins_afresh_in_its_own_folder_only(tmp_path, capsys):
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / ".simulated-by-recsysops").touch()
    (folder / "old.txt").write_text("of an earlier demo")

    from recsysops.demo import _emptied

    assert sorted(path.name for path in _emptied(folder).iterdir()) == [".simulated-by-recsysops"]
