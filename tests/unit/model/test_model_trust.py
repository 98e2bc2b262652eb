"""A model file is hostile until proven otherwise: what stands between it and the process that serves."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recsysops.errors import ModelError
from recsysops.model import _artifacts, _golden, _loading, _signing
from recsysops.model._artifacts import Layers
from recsysops.model._conformal import Calibration
from recsysops.model._structure import RejectedError, trees_of
from recsysops.model._structure_calibration import check_calibration
from recsysops.model._structure_files import check_files
from recsysops.testing.hostile_models import N_COLUMNS, forged, kept, mutant, small_model

MODEL = small_model()
PROBE = {f"c{at}": column for at, column in enumerate(np.random.default_rng(5).normal(size=(N_COLUMNS, 500)))}
PROBE[_golden.LEVEL] = np.zeros(500)


@pytest.fixture
def trusted(tmp_path):
    _artifacts.forget()
    return tmp_path, kept(MODEL, tmp_path)


def text_of(folder, card, name="point_0.txt"):
    return (folder / card.folder / name).read_bytes()


def answers(model):
    return model.quantiles_of(PROBE, np.zeros(500, dtype=np.int64)).tobytes()


def changed(text, key, value, tree=1):
    """Return the text with the value of a field of one tree replaced and the sizes in the header corrected."""
    head, *trees = text.decode().split("Tree=")
    lines = trees[tree].split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith(f"{key}="))
    before = len(trees[tree])
    lines[at] = f"{key}={value}"
    trees[tree] = "\n".join(lines)
    start, _, rest = head.partition("tree_sizes=")
    sizes = rest.strip().split(" ")
    sizes[tree] = str(int(sizes[tree]) + len(trees[tree]) - before)
    return f"{start}tree_sizes={' '.join(sizes)}\n\n".encode() + "".join(f"Tree={each}" for each in trees).encode()


def test_what_training_wrote_is_let_through_and_predicts_bit_for_bit_the_same(trusted):
    folder, card = trusted

    assert _artifacts.why_refused(card, folder) == ""
    assert answers(_artifacts.load(card, folder)) == answers(MODEL)


def test_a_verdict_is_paid_for_once(trusted):
    folder, card = trusted
    _artifacts.load(card, folder)
    _loading.loader().close()

    began = time.perf_counter()
    _artifacts.load(card, folder)

    assert _loading.loader()._process is None
    assert time.perf_counter() - began < 5


def test_2000_mutants_neither_crash_nor_stay_and_what_passes_predicts_as_before(trusted):
    folder, card = trusted
    text, generator = text_of(folder, card), np.random.default_rng(20261123)
    passed, slowest = [], 0.0

    for _ in range(2000):
        hostile = mutant(text, generator)
        began = time.process_time()
        try:
            trees_of(hostile, N_COLUMNS)
            passed.append(hostile)
        except RejectedError:
            pass
        slowest = max(slowest, time.process_time() - began)
    loaded = 0
    for hostile in {each for each in passed if each != text}:
        copy = forged(card, folder, {"point_0.txt": hostile})
        try:
            model = _artifacts.load(copy, folder, layers=Layers(structure=False))
        except ModelError as error:
            assert "did not survive" not in str(error)  # noqa: PT017 - refusing is one of two right answers
        else:
            loaded += 1
            assert answers(model) == answers(MODEL)

    assert slowest < 1
    assert loaded  # harmless changes pass: otherwise this test would show nothing


def test_100_mutants_kill_at_most_the_child_and_none_is_let_through_changed(trusted):
    folder, card = trusted
    text, generator = text_of(folder, card), np.random.default_rng(7)
    lost = 0

    for _ in range(100):
        copy = forged(card, folder, {"point_0.txt": mutant(text, generator)})
        try:
            model = _artifacts.load(copy, folder, layers=Layers(structure=False))
        except ModelError as error:
            lost += "did not survive" in str(error)
        else:
            assert answers(model) == answers(MODEL)

    assert lost  # without the structural check LightGBM does kill the process that loads


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("left_child", "0 -1 -2 -3", "no tree"),
        ("left_child", "1 1 -1 -2", "no tree"),
        ("left_child", "-1", "wrong length"),
        ("split_feature", "0 1 2 99", "column that is not there"),
        ("split_feature", "0 1 2 -1", "column that is not there"),
        ("decision_type", "1 2 2 2", "otherwise than by numbers"),
        ("threshold", "nan 1 1 1", "makes no sense"),
        ("threshold", "1e999 1 1 1", "not finite"),
        ("leaf_value", "1 2", "wrong length"),
        ("num_leaves", "99999999", "number of leaves"),
        ("num_cat", "1", "categories"),
        ("is_linear", "1", "linear"),
        ("shrinkage", "-1", "shrinkage"),
        ("leaf_count", "1 1 1 1 1", "do not add up"),
        ("internal_count", "1 1 1 1", "do not add up"),
    ],
)  # fmt: skip
def test_each_field_of_a_tree_is_checked(trusted, key, value, why):
    folder, card = trusted

    with pytest.raises(RejectedError, match=why):
        trees_of(changed(text_of(folder, card), key, value), N_COLUMNS)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"version=v4", b"version=v3", "header says"),
        (b"num_class=1", b"num_class=2", "header says"),
        (b"objective=regression", b"objective=poisson", "objective"),
        (b"feature_names=f0000", b"feature_names=f0001", "other names"),
        (b"max_feature_idx=5", b"max_feature_idx=6", "other columns"),
        (b"end of trees", b"end of threes", "trees do not end"),
        (b"pandas_categorical:", b"pandas_categorical:[1]", "ends otherwise"),
        (b"[boosting: gbdt]", b"[boosting: gbdt", "parameter"),
        (b"\nfeature_importances:\nf", b"\nfeature_importances:\ng", "importance"),
        (b"tree\nversion", b"treee\nversion", "header"),
    ],
)  # fmt: skip
def test_what_stands_around_the_trees_is_checked(trusted, old, new, why):
    folder, card = trusted
    text = text_of(folder, card)
    assert old in text

    with pytest.raises(RejectedError, match=why):
        trees_of(text.replace(old, new, 1), N_COLUMNS)


def test_nothing_may_follow_the_end(trusted):
    folder, card = trusted

    with pytest.raises(RejectedError, match="ends otherwise"):
        trees_of(text_of(folder, card) + b"x", N_COLUMNS)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("calibration.json", b'{"level": [NaN]}', "no number"),
        ("calibration.json", b'{"level": [1e999]}', "not finite"),
        ("calibration.json", b'{"level": 1, "level": 2}', "twice"),
        ("calibration.json", b"[" * 100_000, "calibration"),
        ("calibration.json", b"\xff", "calibration"),
        ("columns.json", b'{"point": ["a", "a"]}', "names no columns"),
        ("columns.json", b'{"point": []}', "names no columns"),
        ("columns.json", b'{"other": ["a"]}', "knows no such model"),
        ("text_idf.npy", b"\x93NUMPY\x01\x00\x04\x00(1)\n", "no array"),
        ("../x.json", b"{}", "no such file"),
        ("more_0.txt", b"", "knows no such model"),
    ],
)
def test_every_other_file_is_checked(trusted, name, content, why):
    folder, card = trusted
    place = folder / card.folder
    names = [path.name for path in place.iterdir() if path.name not in {"manifest.json", "manifest.sig"}]
    files = {each: (place / each).read_bytes() for each in names}

    with pytest.raises(RejectedError, match=why):
        check_files({**files, name: content})


def two_columns(entries):
    return [[each, 7] for each in entries["group"]]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"weight": lambda entries: entries["score"][:-1]}, "weight"),
        ({"weight": lambda entries: [1.5, *[0.5] * 49]}, "weight"),
        ({"weight": lambda entries: [-0.1, *[0.5] * 49]}, "weight"),
        ({"weight": lambda entries: [True] * 50}, "weight"),
        ({"weight": lambda entries: ["1"] * 50}, "weight"),
        ({"weight": lambda entries: [None, *[0.5] * 49]}, "weight"),
        ({"weight": lambda entries: [0.0] * 50}, "weight"),
        ({"weight": lambda entries: 1.0}, "weight"),
        ({"group": lambda entries: [[1, 2]] * 49 + [[1]]}, "group"),
        ({"group": lambda entries: [[1, 2]] * 49}, "group"),
        ({"group": lambda entries: [[]] * 50}, "group"),
        ({"group": lambda entries: [[1] * 9] * 50}, "group"),
        ({"group": lambda entries: [[1, [2]]] * 50}, "group"),
        ({"group": lambda entries: [[1, 0.5]] * 50}, "group"),
        ({"group": lambda entries: [[1, 2]] * 49 + [3]}, "group"),
        ({"group": lambda entries: [9_999_999_999_999_999_999] * 50}, "group"),
        ({"group": lambda entries: {"0": 1}}, "group"),
        ({"group": lambda entries: []}, "group"),
        ({"level": lambda entries: entries["level"][1:]}, "level"),
        ({"level": lambda entries: [1e300] * 50}, "level"),
        ({"score": lambda entries: []}, "residuals"),
        ({"score": lambda entries: "ab"}, "residuals"),
        ({"bandwidth": lambda entries: 0}, "bandwidth"),
        ({"bandwidth": lambda entries: [1.0]}, "bandwidth"),
        ({"more": lambda entries: 1}, "other entries"),
    ],
)
def test_a_calibration_is_lists_of_one_length_and_of_numbers_in_their_ranges(trusted, changed, why):
    folder, card = trusted
    names = [path.name for path in (folder / card.folder).iterdir() if not path.name.startswith("manifest")]
    files = {each: (folder / card.folder / each).read_bytes() for each in names}
    entries = json.loads(files["calibration.json"])
    hostile = entries | {name: make(entries) for name, make in changed.items()}

    with pytest.raises(RejectedError, match=f"calibration.json: .*{why}"):
        check_files({**files, "calibration.json": json.dumps(hostile).encode()})


@pytest.mark.parametrize("weight", [None, [0.0, *[0.5] * 48, 1]])
@pytest.mark.parametrize("group", [two_columns, lambda entries: entries["group"]])
def test_calibrations_with_and_without_weights_and_parts_of_groups_are_let_through(trusted, weight, group):
    folder, card = trusted
    entries = json.loads(text_of(folder, card, "calibration.json"))
    entries |= {"weight": weight, "group": group(entries), "bandwidth": None}

    check_calibration(entries)
    check_calibration({name: value for name, value in entries.items() if name != "weight"})

    Calibration.from_json(json.dumps(entries))


def test_an_array_of_objects_is_never_loaded(trusted):
    folder, card = trusted
    place = folder / card.folder
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    content = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + b"cos\nsystem\n"
    files = {path.name: path.read_bytes() for path in place.iterdir() if not path.name.startswith("manifest")}

    with pytest.raises(RejectedError, match="no array"):
        check_files({**files, "text_idf.npy": content})


def test_numbers_changed_before_signing_are_found_by_the_golden_predictions(trusted):
    folder, card = trusted
    entries = json.loads(text_of(folder, card, "calibration.json"))
    entries["score"] = [score + 0.01 for score in entries["score"]]
    copy = forged(card, folder, {"calibration.json": json.dumps(entries).encode()})

    with pytest.raises(ModelError, match="predicts otherwise"):
        _artifacts.load(copy, folder)


def test_a_model_of_another_key_is_refused_and_the_error_says_how_to_move_it(trusted, tmp_path_factory):
    folder, card = trusted
    other = tmp_path_factory.mktemp("other")
    kept(MODEL, other)
    (folder / "model.key").write_bytes((other / "model.key").read_bytes())

    with pytest.raises(ModelError, match=r'signed with key .* Copy "model.key"'):
        _artifacts.load(card, folder)


def test_a_model_that_is_not_signed_or_whose_signature_is_another_is_refused(trusted):
    folder, card = trusted
    path = folder / card.folder / _signing.SIGNATURE
    said = path.read_bytes()

    path.write_bytes(said[:-9] + b"00000000\n")
    with pytest.raises(ModelError, match="not that of its manifest"):
        _artifacts.load(card, folder)
    path.unlink()
    with pytest.raises(ModelError, match="not signed"):
        _artifacts.load(card, folder)
    path.write_bytes(said)
    (folder / "model.key").unlink()
    with pytest.raises(ModelError, match="key it was signed with is gone"):
        _artifacts.load(card, folder)


def test_the_key_is_made_once_and_for_its_user_only(tmp_path):
    first = _signing.sign(b"x", tmp_path)

    assert _signing.sign(b"x", tmp_path) == first
    assert (tmp_path / "model.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["model.key"]
    assert _signing.key_problem(tmp_path) == ""


def test_a_key_others_may_read_or_that_is_none_is_told(tmp_path):
    _signing.sign(b"x", tmp_path)
    (tmp_path / "model.key").chmod(0o644)
    assert "0644" in _signing.key_problem(tmp_path)

    (tmp_path / "model.key").write_text("no key")
    assert "no key of models" in _signing.key_problem(tmp_path)
    assert _signing.key_problem(tmp_path / "nowhere") == ""


def test_a_link_a_pipe_or_a_card_that_leads_elsewhere_is_refused(trusted):
    folder, card = trusted
    path = folder / card.folder / "calibration.json"
    aside = folder / "aside.json"
    path.rename(aside)

    path.symlink_to(aside)
    with pytest.raises(ModelError, match="cannot be read"):
        _artifacts.load(card, folder)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ModelError, match="does not match"):
        _artifacts.load(card, folder)
    with pytest.raises(ModelError, match="cannot be trusted"):
        _artifacts.load(replace(card, folder="models/../.."), folder)


def test_a_child_that_hangs_is_ended_and_the_next_question_is_answered(trusted, monkeypatch):
    folder, card = trusted
    loader = _loading.Loader(wait_seconds=30)
    job = {"place": str(folder / card.folder), "model_id": card.model_id, "manifest_sha256": card.manifest_sha256}
    assert loader.why_not(job) == ""
    os.kill(loader._process.pid, 19)  # stopped: it will never answer
    loader._wait = 0.3

    with pytest.raises(_loading.LostError, match="longer than"):
        loader.why_not(job)
    loader._wait = 30

    assert loader.why_not(job) == ""
    loader._process.kill()
    assert loader.why_not(job) == ""
    loader.close()


def test_golden_rows_reach_every_leaf():
    trees = check_files(_artifacts.files_of(MODEL))
    found = _golden.golden(MODEL, _artifacts._by_ensemble(trees))

    matrix = _golden._edge_rows(found.edges, found.rows, range(N_COLUMNS))
    for number, booster in enumerate(MODEL.point.boosters):
        leaves = booster.predict(matrix, pred_leaf=True, num_threads=1)
        for reached, tree in zip(leaves.T, trees[f"point_{number}.txt"], strict=True):
            assert len(np.unique(reached)) == len(tree.left) + 1


CYCLE = """
import sys
seen = []
sys.addaudithook(lambda event, args: seen.append(args) if event == "pickle.find_class" else None)
import tempfile, pathlib, numpy as np
import recsysops_dashboards.app
from recsysops.model import _artifacts
from recsysops.model.forecaster import LaunchForecaster
from recsysops.testing.hostile_models import kept, small_model
folder = pathlib.Path(tempfile.mkdtemp())
card = kept(small_model(), folder)
assert LaunchForecaster().why_refused(card, folder) == ""
model = _artifacts.load(card, folder)
model.quantiles_of({f"c{at}": np.zeros(3) for at in range(6)} | {"|level": np.zeros(3)}, np.zeros(3, dtype=np.int64))
print(len(seen))
"""


def test_nothing_is_unpickled_in_a_whole_cycle(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, "-P", "-c", CYCLE], capture_output=True, text=True, env=environment, timeout=240, check=False
    )

    assert said.returncode == 0, said.stderr[-2000:]
    assert said.stdout.split()[-1] == "0"
    assert Path(tmp_path).is_dir()
