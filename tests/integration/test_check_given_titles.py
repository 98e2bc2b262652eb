"""A stored title that is given again over HTTP hears what the store's gate says of it: same code, same models."""

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
from recsysops.service.run import run_cycle
from recsysops.simulation import WorldConfig, simulate
from recsysops.testing.sample_api import API_KEY, InProcessTransport

SECONDS = 300


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    made = simulate(WorldConfig.small(), folder)
    text = SETTINGS.format(as_of=made.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"))
    (folder / "recsysops.toml").write_text(text.replace('"reach", "impression_share"', '"reach"'))
    (folder / "metadata.toml").write_text(REQUIREMENTS)
    with writing(folder / "recsysops.toml", "run") as ports:
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
