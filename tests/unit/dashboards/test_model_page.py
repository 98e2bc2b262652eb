"""The Model page, run by Streamlit's test runner over an API in this process."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from recsysops.client import Client
from recsysops.domain.model import ModelCard
from recsysops.domain.scoreboard import Figure, ScoreFilter
from recsysops.http import create_app
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import API_KEY, InProcessTransport, sample_context
from recsysops.testing.sample_results import AS_OF, Sample, fill
from recsysops.testing.sample_scores import SampleScores, fill_scores
from recsysops_dashboards._score_charts import (
    calibration_chart,
    calibration_sentence,
    lead_sentence,
    tenths_chart,
    tenths_sentence,
)
from recsysops_dashboards._score_tables import models_table
from recsysops_dashboards._score_words import error, percent, predictor, skill

EVIL = " <img src=x onerror=alert(1)> ![x](http://example.com/a.png)"


def model_page(client):
    from recsysops_dashboards import model

    model.show(client)


def client_of(sample: Sample | None, scores: SampleScores | None) -> Client:
    store = FakeStore()
    if sample:
        fill(store, sample)
    if scores:
        fill_scores(store, scores)
    return Client("http://api.test", API_KEY, transport=InProcessTransport(create_app(sample_context(store))))


@pytest.fixture(scope="module")
def client() -> Client:
    return client_of(Sample(n_titles=3, n_predicted=3, suffix=EVIL), SampleScores(n_titles=44, suffix=EVIL))


@pytest.fixture(scope="module")
def board(client):
    return client.scoreboard(ScoreFilter(measure="reach", horizon=7))


def page(client: Client, **query: str) -> AppTest:
    test = AppTest.from_function(model_page, args=(client,), default_timeout=120)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def html_of(test: AppTest) -> str:
    return "\n".join(element.proto.body for element in test.get("html"))


def test_the_page_shows_models_record_charts_groups_and_titles(client):
    test = page(client, target="Reach, 7 days")

    html = html_of(test)
    for part in ("Models in use", "Predicted against actual", "Error by group", "Titles we were most wrong about"):
        assert part in [header.value for header in test.subheader] or part in html
    assert "Challenger: predicts beside it" in html
    assert "m-2" in html
    assert "After launch (places scored): " in html
    assert "1–20 of 44" in html
    assert len(test.get("arrow_vega_lite_chart") or test.get("vega_lite_chart")) == 3


def test_hostile_names_are_text(client):
    html = html_of(page(client))

    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_lead_and_predictor_of_the_address_are_shown(client):
    html = html_of(page(client, target="Reach, 7 days", lead="14 days before", by="Comparable titles"))

    assert "Comparable titles: off by" in html
    assert "every quantile lies within" in html or "quantiles lie outside" in html
    titles = html.split('aria-label="Titles we were most wrong about"')[1]
    assert "Comparable titles" in titles
    assert "m-1" not in titles


def test_a_page_beyond_the_end_is_the_first(client):
    assert "1–20 of 44" in html_of(page(client, misses_page="99"))
    assert "21–40 of 44" in html_of(page(client, misses_page="2"))


def test_before_the_first_launch_it_says_so_and_shows_the_models():
    html = html_of(page(client_of(Sample(n_titles=3, n_predicted=3), None)))

    assert "Nothing that was predicted has launched" in html
    assert "learned from 900 titles (14,400 rows)" in html
    assert "No challenger." in html


def test_before_the_first_training_it_says_so():
    html = html_of(page(client_of(None, None)))

    assert "No model was trained yet" in html


def test_a_period_without_launches_says_so():
    old = SampleScores(n_titles=4, as_of=AS_OF.replace(year=2024))
    test = page(client_of(Sample(n_titles=3, n_predicted=3), old))

    assert "No title that launched in this time was predicted before" in html_of(test)


def test_a_challenger_with_a_card_stands_beside_the_champion(board):
    champion = ModelCard(
        model_id="m-1", measure="reach", horizon=7, trained_as_of=AS_OF, n_titles=1, n_rows=1, folder="f",
        manifest_sha256="0", serves="comparable_titles", reason="It was worse.", label="not point-in-time",
    )  # fmt: skip
    challenger = replace(champion, model_id="m-2", serves="model", reason="", scores={"coverage_80": 0.79})

    markup = models_table([champion], board, [challenger]).markup

    assert "comparable titles serve" in markup
    assert "It was worse." in markup
    assert "not point-in-time" in markup
    assert "79% of outcomes in the 80 % interval" in markup
    assert markup.index("m-1") < markup.index("m-2")
    assert markup.count("After launch (places scored)") == 2
    unscored = models_table([replace(champion, model_id="m-9")], board).markup
    assert "no title it predicted has launched" in unscored


@pytest.mark.parametrize(
    ("bins", "said"),
    [
        ((0.1,) * 10, "About even"),
        ((0.3, *(0.05,) * 8, 0.3), "too narrow"),
        ((0.0, 0.0, 0.0, 0.3, 0.2, 0.2, 0.3, 0.0, 0.0, 0.0), "wider than they need be"),
        ((0.15, 0.17, 0.17, 0.15, 0.16, 0.04, 0.04, 0.04, 0.04, 0.04), "below the median too often"),
        ((0.04, 0.04, 0.04, 0.04, 0.04, 0.16, 0.15, 0.17, 0.17, 0.15), "above the median too often"),
    ],
)
def test_the_shape_of_the_histogram_is_told_in_words(board, bins, said):
    found = replace(board.calibrations[0], bins=bins, band_low=0.08, band_high=0.12)

    assert said in tenths_sentence(found)


def test_calibration_is_told_in_words(board):
    own = board.calibrations[0]
    off = replace(own.points[3], observed=0.9)

    fine = calibration_sentence(replace(own, points=(replace(own.points[0], observed=own.points[0].nominal),)))
    broken = calibration_sentence(replace(own, points=(off, *own.points[4:])))

    assert "every quantile lies within what chance allows" in fine
    assert "below the 20% quantile were 90% of the outcomes" in broken


def test_the_curve_is_told_in_words(board):
    said = lead_sentence(board)

    assert said.startswith("What was shown: off by ")
    assert "14 days before (176 launches)" in said
    assert said.endswith("Every point is about the same launches.")
    assert "Leads differ in launches" in lead_sentence(replace(board, is_curve_paired=False))
    assert lead_sentence(replace(board, curve=())) == ""


def test_charts_hold_what_they_show(board):
    calibration = calibration_chart(board.calibrations).to_dict()
    tenths = tenths_chart(board.calibrations[0]).to_dict()

    assert len(calibration["layer"]) == 2
    rows = [row for rows in tenths["datasets"].values() for row in rows if "share" in row]
    assert sum(row["share"] for row in rows) == pytest.approx(100)


def test_figures_are_told_in_words():
    assert error(Figure(value=0.234, low=0.2, high=0.3)) == ("0.23", "0.20 to 0.30")
    assert percent(Figure(value=0.8)) == ("80 %", "")
    assert skill(None) == ("–", "")
    assert skill(Figure(value=-0.05, low=-0.1, high=0.0)) == ("5 % worse", "-10 to 0 %")
    assert predictor("challenger_two") == "Challenger two"
