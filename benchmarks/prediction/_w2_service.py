"""World W2's service: who comes each day, and the pages that the trained recommender in production makes for them.

Production is the adapter's own code as trained by that day (retrieval, then ranking), and a last stage that nobody can
ask: noise of exploration, what the world makes of a title, and a page that takes only so many titles of one genre.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from _w2_catalogue import main_genre

from recsysops.columns import MEMBER_ID, POSITION, TITLE_ID, TS
from recsysops.contract.recommender import AskedTitle, FieldValue, Place
from recsysops.trained.asked import TrainedRecommender

PLACE = "all"
"""Market and surface: there is one page of new titles."""
NOISE = 0.6
"""Scale of the exploration noise, in standard deviations of a member's scores."""
SHOCK = 0.2
"""Standard deviation of what the world makes of a title, in the same unit."""
GENRE_CAP = 4
"""Titles of one main genre that a page takes."""
PAGE = 13
LOOKED_AT = 60
"""Titles the last stage looks at, best first, to fill a page."""
REACH_DAYS = 4.0
"""A rating tells of visits around it, falling by e in so many days."""
VISITS = 1.0
"""Chance of a visit on the day of a rating, in logs: 1 - exp(-VISITS)."""

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Served:
    """The impressions of a day; arrays: one entry per slot that was looked at."""

    n_active: int
    visitor: Ints
    """Number of the visitor among the day's."""
    title: Ints
    """Column of the titles on offer."""
    position: Ints
    """From 1."""

    def reach(self, columns: Sequence[int]) -> npt.NDArray[np.float64]:
        """Return the share of the day's members to whom some titles on offer were shown; a page shows a title once."""
        counts = np.bincount(self.title, minlength=max(columns, default=0) + 1)
        return np.asarray(counts[list(columns)] / self.n_active)


@dataclass(frozen=True)
class Offer:
    """What is on offer on a day."""

    titles: list[str]
    scores: Floats
    """Members x titles: the ranker's, -inf where the first stage did not find the title."""
    genre: Ints
    """Main genre of each title, as its metadata say."""

    def standardised(self) -> Floats:
        """Return scores in standard deviations of each member's; the worst where a title is no candidate."""
        may = np.isfinite(self.scores)
        n = np.maximum(may.sum(axis=1, keepdims=True), 1)
        kept = np.where(may, self.scores, 0.0)
        mean = kept.sum(axis=1, keepdims=True) / n
        spread = np.sqrt((np.where(may, kept - mean, 0.0) ** 2).sum(axis=1, keepdims=True) / n)
        return np.where(may, (kept - mean) / np.maximum(spread, 1e-12), -np.inf).astype(np.float32)


class Members:
    """Who comes: a chance per member and day, from the days on which they rated."""

    def __init__(self, data: Path, days: pd.DatetimeIndex) -> None:
        """Read the ratings; `days` are those of the world."""
        events = pd.read_csv(data / "events.csv.gz", dtype={"user_id": "str"})
        member, ids = pd.factorize(events["user_id"], sort=True)
        self.ids = np.asarray(ids, dtype=object)
        first = int(days[0].timestamp()) // 86_400
        rated = pd.DataFrame({"member": member, "day": events["ts"].to_numpy() // 86_400 - first}).drop_duplicates()
        seen = np.zeros((len(ids), len(days)), dtype=np.float32)
        for row in range(len(days)):
            near = rated[(rated["day"] - row).abs() <= 5 * REACH_DAYS]
            weight = np.exp(-(near["day"] - row).abs() / REACH_DAYS)
            seen[:, row] = np.bincount(near["member"], weights=weight, minlength=len(ids))
        self._chance = 1.0 - np.exp(-VISITS * seen)

    def came(self, day: int, key: Sequence[int]) -> list[str]:
        """Draw who comes on a day, counted from the first."""
        rng = np.random.default_rng(list(key))
        return [str(name) for name in self.ids[rng.random(len(self.ids), dtype=np.float32) < self._chance[:, day]]]


def offer_of(
    production: TrainedRecommender,
    members: Sequence[str],
    times: tuple[pd.Timestamp, pd.Timestamp],
    state: Mapping[str, str],
    changed: Mapping[str, dict[str, FieldValue]] | None = None,
) -> Offer:
    """Ask production what it would do on a day.

    Args:
        production: As it is in the world.
        members: Who comes.
        times: The day's beginning, and the time whose knowledge counts.
        state: Main genre of each title as known.
        changed: Metadata of some titles, in place of what production reads.
    """
    (at, known_at), changed = (time.to_pydatetime() for time in times), changed or {}
    place = Place(market=PLACE, surface=PLACE, at=at, known_at=known_at)
    titles = production.offered(place)
    asked = [AskedTitle(title_id=title, fields=changed.get(title)) for title in titles]
    scores = production.score(members, asked, place)
    found = production.candidates(members, asked, place)
    genres = [
        main_genre(changed[title].get("genres")) if title in changed else state.get(title, "") for title in titles
    ]
    return Offer(titles, np.where(found, scores, -np.inf).astype(np.float32), pd.factorize(np.array(genres))[0])


def serve(offer: Offer, shock: Floats, seed: Sequence[int]) -> Served:
    """Make a page for every visitor, and read as far down as each of them does."""
    rng = np.random.default_rng(list(seed))
    n = len(offer.scores)
    depth = 5 + rng.binomial(PAGE - 5, 0.5, n)
    noise = rng.random(offer.scores.shape, dtype=np.float32)
    np.log(np.maximum(noise, 1e-12), out=noise)
    np.log(-noise, out=noise)  # the negative of a Gumbel draw
    value = offer.standardised() + shock - NOISE * noise
    looked = min(LOOKED_AT, value.shape[1])
    best = np.argpartition(-value, looked - 1, axis=1)[:, :looked]
    order = np.take_along_axis(best, np.argsort(-np.take_along_axis(value, best, axis=1), axis=1), axis=1)
    visitor, title, position = [], [], []
    every = np.arange(n)
    filled = np.zeros(n, dtype=np.int64)
    taken = np.zeros((n, int(offer.genre.max()) + 1), dtype=np.int64)
    for rank in range(looked):
        column = order[:, rank]
        genre = offer.genre[column]
        fits = (filled < depth) & (taken[every, genre] < GENRE_CAP) & np.isfinite(value[every, column])
        filled += fits
        taken[every, genre] += fits
        visitor.append(every[fits])
        title.append(column[fits])
        position.append(filled[fits])
    return Served(n, np.concatenate(visitor), np.concatenate(title), np.concatenate(position))


def impressions(served: Served, offer: Offer, members: Sequence[str], day: pd.Timestamp, seed: int) -> pd.DataFrame:
    """Return the log of a day: one row per slot that was looked at."""
    rng = np.random.default_rng([seed, 9, int(day.timestamp())])
    came = int(day.timestamp()) + rng.integers(0, 86_400, served.n_active)
    frame = pd.DataFrame(
        {
            TS: pd.to_datetime(came[served.visitor], unit="s", utc=True).astype("datetime64[us, UTC]"),
            MEMBER_ID: np.asarray(members, dtype=object)[served.visitor],
            TITLE_ID: np.asarray(offer.titles, dtype=object)[served.title],
            POSITION: served.position,
        }
    )
    return frame.sort_values([TS, MEMBER_ID, POSITION], ignore_index=True)
