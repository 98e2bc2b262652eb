"""The `http` adapter against a real server on loopback, with every fault planted."""

import shutil
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import SecretStr, ValidationError

from recsysops import columns as c
from recsysops.contract.recommender import Ability, AskedTitle
from recsysops.errors import RecommenderError
from recsysops.settings import ShadowSettings
from recsysops.shadow import LazyRecommender
from recsysops.shadow.http import ADAPTER, HttpSettings, connect
from recsysops.testing.fake_recommender import FakeRecommender, a_place
from recsysops.testing.recommender_server import HttpFault, RecommenderServer

AT = datetime(2026, 3, 7, tzinfo=UTC)
TITLES = [AskedTitle(title_id=each) for each in ("a", "b", "ünï 片")]
MEMBERS = ["m1", "m2"]


@pytest.fixture
def server():
    with RecommenderServer(FakeRecommender(never=frozenset({"b"}), excluded={"a": "no licence"})) as running:
        yield running


def joined(server, folder, **changes):
    return connect(HttpSettings(**{"url": server.url, "answer_seconds": 2} | changes), folder)


def test_answers_are_those_of_the_recommender_behind_it(server, tmp_path):
    there, here, place = joined(server, tmp_path), server.recommender, a_place(AT, known_at=AT - timedelta(days=7))

    assert there.abilities == frozenset(Ability)
    assert there.version == "fake-1"
    assert np.array_equal(there.score(MEMBERS, TITLES, place), here.score(MEMBERS, TITLES, place))
    assert np.array_equal(there.candidates(MEMBERS, TITLES, place), here.candidates(MEMBERS, TITLES, place))
    assert there.eligibility(TITLES, place) == here.eligibility(TITLES, place)
    assert here.places[0] == place


def test_changed_metadata_travels(server, tmp_path):
    asked = [AskedTitle(title_id="a", fields={"level": 7.5, "genres": ["drama"], "rating": None})]

    joined(server, tmp_path).score(MEMBERS, asked, a_place(AT))

    path, body = server.requests[-1]
    assert path == "score"
    assert body["titles"] == [{"title_id": "a", "fields": {"level": 7.5, "genres": ["drama"], "rating": None}}]
    assert "known_at" not in body


def test_a_changed_launch_travels_and_arrives(server, tmp_path):
    joined(server, tmp_path).score(MEMBERS, [AskedTitle(title_id="a", launch_at=AT)], a_place(AT))

    _, body = server.requests[-1]
    assert body["titles"] == [{"title_id": "a", "launch_at": AT.isoformat()}]


def test_one_connection_serves_all_questions(server, tmp_path):
    there = joined(server, tmp_path)
    for _ in range(5):
        there.score(MEMBERS, TITLES, a_place(AT))

    assert server.n_connections == 1


FAULTS = {
    HttpFault.SLOW: "ReadTimeout",
    HttpFault.DRIPS: "took longer than",
    HttpFault.RAGGED: "rows of one length",
    HttpFault.NAN: "without NaN",
    HttpFault.TEXT_FOR_NUMBERS: "numbers or null",
    HttpFault.NOT_JSON: "JSON without NaN",
    HttpFault.NOT_AN_OBJECT: "a JSON object",
    HttpFault.NESTED: "JSON",
    HttpFault.STATUS_500: "status 500",
    HttpFault.REDIRECT: "status 302",
    HttpFault.HANG_UP: "RemoteProtocolError",
    HttpFault.HUGE_BODY: "larger than 1 MB",
}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_an_error_that_says_what_to_do(server, tmp_path, fault):
    there = joined(server, tmp_path, answer_seconds=0.4, max_answer_mb=1)
    server.fault = fault
    began = time.perf_counter()

    with pytest.raises(RecommenderError, match=FAULTS[fault]):
        there.score(MEMBERS, TITLES, a_place(AT))

    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("fault", HttpFault, ids=str)
def test_no_fault_of_a_server_stops_a_session(server, tmp_path, window, sample, fault):
    server.fault = fault
    server.slow_seconds = 0.6
    settings = HttpSettings(url=server.url, answer_seconds=0.3, max_answer_mb=1)
    limits = ShadowSettings(timeout_seconds=0.4, slots=5)

    frame = LazyRecommender(ADAPTER, settings, tmp_path).session(limits).ask(window("x"), sample(20))

    assert frame[c.REACH_JOINT].isna().all()
    assert len(frame[c.REASON].iloc[0]) > 20


def test_a_server_without_faults_answers_a_session(server, tmp_path, window, sample):
    settings = HttpSettings(url=server.url)
    lazy = LazyRecommender(ADAPTER, settings, tmp_path)
    assert server.requests == []  # not connected before it is asked

    frame = lazy.session(ShadowSettings(slots=5)).ask(window("x"), sample(20))

    assert frame[c.REACH_JOINT].notna().all()
    assert frame[c.REASON].isna().all()
    lazy.session(ShadowSettings())
    assert [path for path, _ in server.requests].count("about") == 1


def test_a_server_that_is_not_there_is_told_not_raised(tmp_path, window, sample):
    with RecommenderServer(FakeRecommender()) as gone:
        settings = HttpSettings(url=gone.url)
    asking = LazyRecommender(ADAPTER, settings, tmp_path).session(ShadowSettings())

    frame = asking.ask(window("x"), sample(20))

    assert "cannot be asked" in asking.reason
    assert frame[c.REASON].iloc[0].startswith("cannot_connect")


