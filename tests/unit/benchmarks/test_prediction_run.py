"""The benchmark as a whole, on a small planted world: baselines find what is planted, goals say what was measured."""

import json
import sys
from dataclasses import replace

import _verdicts
import numpy as np
import pandas as pd
import pytest
import run
from _matrix import matrix
from _peers import PREDICTORS
from _peers import answers as peer_answers
from _results import result_of
from _rolling import Answers, Desk
from _scores import covered, crps
from _world import fit_origins, origins, shuffled
from _worlds import LOADERS, WorldMissingError, movietweetings


@pytest.fixture(scope="module")
def asked(planted_world):
    rows = matrix(planted_world, 1)
    weeks = origins(planted_world, rows)
    plan = [(week.isoformat(), fit.isoformat()) for week, fit in fit_origins(planted_world, weeks).items()]
    return rows, plan, rows["week"].isin(weeks).to_numpy()


def loss_of(name, asked):
    rows, plan, is_asked = asked
    quantiles = peer_answers(name, rows, plan, 1)[is_asked]
    assert (np.diff(quantiles, axis=1) >= 0).all()
    return crps(rows.loc[is_asked, "y"].to_numpy(), quantiles), quantiles


@pytest.mark.parametrize(
    "name",
    [
        "group_mean",
        "knn",
        "ridge",
        "lightgbm",
        "shadow_alone",
        "lightgbm_shadow",
        "raw_quantiles",
        "mapie_cqr",
        "crepes",
    ],
)
def test_a_baseline_finds_what_is_planted(asked, name):
    own, _ = loss_of(name, asked)
    blind, _ = loss_of("global_median", asked)

    assert own.mean() < 0.85 * blind.mean()


def test_catboost_finds_what_is_planted(asked):
    pytest.importorskip("catboost", reason="catboost is in the peers' environment: make build/peers/.locked")

    assert loss_of("catboost", asked)[0].mean() < 0.85 * loss_of("global_median", asked)[0].mean()


def test_intervals_from_residuals_cover_about_what_they_promise(asked):
    rows, _, is_asked = asked
    _, quantiles = loss_of("ridge", asked)

    assert 0.65 <= covered(rows.loc[is_asked, "y"].to_numpy(), quantiles, 0.8, 1).mean() <= 0.95


def answers_of(world, spreads):
    """Return made answers: normal about the outcomes' means, as wide as said, shifted by noise of the same size."""
    rows = matrix(world, 1)
    rows = rows[rows["week"].isin(origins(world, rows))]
    levels = np.linspace(-1.64, 1.64, 19)
    rng = np.random.default_rng(0)
    y = rows["y"].to_numpy()
    quantiles = {name: (y + rng.normal(0, s, len(y)))[:, None] + s * levels[None, :] for name, s in spreads.items()}
    shown = rows[[name for name in rows.columns if ":" not in name]].assign(n_missing=rows["num:n_missing"])
    return Answers(shown, quantiles, dict.fromkeys(spreads, 0))


def goals_of(result):
    return {goal.goal.partition(": ")[2]: goal for goal in _verdicts.verdicts(result)}


def test_goals_of_a_simulated_world_are_met_by_who_is_better_and_missed_by_who_is_not(planted_world):
    planted = planted_world.history.launches[["title_id", "market", "surface"]].head(230)
    world = replace(planted_world, planted=planted, ceiling={1: 0.9}, hindsight={1: 0.95})
    sharp, blunt = {"recsysops": 0.2, "lightgbm": 0.5, "mapie_cqr": 0.4}, {"recsysops": 0.5, "lightgbm": 0.2}

    better, worse = (
        goals_of(result_of([world, world], 1, {1: answers_of(world, s), 2: answers_of(world, s)}))
        for s in (sharp, blunt)
    )

    assert better["R2"].ok
    assert "% of the ceiling 0.900 (" in better["R2"].figure
    assert "% of 0.950, for who knows" in better["R2"].figure
    assert better["R2 above the best single baseline"].ok
    assert better["CRPS against the best baseline"].ok
    assert better["width at equal coverage, 80%, against split CQR"].ok
    assert better["baselines whose CRPS is higher, adjusted p < 0.05 (Holm)"].figure == "1 of 1"
    assert better["coverage of 80% intervals"].n == better["R2"].n
    assert better["worst group's coverage at 80% (missing mask, level, market)"].target.startswith("at least 0.77")
    assert not worse["CRPS against the best baseline"].ok
    assert not worse["R2 above the best single baseline"].ok
    assert worse["width at equal coverage, 80%, against split CQR"].figure == "not measured: no baseline answered"


