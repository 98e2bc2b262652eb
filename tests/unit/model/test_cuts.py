"""When past launches are looked at to be learned from."""

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import AS_OF, MARKET, MODEL_VERSION, N_MEMBERS, REACH_JOINT, SHADOW_SCORE, SURFACE, TITLE_ID
from recsysops.model._asof import DAY
from recsysops.model._cuts import leads_of, taught
from recsysops.model._past import Past
from recsysops.model._shadow import ShadowBook

LAUNCH = 40 * DAY


def past(n):
    titles = np.array([f"t{at}" for at in range(n)], dtype=object)
    us, home = np.full(n, "us", dtype=object), np.full(n, "home", dtype=object)
    whole = np.full(n, LAUNCH, dtype=np.int64)
    return Past(titles, us, home, whole, whole + DAY, np.zeros(n), np.full(n, 1000.0))


def answers(*asked):
    """Return a book of answers about titles, each as (title, days since 1970)."""
    frame = pd.DataFrame(np.nan, index=range(len(asked)), columns=list(SHADOW_SCORE)).astype(object)
    frame[TITLE_ID], frame[MARKET], frame[SURFACE] = [title for title, _ in asked], "us", "home"
    frame[AS_OF] = pd.to_datetime([day * DAY for _, day in asked], unit="us", utc=True).as_unit("us")
    frame[REACH_JOINT], frame[N_MEMBERS], frame[MODEL_VERSION] = 0.1, 100.0, "v1"
    return ShadowBook(frame, 100 * DAY)


@pytest.fixture
def title():
    """Return a past of one title, and its lead in days."""
    whole = past(1)
    return whole, int(leads_of(whole)[0])


def test_a_launch_is_cut_when_the_recommender_answered_last_before_its_lead(title):
    whole, lead = title
    day = LAUNCH // DAY - lead

    rows = taught(whole, answers(("t0", day - 5), ("t0", day - 2), ("t0", day + 0.5)))

    assert (rows.cut / DAY).tolist() == [day - 2]
    assert rows.lead[0] == min((each for each in (1, 3, 7, 14) if each >= lead + 2), default=14)


def test_where_that_answer_is_old_or_missing_the_last_before_launch_is_taken(title):
    whole, lead = title
    day = LAUNCH // DAY - lead

    old = taught(whole, answers(("t0", day - 9), ("t0", day + 0.5), ("t0", LAUNCH // DAY)))
    late = taught(whole, answers(("t0", day + 0.5)))

    assert old.cut.tolist() == late.cut.tolist() == [(day + 0.5) * DAY]


def test_a_launch_nobody_was_asked_about_is_cut_at_its_lead():
    whole = past(30)

    rows = taught(whole, answers(("other", 20)))

    assert (rows.cut == whole.launch - leads_of(whole) * DAY).all()
    assert (rows.lead == leads_of(whole)).all()
    assert set(leads_of(whole)) == {1, 3, 7, 14}
