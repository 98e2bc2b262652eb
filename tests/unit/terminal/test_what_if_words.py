"""What a terminal shows of a what-if: ranges on both sides, the way it came, unknown as unknown."""

import io
import re

import pytest
from rich.console import Console

from recsysops import columns as c
from recsysops.clock import fixed_clock
from recsysops.domain.what_if import AskedWhatIf, Through, WhatIfCell
from recsysops.settings import Settings
from recsysops.terminal.what_if import moved
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_results import AS_OF, Sample, fill
from recsysops.testing.sample_what_if import UNLIKE, sample_what_if


@pytest.fixture(scope="module")
def what_ifs():
    store = FakeStore()
    fill(store, Sample(n_titles=3, n_predicted=3, suffix="\x1b[31m"))
    return sample_what_if(store, fixed_clock(AS_OF), Settings())


def shown(answer):
    said = io.StringIO()
    moved(answer, Console(file=said, width=200, highlight=False, markup=False))
    return said.getvalue()


def test_both_sides_are_ranges_with_the_way_they_came(what_ifs):
    text = shown(what_ifs.answer("t-0001", AskedWhatIf(fields={"synopsis": "", "genres": "drama"})))

    assert "judged through the model alone" in text
    assert "The settings have no [recommender]" in text
    assert "(missing)" in text
    assert len(re.findall(r"\d+\.\d % \(\d+\.\d–\d+\.\d; \d+\.\d–\d+\.\d\)", text)) == 24
    assert "! Judged by the model alone" in text
    assert "\x1b" not in text


def test_what_is_unknown_is_said_and_what_is_the_same_too(what_ifs):
    text = shown(what_ifs.answer("t-0001", AskedWhatIf(fields={"synopsis": UNLIKE, "runtime_minutes": 81})))

    assert "unknown: it is unlike" in text.replace("\n", " ")
    assert "81 (the same)" in text


def test_what_the_recommender_said_is_shown_where_it_was_asked(what_ifs):
    answer = what_ifs.answer("t-0001", AskedWhatIf(fields={"synopsis": ""}))
    cell = WhatIfCell(
        market="de", surface="home", through=Through.RECOMMENDER, reason="Not eligible: no licence.", n_members=1500,
        reach_before=0.2, reach_after=0.0, alone_before=0.25, alone_after=0.0, standard_error=0.01,
    )  # fmt: skip

    text = shown(type(answer)(**{**vars(answer), "cells": (cell,), "recommender": "ranker-1"}))

    assert "(ranker-1)" in text
    assert "1,500" in text
    assert "Not eligible: no licence." in text


def test_a_market_stands_beside_what_differs_there_alone(what_ifs):
    answer = what_ifs.answer("t-0001", AskedWhatIf(fields={"genres": "drama"}))
    change = type(answer.changes[0])(what="genres", market="de", before="", after="drama", is_different=True)

    text = shown(type(answer)(**{**vars(answer), "changes": (change,)}))

    assert c.ALL not in text.split("Before and after")[0].split("Changed")[1]
    assert "de" in text
