"""Runs world W2's service day by day: writes its logs, and the truth about the first days of launches.

The first day of a launch is served again with another shock, other members and other noise (that is chance), with the
metadata as they should be (what a fault does) and with what production knew on Monday (what comes too late for us).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from _w2_catalogue import Plan, main_genre
from _w2_service import PLACE, SHOCK, Floats, Members, Offer, Served, impressions, offer_of, serve

from recsysops.columns import LAUNCH_AT, MARKET, N_ACTIVE, OBSERVED_AT, SURFACE, TITLE_ID
from recsysops.simulation._fields import (
    IS_HIDDEN,
    REACH,
    REACH_WITHOUT_FAULTS,
    REPEAT,
    REPEATED_ACTIVE,
    REPEATED_REACH,
)  # fmt: skip
from recsysops.simulation.ceiling import Ceiling, measure_ceiling
from recsysops.simulation.truth import logit
from recsysops.trained.asked import TrainedRecommender

AS_OF_MONDAY = -1
"""Number of the repeat with what was known on the Monday before."""


@dataclass(frozen=True)
class Service:
    """What serves the pages of a world."""

    seed: int
    plan: Plan
    members: Members
    production: TrainedRecommender
    n_repeats: int
    """How often each launch day is served again."""


def run(service: Service, folder: Path, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Serve all days; return one row per launch and repeat: TITLE_ID, MARKET, SURFACE, N_ACTIVE and shares of reach.

    Args:
        service: Who serves.
        folder: The logs are written into its folder `impressions`.
        days: Of the world, from its first Monday.
    """
    plan = service.plan
    rng = np.random.default_rng([service.seed, 2])
    shocks = dict(zip(plan.launches[TITLE_ID], rng.normal(0.0, SHOCK, len(plan.launches)), strict=True))
    launched = {day: set(part) for day, part in plan.launches.groupby(LAUNCH_AT)[TITLE_ID]}
    genres = Genres(plan.catalogue)
    truth = []
    for number, day in enumerate(days):
        visitors = service.members.came(number, [service.seed, 3, number])
        offer = offer_of(service.production, visitors, (day, day), genres.known(day))
        served = serve(offer, _of(shocks, offer), (service.seed, 4, number))
        log = impressions(served, offer, visitors, day, service.seed)
        log.to_parquet(folder / "impressions" / f"impressions-{day:%Y-%m-%d}.parquet", index=False)
        new = [at for at, title in enumerate(offer.titles) if title in launched.get(day, ())]
        if new:
            truth.append(_first_days(service, (number, day), genres, shocks, (offer, served, visitors, new)))
    return pd.concat(truth, ignore_index=True)


def _first_days(
    service: Service,
    when: tuple[int, pd.Timestamp],
    genres: "Genres",
    shocks: Mapping[str, float],
    was: tuple[Offer, Served, Sequence[str], Sequence[int]],
) -> pd.DataFrame:
    """Serve a launch day again in other ways; `was` is how it went: offer, pages, members, columns that launched."""
    (number, day), (offer, served, visitors, new) = when, was
    titles = [offer.titles[at] for at in new]
    healthy = {title: service.plan.healthy[title] for title in titles if title in service.plan.healthy}
    mended = offer_of(service.production, visitors, (day, day), genres.known(day), healthy)
    table = pd.DataFrame({TITLE_ID: titles, MARKET: PLACE, SURFACE: PLACE, N_ACTIVE: served.n_active})
    table[REACH] = served.reach(new)
    table[REACH_WITHOUT_FAULTS] = serve(mended, _of(shocks, mended), (service.seed, 4, number)).reach(new)
    table[IS_HIDDEN] = False
    # The last of them is as production would have served the day had it learned nothing since Monday.
    knowing = [day] * service.n_repeats + [day - pd.Timedelta(days=day.weekday())]
    rows = []
    for repeat, known in enumerate(knowing):
        key = [service.seed, 5, number, repeat]
        again = service.members.came(number, key)
        redrawn = dict(shocks) | dict(zip(titles, np.random.default_rng(key).normal(0.0, SHOCK, len(new)), strict=True))
        other = offer_of(service.production, again, (day, known), genres.known(known))
        pages = serve(other, _of(redrawn, other), (service.seed, 6, number, repeat))
        reach = pages.reach([other.titles.index(title) for title in titles])
        rows.append(table.assign(**{REPEAT: repeat, REPEATED_REACH: reach, REPEATED_ACTIVE: pages.n_active}))
    rows[-1][REPEAT] = AS_OF_MONDAY
    return pd.concat(rows, ignore_index=True)


def ceiling_of(folder: Path, cells: pd.DataFrame) -> Ceiling:
    """Return the best R2 of first-day reach over some cells; `hidden` is what production learns after the Monday."""
    truth = pd.read_parquet(folder / "truth" / "repeats.parquet")
    is_early = (truth[REPEAT] == AS_OF_MONDAY).to_numpy()
    best = measure_ceiling(truth[~is_early], cells)
    early = truth[is_early].merge(cells[[TITLE_ID]], on=TITLE_ID)
    actual = logit(early[REACH].to_numpy(), early[N_ACTIVE].to_numpy())
    again = logit(early[REPEATED_REACH].to_numpy(), early[REPEATED_ACTIVE].to_numpy())
    return replace(best, hidden=max(float(((actual - again) ** 2).mean()) - 2 * best.unpredictable, 0.0))


class Genres:
    """The main genre of each title, as known on a day."""

    def __init__(self, catalogue: pd.DataFrame) -> None:
        versions = catalogue.sort_values(OBSERVED_AT, kind="stable")
        self._observed = versions[OBSERVED_AT].reset_index(drop=True)
        self._told = list(zip(versions[TITLE_ID], versions["genres"].map(main_genre), strict=True))

    def known(self, day: pd.Timestamp) -> Mapping[str, str]:
        """Return them by title."""
        return dict(self._told[: int(self._observed.searchsorted(day, side="right"))])


def _of(shocks: Mapping[str, float], offer: Offer) -> Floats:
    return np.array([shocks[title] for title in offer.titles], dtype=np.float32)
