"""A stored title that is given again over HTTP hears what the store's gate says of it: same code, same models.

And what-ifs, which give a stored title again with something changed, against what the simulated world did in truth.
"""

import hashlib
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pandas as pd
import pytest

from recsysops.bootstrap import api_application, reading, writing
from recsysops.cli import main
from recsysops.demo import REQUIREMENTS, SETTINGS
from recsysops.service.run import ingest_as_run, run_cycle
from recsysops.service.shadow_past import shadow_past
from recsysops.simulation import WorldConfig, simulate
from recsysops.simulation import _fields as f
from recsysops.simulation.runner import build_world
from recsysops.testing.sample_api import API_KEY, InProcessTransport

SECONDS = 300


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return simulate(WorldConfig.small(), tmp_path_factory.mktemp("given"))


@pytest.fixture(scope="module")
def settings(simulated):
    """Return the settings of a service whose models have learned from what the recommender says of past launches."""
    folder = simulated.folder
    text = SETTINGS.format(as_of=simulated.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"))
    text = text.replace('"reach", "impression_share"', '"reach"') + "\n[shadow]\nmembers = 200\n"
    (folder / "recsysops.toml").write_text(text)
    (folder / "metadata.toml").write_text(REQUIREMENTS)
    with writing(folder / "recsysops.toml", "run") as ports:
        ingest_as_run(ports)
        shadow_past(ports)
        run_cycle(ports)
    return folder / "recsysops.toml"


@pytest.fixture(scope="module")
def api(settings):
    with reading(settings) as ports:
        transport = InProcessTransport(api_application(ports, API_KEY))
        headers = {"Authorization": f"Bearer {API_KEY}"}
        with httpx.Client(transport=transport, base_url="http://api.test", headers=headers, timeout=SECONDS) as client:
            yield client


@pytest.fixture(scope="module")
def titles(settings):
    """Return the stored upcoming titles as a body."""
    with reading(settings) as ports, ports.store.read() as unit:
        at = ports.as_of()
        versions, launches, plans = (unit.versions.known(t, at) for t in ("titles", "launches", "expectations"))
    ahead = (launches["launch_at"] > at) & (launches["launch_at"] <= at + pd.Timedelta(days=28))
    ahead &= launches["launch_status"] == "planned"
    return [_title(name, part, versions, plans) for name, part in launches[ahead].groupby("title_id")]


def _title(title_id, launches, versions, plans):
    own = versions[versions["title_id"] == title_id]
    general = own[own["market"] == "all"].iloc[0]
    cells = launches[["title_id", "market", "surface"]]
    return {
        "title_id": title_id,
        "name": general["name"],
        **{key: general[key] for key in ("provider", "series_id") if isinstance(general[key], str)},
        "fields": general["fields"],
        "overrides": {row.market: row.fields for row in own[own["market"] != "all"].itertuples()},
        "launches": [
            {"market": row.market, "surface": row.surface, "launch_at": row.launch_at.isoformat()}
            for row in launches.itertuples()
        ],
        "expectations": plans.merge(cells)[
            ["measure", "horizon", "low", "best", "high", "confidence", "unit", "market", "surface", "author"]
        ].to_dict("records"),
    }


def alike(one, other):
    """Compare answers; numbers may differ by the order of additions, in single precision, of a product of matrices."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6)
    if isinstance(one, dict):
        # The launch before the last move is known of stored titles alone.
        return one.keys() == other.keys() and all(alike(one[k], other[k]) for k in one if k != "previous_launch_at")
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other


def cells_of(answer):
    return {
        (cell["title_id"], cell["cell"]["market"], cell["cell"]["surface"]): cell
        for title in answer["titles"]
        for cell in title["cells"]
    }


def test_stored_titles_given_again_hear_the_same_findings_and_predictions(api, titles):
    stored = api.get("/v1/check").json()
    given = api.post("/v1/check", json={"titles": titles}).json()

    expected = {
        (cell["title_id"], cell["cell"]["market"], cell["cell"]["surface"]): cell for cell in stored["report"]["cells"]
    }
    assert len(expected) > 50
    found = cells_of(given)
    assert found.keys() == expected.keys()
    assert [key for key in expected if not alike(found[key], expected[key])] == []
    assert any(cell["findings"] for cell in expected.values())
    assert {key: given[key] for key in ("exit_code", "n_failed", "n_unknown")} == {
        key: stored[key] for key in ("exit_code", "n_failed", "n_unknown")
    }
    assert all(title["is_known"] for title in given["titles"])


def test_predictions_of_a_given_title_are_those_on_its_page(api, titles):
    given = api.post("/v1/check", json={"titles": titles[:1]}).json()["titles"][0]

    page = api.get(f"/v1/titles/{given['title_id']}").json()

    served = {
        (target["market"], target["surface"], target["measure"], target["horizon"]): answer["quantiles"][9]
        for target in page["targets"]
        for answer in target["predictions"]
        if answer["is_served"]
    }
    assert served
    found = {(p["market"], p["surface"], p["measure"], p["horizon"]): p["median"] for p in given["predictions"]}
    assert alike(found, served)


def test_askers_at_the_same_time_hear_what_they_would_have_heard_alone(api, titles):
    bodies = [{"titles": [title]} for title in titles[:6]]
    alone = [api.post("/v1/check", json=body).json() for body in bodies]

    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda body: api.post("/v1/check", json=body), bodies))

    for answer, expected in zip(answers, alone, strict=True):
        heard = answer.json()
        assert heard["notices"] == expected["notices"]
        assert [cell["cell"] for cell in cells_of(heard).values()] == [c["cell"] for c in cells_of(expected).values()]
        assert alike(heard, expected)


def test_a_fix_can_be_tried_before_it_is_made(api, titles):
    title = next(each for each in titles if each["fields"].get("synopsis"))
    broken = {**title, "title_id": "tried-out", "fields": {**title["fields"], "synopsis": "TBA"}}
    soon = [{**launch, "launch_at": "2026-03-03T00:00:00Z"} for launch in title["launches"]]
    broken["launches"], broken["expectations"] = soon, []

    answer = api.post("/v1/check", json={"titles": [broken]}).json()["titles"][0]

    fields = {finding["field"] for cell in answer["cells"] for finding in cell["findings"]}
    assert "synopsis" in fields
    assert not answer["is_known"]


def test_the_store_is_the_same_byte_for_byte(api, settings, titles):
    store = Path(settings).parent / ".recsysops" / "recsysops.sqlite"
    before = hashlib.sha256(store.read_bytes()).hexdigest()

    accepted = api.post("/v1/check", json={"titles": titles[:2]})
    refused = api.post("/v1/check", content=json.dumps({"titles": [{"title_id": 1}]}))

    assert (accepted.status_code, refused.status_code) == (200, 422)
    assert hashlib.sha256(store.read_bytes()).hexdigest() == before


def test_the_command_line_judges_the_same_file(api, settings, titles, tmp_path, capsys):
    file = tmp_path / "titles.json"
    file.write_text(json.dumps({"titles": titles[:3]}))
    given = api.post("/v1/check", content=file.read_bytes()).json()

    with pytest.raises(SystemExit) as ended:
        main(["--settings", str(settings), "check", "--titles", str(file), "--json"])

    told = json.loads(capsys.readouterr().out)
    assert ended.value.code == given["exit_code"] == told["exit_code"]
    assert {cell["cell"]["why"] for cell in told["report"]["cells"]} == {
        cell["cell"]["why"] for title in given["titles"] for cell in title["cells"]
    }


REPAIRABLE = {"synopsis_missing", "synopsis_language", "genre_wrong", "rating_missing"}
"""Faults that a field alone repairs, in the market without overrides."""


def test_a_repaired_field_moves_the_prediction_as_it_moved_the_world(api, simulated):
    """The world served each faulty title twice: as it is, and without its fault, to the same members."""
    world = build_world(WorldConfig.small())
    truth = pd.read_parquet(simulated.truth_treatment)
    truth = truth[(truth["horizon"] == 1) & (truth["market"] == "US")].set_index(["title_id", "surface"])
    moved = []
    for number, fault in enumerate(world.faults):
        title_id = world.slate.item_id[fault.row]
        if fault.kind.name in REPAIRABLE and world.slate.launch_day[fault.row] >= world.config.n_history_days:
            fields = repaired(world, fault.row, len(world.slate.role) + number, simulated.as_of)

            answer = api.post(f"/v1/titles/{title_id}/what-if", json={"fields": fields, "market": "US"}).json()

            assert answer["through"] == "recommender", answer["reason"]
            moved += [(truth.loc[title_id, t["surface"]], t) for t in answer["targets"] if t["horizon"] == 1]
    assert len(moved) >= 6
    for real, target in moved:
        assert real["reach_without_faults"] > real["reach"]
        assert target["through"] == "recommender"
        assert target["change"]["median"] > 0.01, (target, real)


def repaired(world, row, clean_row, as_of):
    """Return the fields in which a title's last known version differs from the one without the fault."""
    known = world.versions[world.versions["observed_at"] <= as_of]
    broken, clean = (known[known[f.TITLE] == each].iloc[-1] for each in (row, clean_row))
    return {name: clean[name] for name in f.FIELDS if clean[name] != broken[name] and clean[name] == clean[name]}


def test_a_removed_synopsis_and_a_later_launch_are_asked_about_and_nothing_changes(api, settings, titles):
    title_id = next(each["title_id"] for each in titles if each["fields"].get("synopsis"))
    store = Path(settings).parent / ".recsysops" / "recsysops.sqlite"
    before = hashlib.sha256(store.read_bytes()).hexdigest()

    same = api.post(f"/v1/titles/{title_id}/what-if", json={}).json()
    gone = api.post(f"/v1/titles/{title_id}/what-if", json={"fields": {"synopsis": ""}, "launch": "2026-03-24"}).json()

    assert gone["through"] == "recommender"
    assert {cell["n_members"] > 0 for cell in gone["cells"]} == {True}
    page = api.get(f"/v1/titles/{title_id}").json()
    on_page = {(t["market"], t["surface"], t["horizon"]): t["predictions"][0]["quantiles"] for t in page["targets"]}
    for target in same["targets"]:
        assert target["before"] == target["after"]
        key = target["market"], target["surface"], target["horizon"]
        assert alike(target["before"]["quantiles"], on_page[key])
    assert hashlib.sha256(store.read_bytes()).hexdigest() == before


def test_the_command_line_says_the_same_as_the_api(api, settings, titles, capsys):
    title_id = titles[0]["title_id"]
    told = api.post(f"/v1/titles/{title_id}/what-if", json={"fields": {"genres": ["Drama", "Crime"]}}).json()

    with pytest.raises(SystemExit) as ended:
        main(["--settings", str(settings), "whatif", title_id, "--set", "genres=Drama,Crime", "--json"])

    said = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert said["changes"] == told["changes"]
    assert alike([t["after"]["quantiles"] for t in said["targets"]], [t["after"]["quantiles"] for t in told["targets"]])
