"""When each past launch is looked at to be learned from: as it will stand when the next ones are predicted."""

from typing import Final

import numpy as np

from recsysops.domain.shadow import chosen_leads
from recsysops.model._asof import DAY, Ints
from recsysops.model._past import NO_TIME, Past, Rows
from recsysops.model._shadow import ShadowBook

_FRESH_DAYS: Final = 7
"""An answer no older belongs to a lead."""


def leads_of(past: Past) -> Ints:
    """Return one of the leads for each past cell: the one its launch is learned at, if nobody was asked."""
    return chosen_leads(past.title, past.market, past.surface)


def taught(past: Past, answers: ShadowBook) -> Rows:
    """Return past launches as they are learned from, each cut at one time before its launch.

    A run asks the recommender and predicts at once, so what is predicted has a fresh answer. So has what is learned
    from: a launch is cut when the recommender answered last before its lead, or, if that is more than a week before
    or was never, when it answered last before the launch. Where it never answered the lead alone decides.

    Args:
        past: Past launches.
        answers: What the recommender said.
    """
    rows = past.rows(leads_of(past))
    at_lead, before = (answers.asked(rows.title, rows.place, cut) for cut in (rows.cut, past.launch - 1))
    is_fresh = at_lead >= rows.cut - _FRESH_DAYS * DAY
    cut = np.where(is_fresh, at_lead, np.where(before > NO_TIME, before, rows.cut))
    return past.cut_at(cut)