def test_a_server_that_comes_back_is_asked_by_the_next_session(server, tmp_path, window, sample):
    lazy = LazyRecommender(ADAPTER, HttpSettings(url=server.url), tmp_path)
    server.fault, server.is_about_faulty = HttpFault.STATUS_500, True
    assert lazy.session(ShadowSettings()).reason

    server.fault = None

    assert lazy.session(ShadowSettings()).reason == ""


@pytest.mark.parametrize("about", [{}, {"abilities": "score"}, {"abilities": None}])
def test_about_must_say_the_abilities(tmp_path, about, monkeypatch):
    monkeypatch.setattr("recsysops.testing.recommender_server.answer_of", lambda *_: about)
    with RecommenderServer(FakeRecommender()) as odd, pytest.raises(RecommenderError, match='an "abilities" list'):
        joined(odd, tmp_path)


def test_abilities_of_a_later_version_are_left_aside(tmp_path, monkeypatch):
    about = {"abilities": ["score", "time_travel", 3], "version": 7}
    monkeypatch.setattr("recsysops.testing.recommender_server.answer_of", lambda *_: about)
    with RecommenderServer(FakeRecommender()) as later:
        there = joined(later, tmp_path)

    assert there.abilities == {Ability.SCORE}
    assert there.version == ""


@pytest.mark.parametrize(
    ("ability", "answer", "expected"),
    [
        ("candidates", {"candidates": [[1, 0, 1]]}, "true or false"),
        ("candidates", {"candidates": {"m1": []}}, "a list of lists"),
        ("score", {"scores": [[True, 1, 2]]}, "numbers or null"),
        ("eligibility", {"eligibility": {}}, 'an "eligibility" list'),
        ("eligibility", {"eligibility": [{"title_id": "a"}]}, '"title_id" and "eligible"'),
        ("eligibility", {"eligibility": ["a"]}, '"title_id" and "eligible"'),
    ],
)
def test_answers_of_the_wrong_kind_are_refused(server, tmp_path, monkeypatch, ability, answer, expected):
    there = joined(server, tmp_path)
    monkeypatch.setattr("recsysops.testing.recommender_server.answer_of", lambda *_: answer)

    question = (TITLES, a_place(AT)) if ability == "eligibility" else (MEMBERS, TITLES, a_place(AT))
    with pytest.raises(RecommenderError, match=expected):
        getattr(there, ability)(*question)


# --- tokens and settings ---------------------------------------------------------------------------------------------


@pytest.fixture
def guarded():
    with RecommenderServer(FakeRecommender(), token="s3cret-token") as running:
        yield running


def test_a_token_from_a_file_opens_the_door_and_is_shown_nowhere(guarded, tmp_path):
    (tmp_path / "token").write_text("s3cret-token\n", encoding="utf-8")
    settings = HttpSettings(url=guarded.url, token_file="token")

    there = connect(settings, tmp_path)

    assert there.version == "fake-1"
    assert "s3cret" not in repr(settings) + repr(there) + str(vars(there))


def test_a_token_in_the_settings_opens_the_door(guarded, tmp_path):
    settings = HttpSettings(url=guarded.url, token=SecretStr("s3cret-token"))

    assert connect(settings, tmp_path).version == "fake-1"
    assert "s3cret" not in repr(settings)


def test_a_wrong_token_is_a_status_that_does_not_tell_it(guarded, tmp_path):
    with pytest.raises(RecommenderError, match="status 401") as raised:
        connect(HttpSettings(url=guarded.url, token=SecretStr("wrong-token")), tmp_path)

    assert "wrong-token" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"two\nlines", "schlüssel".encode(), b"\xff\xfe"])
def test_a_token_file_without_one_token_is_refused(server, tmp_path, content):
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(RecommenderError, match="token"):
        joined(server, tmp_path, token_file="token")


def test_files_that_are_not_there_are_named(server, tmp_path):
    with pytest.raises(RecommenderError, match="token_file"):
        joined(server, tmp_path, token_file="nothing")
    with pytest.raises(RecommenderError, match="ca_file"):
        joined(server, tmp_path, ca_file="nothing.pem")


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://host"},
        {"url": "recommender"},
        {"url": "https://user:pw@host"},
        {"url": "https://host/?key=1"},
        {"url": "http://recommender.internal", "token": "x"},
        {"url": "https://host", "token": "x", "token_file": "y"},
        {"url": "https://host", "retries": 3},
        {"url": "https://host", "answer_seconds": 0},
        {},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        HttpSettings(**wrong)


@pytest.mark.parametrize("url", ["http://localhost:80", "http://127.0.0.1", "http://[::1]:8", "https://far.example"])
def test_a_token_may_travel_on_loopback_or_encrypted(url):
    assert HttpSettings(url=url + "/", token=SecretStr("x")).url == url


def test_certificates_of_its_own_are_read(server, tmp_path):
    import certifi

    shutil.copy(certifi.where(), tmp_path / "own.pem")

    assert joined(server, tmp_path, ca_file="own.pem").version == "fake-1"
