"""The whole job by the command line, on a simulated service, as a user would run it."""

import json
import os
import shutil
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsysops.bootstrap import writing
from recsysops.cli import main
from recsysops.columns import (
    AS_OF,
    CELL_KEY,
    DROPPED,
    FIELDS,
    HORIZON,
    MARKET,
    MODEL,
    OBSERVED_AT,
    PREDICTOR,
    REACH_JOINT,
    TARGET_KEY,
    TITLE_ID,
)
from recsysops.demo import REQUIREMENTS, SETTINGS
from recsysops.service.cells import upcoming_cells
from recsysops.service.history import read_history
from recsysops.service.predict import predict
from recsysops.service.shadow import shadow
from recsysops.simulation import SimulationReport, WorldConfig, simulate


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> SimulationReport:
    folder = tmp_path_factory.mktemp("service")
    made = simulate(WorldConfig.small(), folder)
    text = SETTINGS.format(as_of=made.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"))
    (folder / "recsysops.toml").write_text(text.replace('"reach", "impression_share"', '"reach"'))
    (folder / "metadata.toml").write_text(REQUIREMENTS)
    os.environ.pop("RECSYSOPS_SETTINGS", None)
    with pytest.raises(SystemExit) as ended:
        main(["--settings", str(folder / "recsysops.toml"), "run", "--quiet"])
    assert ended.value.code in {0, None}
    return made


@pytest.fixture
def ask(service, ask):
    return lambda *words: ask("--settings", str(service.folder / "recsysops.toml"), *words)


def test_every_row_of_the_files_is_accounted_for(service, ask):
    code, out, _ = ask("ingest", "--json")

    report = json.loads(out)
    assert code == 0
    assert report["receipts"] == []
    assert len(report["already_loaded"]) == 3 + 2 * service.n_days


def test_planted_dirty_rows_are_in_quarantine_with_their_rule_and_fix(service):
    from recsysops.store import open_store

    store = open_store(f"sqlite:///{service.folder}/.recsysops/recsysops.sqlite", read_only=True)
    with store.read() as unit:
        rows = [row for _, row in unit.batches.quarantine()]
    store.close()

    refused = {(Path(row.file).name, row.row) for row in rows}
    expected = {(dirty.file, dirty.line - 1) for dirty in service.dirty if "duplicate" not in dirty.words}
    assert refused == expected
    assert all(row.rule and row.fix and row.code for row in rows)


def test_rows_kept_out_are_listed_with_what_to_do(service, ask):
    code, shown, _ = ask("ingest", "--quarantine")
    _, told, _ = ask("ingest", "--quarantine", "--json")

    rows = [row for _, row in json.loads(told)]
    assert code == 0
    assert len(rows) == sum("duplicate" not in dirty.words for dirty in service.dirty)
    assert all(row["code"] in shown for row in rows)


def test_reach_equals_the_truth_on_record(service):
    from recsysops.store import open_store

    store = open_store(f"sqlite:///{service.folder}/.recsysops/recsysops.sqlite", read_only=True)
    with store.read() as unit:
        outcomes = unit.treatment.outcomes(["reach"], [1])
    store.close()

    truth = pd.read_parquet(service.truth_treatment)
    both = outcomes.merge(truth, on=["title_id", "market", "surface", "horizon"], suffixes=("", "_true"))
    assert len(both) > 500
    assert (both["value"] - both["reach"]).abs().max() < 1e-6


def test_the_board_finds_planted_missing_fields(service, ask):
    _, out, _ = ask("issues", "--json")

    found = {(entry["finding"]["title_id"], entry["finding"]["field"]) for entry in json.loads(out)}
    wanted = {
        (fault.title_id, fault.field)
        for fault in service.planted
        if fault.kind in {"synopsis_missing", "genre_missing", "rating_missing", "cast_missing", "artwork_placeholder"}
        and (fault.launch_at - service.as_of).days < 4
    }
    assert wanted <= found


def test_a_second_run_changes_nothing(ask):
    _, before, _ = ask("issues", "--all", "--json")
    code, _, _ = ask("run", "--quiet")
    _, after, _ = ask("issues", "--all", "--json")

    assert code == 0
    assert after == before


def test_the_gate_answers_with_its_exit_code(ask):
    code, out, _ = ask("check", "--fail-on", "warning", "--json")
    answer = json.loads(out)

    assert code == answer["exit_code"] == 1
    assert answer["n_failed"] > 0


def test_a_title_nobody_knows_is_wrong_use(ask):
    code, _, err = ask("check", "--title", "ghost")

    assert code == 2
    assert err.startswith('Title "ghost" does not launch within 28 days')


def test_explain_shows_why_a_title_is_green(ask):
    _, out, _ = ask("check", "--allow-unknown", "--json")
    cells = json.loads(out)["report"]["cells"]
    green = next(entry["title_id"] for entry in cells if entry["cell"]["status"] == "ok")

    code, shown, _ = ask("explain", green)

    assert code == 0
    assert "Every check that judged it" in shown
    assert "✓ passed" in shown
    assert "Prediction against plan" in shown
    assert "Comparable titles" in shown


def test_a_model_learns_from_the_recommender_what_a_missing_synopsis_costs(service, tmp_path):
    shutil.copytree(service.folder, tmp_path / "copy")
    settings = tmp_path / "copy" / "recsysops.toml"
    little = "\n[shadow]\nmembers = 60\nwindow_days = 7\ndropped_share = 1\n"
    settings.write_text(settings.read_text() + little)

    with writing(settings, "test") as ports:
        for week in (5, 4, 3, 2):
            shadow(ports, as_of=service.as_of - timedelta(days=7 * week))
        with ports.store.read() as unit:
            history = read_history(ports, unit)
        work = (ports.settings.model, ports.artifacts_folder)
        card = ports.forecaster.train(history, service.as_of, "reach", 1, *work, ports.progress)
        ready = ports.forecaster.ready(history, service.as_of, {("reach", 1): card}, *work)
        with ports.store.write() as unit:
            unit.models.activate(card)
            unit.commit()
        predict(ports)
        with ports.store.read() as unit:
            stored = unit.results.load("predictions")
            upcoming = upcoming_cells(unit, service.as_of, ports.settings.model.upcoming_days)
        deaf = replace(history, shadow=history.shadow.iloc[:0])
        unheard = ports.forecaster.predict(deaf, upcoming, service.as_of, {("reach", 1): card}, *work)

    asked = history.relabelled
    assert {"synopsis"} < set(asked[DROPPED].str[0])
    assert card.scores["relabelled"] > 100
    launches = history.launches.drop_duplicates(list(CELL_KEY), keep="last")
    cells = launches[launches[TITLE_ID].isin(asked[TITLE_ID])].head(60)
    versions = history.titles[history.titles[TITLE_ID].isin(cells[TITLE_ID])]
    whole = versions.sort_values(OBSERVED_AT).drop_duplicates([TITLE_ID, MARKET], keep="last")
    lacking = whole.assign(fields=[{**fields, "synopsis": None} for fields in whole[FIELDS]])
    # Nobody is asked on either side: what the missing field costs must come from the field.
    silence = history.shadow.iloc[:0]
    lost = _median_logit(ready.predict(cells, lacking, silence)) - _median_logit(ready.predict(cells, whole, silence))
    assert np.nanmean(lost) < -0.2
    # What it said of upcoming titles moves what is predicted of them.
    heard = stored[stored[HORIZON] == 1].merge(unheard, on=[*TARGET_KEY, PREDICTOR], suffixes=("", "_unheard"))
    heard = heard[(heard[PREDICTOR] == MODEL) & heard["q50"].notna() & heard["q50_unheard"].notna()]
    said = heard.merge(history.shadow[history.shadow[AS_OF] == service.as_of], on=list(CELL_KEY))
    moved = (said["q50"] - said["q50_unheard"]).corr(said[REACH_JOINT] - said["q50_unheard"], method="spearman")
    assert moved > 0.2


def _median_logit(predictions):
    median = predictions.loc[predictions[PREDICTOR] == MODEL, "q50"].to_numpy()
    return np.log(median / (1 - median))


def test_models_are_only_readable_as_they_were_written(service, ask):
    text = next((service.folder / ".recsysops" / "models").rglob("*.txt"))
    whole = text.read_bytes()
    text.write_bytes(whole[: len(whole) // 2])
    try:
        code, out, _ = ask("predict", "--json")
    finally:
        text.write_bytes(whole)

    report = json.loads(out)
    assert code == 0
    assert report["n_fallback"] > 0
    assert ask("predict", "--json")[0] == 0


def test_the_store_is_readable_by_its_user_only(service):
    mode = (service.folder / ".recsysops" / "recsysops.sqlite").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600


def test_doctor_finds_nothing_wrong(ask):
    code, out, _ = ask("doctor", "--json")

    assert (code, [entry["what"] for entry in json.loads(out) if not entry["is_fine"]]) == (0, [])


def test_text_reports_come_without_control_characters(ask):
    for words in (["check"], ["issues"], ["plugins"], ["doctor"], ["run", "-q"]):
        _, out, err = ask(*words)
        assert all(c.isprintable() or c in "\n\t" for c in out + err)
