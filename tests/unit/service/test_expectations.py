from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.service.cells import upcoming_cells
from recsysops.service.expectations import expectations_known

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


def plan(unit_name="share", low=0.04, best=0.06, high=0.09, observed_days_ago=20):
    at = AS_OF - timedelta(days=observed_days_ago)
    return ("t", "us", "home", "reach", 1, at, low, best, high, 0.8, unit_name, "team")


def predictions(denominator=2000.0):
    row = dict.fromkeys(c.PREDICTION, np.nan)
    row.update(title_id="t", market="us", surface="home", measure="reach", horizon=1, denominator=denominator)
    return pd.DataFrame([row])


def read(world, frame):
    with world.store.read() as unit:
        return expectations_known(unit, upcoming_cells(unit, AS_OF, 28), frame, AS_OF)


def test_a_plan_in_members_becomes_a_share_of_the_predicted_denominator(world):
    world.upcoming(t="good")
    world.plans(plan("members", 80, 120, 180))

    known = read(world, predictions())

    assert known[[c.LOW, c.BEST, c.HIGH]].iloc[0].tolist() == pytest.approx([0.04, 0.06, 0.09])
    assert known["q50"].iloc[0] == pytest.approx(0.06, rel=0.05)


def test_a_plan_in_members_without_a_denominator_has_no_distribution(world):
    world.upcoming(t="good")
    world.plans(plan("members", 80, 120, 180))

    known = read(world, predictions()[:0])

    assert known[[c.BEST, "q50"]].isna().all(axis=None)


def test_a_plan_in_shares_needs_no_denominator(world):
    world.upcoming(t="good")
    world.plans(plan())

    known = read(world, predictions()[:0])

    assert known["q50"].iloc[0] == pytest.approx(0.06, rel=0.05)


def test_the_latest_plan_known_counts_and_later_ones_do_not(world):
    world.upcoming(t="good")
    world.plans(plan(best=0.05), plan(best=0.07, observed_days_ago=3), plan(best=0.08, observed_days_ago=-3))

    known = read(world, predictions())

    assert known[c.BEST].tolist() == pytest.approx([0.07])


def test_a_plan_for_all_markets_does_not_stand_in_for_one_market(world):
    world.upcoming(t="good")
    row = list(plan())
    row[1] = c.ALL
    world.plans(tuple(row))

    assert read(world, predictions()).empty
