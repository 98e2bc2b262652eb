"""`recsysops model ...`, `tune --write`, `doctor` about the models' key, and a restore on a machine without it."""

import json
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from recsysops import bootstrap
from recsysops.domain.tuning import Trial, Tuning
from recsysops.model import _artifacts
from recsysops.settings import read_settings
from recsysops.store import open_store
from recsysops.testing.hostile_models import kept, small_model
from recsysops.testing.sample_scores import SampleScores, fill_scores

# A library that doctor imports does so by an old name.
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a folder with an active model, a newer one that is not, and one of another horizon."""
    folder = tmp_path_factory.mktemp("trained")
    file = folder / "recsysops.toml"
    file.write_text('[service]\nname = "t"\n')
    settings = read_settings(file)
    old = kept(small_model(1), settings.data_folder)
    new = replace(kept(small_model(2), settings.data_folder), trained_as_of=old.trained_as_of + timedelta(days=1))
    week = kept(small_model(3), settings.data_folder, horizon=7)
    with closing(open_store(settings.store_url)) as store, store.write() as unit:
        unit.models.activate(old)
        unit.models.add(new)
        unit.models.activate(week)
        unit.commit()
    return folder, old.model_id, new.model_id, week.model_id


@pytest.fixture
def models(trained, tmp_path):
    """Return the same in a folder of its own, and the ids."""
    shutil.copytree(trained[0], tmp_path / "own")
    _artifacts.forget()
    return tmp_path / "own", *trained[1:]


@pytest.fixture
def ask(models, ask):
    return lambda *words, folder=None: ask("--settings", str((folder or models[0]) / "recsysops.toml"), *words)


def states(ask):
    listed = json.loads(ask("model", "list", "--json")[1])["models"]
    return {each["card"]["model_id"]: each["state"] for each in listed}


def test_models_are_listed_newest_first(ask, models):
    _, old, new, week = models

    code, shown, _ = ask("model", "list")

    assert code == 0
    assert "active" in shown
    assert states(ask) == {new: "retired", old: "active", week: "active"}
    assert next(iter(states(ask))) == new


def test_before_the_first_training_there_is_no_model_to_list(ask, tmp_path):
    (tmp_path / "recsysops.toml").write_text("")
    with closing(open_store(read_settings(tmp_path / "recsysops.toml").store_url)):
        pass

    code, said, _ = ask("model", "list", folder=tmp_path)

    assert code == 0
    assert "No model was trained yet" in said


def test_a_model_is_shown_with_its_moves_and_whether_it_can_be_trusted(ask, models):
    folder, old, new, _ = models
    ask("model", "activate", new, "--reason", "Try it.", "--by", "Ada")

    fine = ask("model", "show", new)
    (folder / ".recsysops" / "models" / old / "point_0.txt").write_bytes(b"evil")
    broken = ask("model", "show", old)

    assert fine[0] == 0
    assert "its files can be trusted" in fine[1]
    assert "activated by Ada: Try it." in " ".join(fine[1].split())
    assert broken[0] == 3
    assert "can be trusted: signed" not in broken[1]


def test_an_activated_model_answers_and_a_rollback_undoes_it(ask, models):
    _, old, new, week = models

    activated = ask("model", "activate", new, "--reason", "Try it.", "--by", "Ada")
    between = states(ask)
    back = ask("model", "rollback", "--measure", "reach", "--horizon", "1", "--reason", "Worse.", "--by", "Ada")

    assert (activated[0], back[0]) == (0, 0)
    assert f"{new} answers for reach over 1 days" in " ".join(activated[1].split())
    assert between == {new: "active", old: "retired", week: "active"}
    assert "answers again in place of" in " ".join(back[1].split())
    assert states(ask) == {new: "retired", old: "active", week: "active"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("model", "show", "nobody"), 2, 'There is no model "nobody"'),
        (("model", "activate", "nobody", "--reason", "x"), 2, 'There is no model "nobody"'),
        (("model", "activate", "nobody", "--reason", " "), 2, "Say who decides, and why."),
        (("model", "rollback", "--reason", "x"), 2, "There is nothing to go back to"),
        (("model", "compare", "nobody"), 2, "One model is no comparison"),
        (("model", "compare", "nobody", "noone"), 2, 'There is no model "nobody"'),
    ],
)
def test_wrong_use_is_told_in_a_sentence_and_changes_nothing(ask, words, code, said):
    before = states(ask)

    found = ask(*words)

    assert found[0] == code
    assert said in found[2]
    assert states(ask) == before


def test_a_model_whose_files_were_changed_is_not_activated(ask, models):
    folder, old, new, week = models
    (folder / ".recsysops" / "models" / new / "manifest.json").write_bytes(b"{}")

    code, _, said = ask("model", "activate", new, "--reason", "x")

    assert code == 3
    assert "Traceback" not in said
    assert states(ask) == {new: "retired", old: "active", week: "active"}


def test_models_are_compared_on_the_launches_both_predicted(ask, models):
    folder, old, new, week = models
    with closing(open_store(read_settings(folder / "recsysops.toml").store_url)) as store:
        fill_scores(store, SampleScores(n_titles=4))

    none = ask("model", "compare")
    two = json.loads(ask("model", "compare", old, new, "--json")[1])
    shown = ask("model", "compare", old, new)
    unlike = ask("model", "compare", old, week)

    assert "No challenger predicts beside an active model" in none[1]
    assert [(each["n"], each["gain"]) for each in two] == [(0, None)]
    assert "A gain above 0: the second is better." in shown[1]
    assert unlike[0] == 2
    assert "predict different things" in unlike[2]


class Tuned:
    """A forecaster that finds what it is told to."""

    def __init__(self, low):
        self.low = low

    def tune(self, history, at, targets, settings, n_trials, progress):
        best = {"leaves": 7.0, "learning_rate": 0.08}
        trials = (Trial(settings={}, loss=1.0), Trial(settings=best, loss=0.9))
        return Tuning(trials=trials, best=best, n_chosen=9, n_judged=9, gain=0.1, low=self.low, high=0.2)


@pytest.mark.parametrize(("low", "written"), [(0.05, True), (-0.05, False)])
def test_tune_writes_settings_only_where_they_are_better_and_asked_for(ask, models, monkeypatch, low, written):
    file = models[0] / "recsysops.toml"
    before = file.read_text()
    joined = bootstrap.join
    monkeypatch.setattr(
        bootstrap, "join", lambda *given, **rest: replace(joined(*given, **rest), forecaster=Tuned(low))
    )

    looked = ask("tune", "-q")
    untouched = file.read_text()
    asked = ask("tune", "--write", "-q")

    assert (looked[0], asked[0]) == (0, 0)
    assert untouched == before
    assert file.read_text().startswith(before)
    model = read_settings(file).model
    assert ((model.leaves, model.learning_rate) == (7, 0.08)) is written
    assert (file.read_text() == before) is not written


def test_tune_that_cannot_write_says_why_and_leaves_the_file(ask, models, monkeypatch):
    file = models[0] / "recsysops.toml"
    file.write_text('model = { leaves = 5 }\n[service]\nname = "t"\n')
    joined = bootstrap.join
    monkeypatch.setattr(bootstrap, "join", lambda *given, **rest: replace(joined(*given, **rest), forecaster=Tuned(1)))

    code, _, said = ask("tune", "--write", "-q")

    assert code == 2
    assert "[model]" in said
    assert file.read_text().startswith("model = { leaves = 5 }")


def examined(ask, **where):
    _, said, err = ask("doctor", "--json", **where)
    assert said, err
    return {each["what"]: each for each in json.loads(said)}


def test_doctor_tells_of_a_key_that_others_may_read_or_that_is_none(ask, models):
    key = models[0] / ".recsysops" / "model.key"
    fine = examined(ask)["model key"]
    key.chmod(0o644)
    open_to_others = examined(ask)["model key"]
    key.chmod(0o600)
    key.write_text("none")
    nonsense = examined(ask)["model key"]

    assert fine["is_fine"]
    assert not open_to_others["is_fine"]
    assert "mode 0644" in open_to_others["found"]
    assert "is no key of models" in nonsense["found"]
    assert nonsense["remedy"]


def test_a_restored_model_answers_once_its_key_is_there(ask, models, tmp_path):
    folder, old, *_ = models
    there = tmp_path / "there"
    there.mkdir()
    (there / "recsysops.toml").write_text('[service]\nname = "t"\n')
    backup = tmp_path / "backup.zip"
    ask("backup", str(backup))

    restored = ask("restore", str(backup), "-q", folder=there)
    _artifacts.forget()
    without = ask("model", "show", old, folder=there), examined(ask, folder=there)["models"]
    shutil.copy(folder / ".recsysops" / "model.key", there / ".recsysops" / "model.key")
    _artifacts.forget()
    with_key = ask("model", "show", old, folder=there), examined(ask, folder=there)["models"]

    assert restored[0] == 0
    assert "2 models were signed with a key that is not here" in " ".join(restored[1].split())
    assert (folder / ".recsysops" / "model.key").read_bytes() not in backup.read_bytes()
    assert without[0][0] == 3
    assert not without[1]["is_fine"]
    assert with_key[0][0] == 0
    assert with_key[1]["is_fine"]


def test_who_restores_where_the_key_is_reads_nothing_of_it(ask, models, tmp_path):
    backup = tmp_path / "backup.zip"
    ask("backup", str(backup))

    code, said, _ = ask("restore", str(backup), "--force", "-q")

    assert code == 0
    assert "key" not in said