def test_goals_of_the_real_data_name_every_rival_and_the_worst_of_them(planted_world):
    world = replace(planted_world, name="movietweetings", is_seeded=False)
    spreads = {"recsysops": 0.3, "lightgbm": 0.5, "knn": 0.5, "ridge": 0.2, "group_mean": 0.8, "global_median": 0.9}

    found = result_of([world, world], 1, {seed: answers_of(world, spreads) for seed in (1, 2)})
    goals = goals_of(found)

    assert goals["MAE of group_mean minus ours"].ok
    assert goals["pinball against lightgbm"].ok
    assert not goals["mae against ridge"].ok
    assert "of ridge" in goals["worst of these"].figure
    assert not goals["worst of these"].ok
    assert found.n == len(answers_of(world, spreads).rows)


def test_a_world_without_ceiling_or_rivals_meets_no_goal_for_want_of_them(planted_world):
    goals = goals_of(result_of([planted_world], 1, {1: answers_of(planted_world, {"recsysops": 0.2})}))

    assert "states no ceiling" in goals["R2"].figure
    assert not any(goals[name].ok for name in ("R2", "R2 above the best single baseline"))
    assert not goals["CRPS against the best baseline"].ok


def test_with_shuffled_labels_who_wins_has_a_leak(planted_world):
    fair = answers_of(planted_world, {"global_median": 0.4, "ridge": 0.4})
    leaky = answers_of(planted_world, {"global_median": 0.8, "ridge": 0.1})

    honest, caught = (_verdicts.control(result_of([shuffled(planted_world)], 1, {1: a})) for a in (fair, leaky))

    assert honest.ok
    assert not caught.ok
    assert "ridge" in caught.figure


def test_the_command_measures_writes_its_goals_and_goes_on_where_it_stopped(
    planted_world, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(LOADERS, "w1", lambda seed, **_: replace(planted_world, name="w1", seed=seed, refit_weeks=9))
    monkeypatch.setattr("_goals.RESULTS", tmp_path)
    words = ["run.py", "--world", "w1", "--seeds", "1", "--out", str(tmp_path), "--no-control"]
    monkeypatch.setattr(sys, "argv", [*words, "--only", "recsysops", "--only", "global_median"])

    code = run.main()
    made = {file: file.stat().st_mtime_ns for file in tmp_path.glob("prediction/w1-*.parquet")}
    again = run.main()

    goals = json.loads((tmp_path / "prediction.json").read_text())
    assert code == again == 1  # the planted world states no ceiling, which is a goal missed
    assert {"goal", "figure", "target", "ok", "n"} == set(goals[0])
    assert {file: file.stat().st_mtime_ns for file in tmp_path.glob("prediction/w1-*.parquet")} == made
    assert len(made) == 3
    assert "| recsysops |" in capsys.readouterr().out
    beaten = next(goal for goal in goals if "adjusted p" in goal["goal"])
    assert beaten["figure"] == "1 of 1"


def test_silence_is_filled_with_the_global_quantiles_and_counted(planted_world, tmp_path, monkeypatch):
    rows = matrix(planted_world, 1)
    said = {"global_median": np.zeros((len(rows), 19)), "ridge": np.full((len(rows), 19), np.nan)}
    monkeypatch.setattr(Desk, "_one", lambda _self, _world, _horizon, name, *_: {name: said[name]})

    found = Desk(tmp_path, sys.executable).collect(planted_world, 1, ("ridge",))

    np.testing.assert_array_equal(found.quantiles["ridge"], 0.0)
    assert found.n_filled["ridge"] == len(found.rows)


def test_a_peer_that_is_not_installed_did_not_run_and_the_others_do(planted_world, tmp_path, monkeypatch, capsys):
    found = Desk(tmp_path, sys.executable).collect(planted_world, 1, ("autogluon", "global_median"))

    assert set(found.quantiles) == {"global_median"}
    assert "autogluon did not run: ModuleNotFoundError" in capsys.readouterr().out


def test_a_world_whose_data_are_not_here_says_what_to_do(tmp_path):
    with pytest.raises(WorldMissingError, match=r"lacks titles\.csv\.gz, events\.csv\.gz; name theirs with --data"):
        movietweetings(1, small=True, data=tmp_path)


def test_every_predictor_of_the_issue_can_be_asked_for():
    assert {*run.EVERYBODY} - {"recsysops"} == set(PREDICTORS)


def test_the_shadow_score_is_no_baseline_where_the_recommender_was_never_asked(planted_world, tmp_path):
    silent = replace(planted_world, history=replace(planted_world.history, shadow=pd.DataFrame()))

    assert Desk(tmp_path, sys.executable).collect(silent, 1, ("shadow_alone", "global_median")).quantiles.keys() == {
        "global_median"
    }
