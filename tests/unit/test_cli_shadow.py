"""`recsysops shadow` and `plugins` with a recommender behind HTTP: settings to stored answers and what is shown."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.contract.recommender import Ability
from recsysops.store import open_store
from recsysops.testing.fake_recommender import FakeRecommender
from recsysops.testing.recommender_server import RecommenderServer

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def service(tmp_path):
    """Write files of a service with 15 old titles and 2 upcoming ones, and settings that ask `url`."""

    def make(url: str) -> str:
        launches = [(f"old{i}", NOW - timedelta(days=100 + i)) for i in range(15)]
        launches += [(f"new{i}", NOW + timedelta(days=6)) for i in range(2)]
        frame = pd.DataFrame(launches, columns=["id", "at"])
        frame["seen"] = frame["at"] - timedelta(days=90)
        frame["market"], frame["surface"] = "us", "home"
        frame.to_csv(tmp_path / "launches.csv", index=False)
        frame.assign(name=frame["id"], genre="drama").to_csv(tmp_path / "titles.csv", index=False)
        rows = [(NOW - timedelta(days=d, hours=3), f"m{m}", "old1") for d in range(3) for m in range(40)]
        log = pd.DataFrame(rows, columns=["ts", "member", "id"]).assign(market="us", surface="home")
        log.to_csv(tmp_path / "log.csv", index=False)
        columns = 'market = "market"\n'
        (tmp_path / "recsysops.toml").write_text(
            f"""
[service]
name = "s"
as_of = {NOW.isoformat()}
[sources.titles]
path = "titles.csv"
columns = {{ title_id = "id", observed_at = "seen", name = "name" }}
[sources.launches]
path = "launches.csv"
columns = {{ title_id = "id", launch_at = "at", observed_at = "seen" }}
[sources.impressions]
path = "log.csv"
columns = {{ title_id = "id", member_id = "member" }}
[shadow]
slots = 5
[recommender]
type = "http"
url = "{url}"
""".replace(columns, "")
        )
        return str(tmp_path / "recsysops.toml")

    return make


def test_answers_go_from_the_recommender_into_the_store(ask, service, tmp_path):
    with RecommenderServer(FakeRecommender(version="v7")) as server:
        settings = service(server.url)
        code, out, err = ask("--settings", settings, "ingest", "-q")
        assert code == 0, out + err

        code, out, err = ask("--settings", settings, "shadow", "-q")

        assert code == 0, err
        assert "Asked about 2 cells: 2 answered by v7." in " ".join(out.split())
        bodies = [body for path, body in server.requests if path == "score"]
        assert {member for body in bodies for member in body["members"]} == {f"m{m}" for m in range(40)}
    store = open_store(f"sqlite:///{next(tmp_path.rglob('recsysops.sqlite'))}", read_only=True)
    with store.read() as unit:
        frame = unit.shadow.latest()
    store.close()
    assert frame[c.TITLE_ID].tolist() == ["new0", "new1"]
    assert frame[c.N_MEMBERS].tolist() == [40, 40]
    assert frame[c.REACH_JOINT].notna().all()


def test_past_launches_are_asked_about_and_what_is_missing_is_said(ask, service):
    with RecommenderServer(FakeRecommender(abilities=frozenset({Ability.SCORE}))) as server:
        settings = service(server.url)
        ask("--settings", settings, "ingest", "-q")

        code, out, _ = ask("--settings", settings, "shadow", "--past", "--json")

        assert code == 0
        report = json.loads(out)
        assert report["n_cells"] == 0
        assert "lacks the ability past" in out


def test_a_recommender_that_is_not_there_is_said_and_fails_nothing(ask, service):
    with RecommenderServer(FakeRecommender()) as server:
        settings = service(server.url)
    ask("--settings", settings, "ingest", "-q")

    code, out, _ = ask("--settings", settings, "shadow", "-q")

    assert code == 0
    assert "0 answered" in out
    assert "cannot_connect" in out


def test_the_recommender_is_among_the_plugins(ask, service):
    code, out, _ = ask("--settings", service("https://recommender.example"), "plugins")

    assert code == 0
    assert "recommender" in out
    assert "JSON over HTTP" in out
