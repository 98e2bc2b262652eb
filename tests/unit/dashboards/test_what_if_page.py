"""The section What if of the title page: the form filled with what stands, and the two sides beside each other."""

from datetime import date, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from recsysops.client import Client
from recsysops.clock import fixed_clock
from recsysops.domain.what_if import Through, WhatIfCell
from recsysops.http import create_app
from recsysops.settings import Settings
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import API_KEY, InProcessTransport, sample_context
from recsysops.testing.sample_results import AS_OF, Sample, fill
from recsysops.testing.sample_what_if import UNLIKE, sample_what_if


def section(client, target):
    from recsysops_dashboards._what_if import show_what_if

    show_what_if(client, target.title_id, target.target)


class Shown:
    """A title and what is chosen on its page."""

    def __init__(self, client, title_id="t-0001"):
        self.title_id = title_id
        self.target = client.title("t-0001").targets[0]


def opened(client, title_id="t-0001") -> AppTest:
    test = AppTest.from_function(section, args=(client, Shown(client, title_id)), default_timeout=60)
    test.query_params["whatif"] = "true"
    test.run()
    assert not test.exception
    return test


def html_of(test: AppTest) -> str:
    return "\n".join(element.proto.body for element in test.get("html"))


def submitted(test: AppTest, field: str, value: str) -> AppTest:
    test.selectbox[0].select(field).run()
    box = (test.text_area or test.text_input)[0]
    box.set_value(value)
    test.button[0].click().run()
    assert not test.exception
    return test


def test_nothing_is_asked_before_someone_wants_it(client):
    test = AppTest.from_function(section, args=(client, Shown(client)), default_timeout=60).run()

    assert "Nothing is stored" in html_of(test)
    assert not test.button


def test_the_form_is_filled_with_what_stands(client):
    test = opened(client)
    test.selectbox[0].select("genres").run()

    assert test.text_input[0].value == "drama,thriller"
    assert test.date_input[0].value == date(2026, 3, 10)
    assert "series_id (missing)" in test.selectbox[0].options
    assert "Launches 2026-03-10 08:00 in de" in html_of(test)


def test_nothing_changed_is_said(client):
    test = opened(client)
    test.button[0].click().run()

    assert "both sides are the same" in html_of(test)
    assert not test.get("arrow_vega_lite_chart")


def test_a_change_shows_both_sides_and_the_way_they_came(client):
    test = submitted(opened(client), "synopsis", "")
    html = html_of(test)

    assert "Through the model alone" in html
    assert "nobody can be asked" in html
    assert "Ranges before and after" in html
    assert "the median -" in html
    assert len(test.get("arrow_vega_lite_chart") or test.get("vega_lite_chart")) == 3
    assert "an association" in html


def test_another_launch_day_is_asked_about(client):
    test = opened(client)
    test.date_input[0].set_value(date(2026, 3, 20))
    test.button[0].click().run()

    assert "2026-03-20 08:00 UTC" in html_of(test)


def test_what_is_refused_is_said_and_the_form_stays(client):
    test = opened(client)
    test.date_input[0].set_value(date(2026, 1, 20))
    test.button[0].click().run()

    assert "Nothing was predicted" in html_of(test)
    assert "is not ahead" in html_of(test)
    assert test.button


def test_what_would_be_unknown_is_said(client):
    html = html_of(submitted(opened(client), "synopsis", UNLIKE))

    assert "As changed unknown: it is unlike anything" in html


def test_a_launched_title_has_no_form():
    store = FakeStore()
    fill(store, Sample(n_titles=2, n_predicted=2))
    context = sample_context(store, what_if=sample_what_if(store, fixed_clock(AS_OF + timedelta(days=90)), Settings()))
    made = Client("http://api.test", API_KEY, transport=InProcessTransport(create_app(context)))

    test = opened(made)

    assert "launched at" in html_of(test)
    assert not test.button


@pytest.mark.parametrize("reason", ["", "Not eligible: no licence."])
def test_what_the_recommender_said_is_told_for_the_place_shown(client, reason):
    from recsysops_dashboards._what_if_parts import said_sentence, way

    cell = WhatIfCell(
        market="de", surface="home", through=Through.RECOMMENDER, reason=reason, n_members=1500, reach_before=0.2,
        reach_after=0.1, alone_before=0.25, alone_after=0.15, standard_error=0.01,
    )  # fmt: skip
    answer = client.what_if("t-0001", {"synopsis": ""})
    told = type(answer)(**{**vars(answer), "cells": (cell,), "recommender": "ranker-1", "through": Through.RECOMMENDER})

    sentence = said_sentence(told, "de", "home")

    assert "1,500 members of de · home" in sentence
    assert "20 %" in sentence
    assert "10 %" in sentence
    assert reason in sentence
    assert said_sentence(told, "us", "home") == ""
    assert "ranker-1" in way(told).markup


def test_hostile_texts_stay_text(hostile_client):
    test = submitted(opened(hostile_client), "name", "<img src=x onerror=alert(1)>")

    assert "<img src=x" not in html_of(test)
    assert "&lt;img src=x" in html_of(test)
