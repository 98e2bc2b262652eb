"""The service of one market, day by day: who comes, what is shown, what is played, what is learned from it.

Writes one part of the logs per UTC date, as arrays; `files` turns parts into the service's log files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from recsysops.simulation._pages import NOISE_SCALE, PageMaker, Pages, Visits
from recsysops.simulation._popularity import Popularity
from recsysops.simulation._ranking import Offer, Ranker
from recsysops.simulation.catalogue import People, Titles, draw_shock
from recsysops.simulation.drift import make_drift, moved, trained_on
from recsysops.simulation.members import Members, draw_active, make_members
from recsysops.simulation.recommender import Readings
from recsysops.simulation.state import NOT_YET, Journal, MarketState, day_starts, retrainings
from recsysops.simulation.truth import Treatment
from recsysops.simulation.world import SURFACES, Floats, Ints, WorldConfig, stream

IMPRESSION: Final = np.dtype(
    [("ts", "<i8"), ("member", "<u2"), ("title", "<u2"), ("position", "u1"), ("surface", "u1")]
)
INTERACTION: Final = np.dtype([("ts", "<i8"), ("member", "<u2"), ("title", "<u2"), ("kind", "u1"), ("surface", "u1")])
"""Rows of the parts: `ts` in microseconds since 1970, members and titles as row numbers, others as codes."""
KINDS: Final = ("play", "rating", "reminder", "search")
DAY_US: Final = 86_400_000_000
_HOURS: Final = (2, 2, 2, 3, 3, 3, 3, 4, 5, 7, 10, 13, 14, 12, 8, 4, 2, 1, 1, 1, 1, 1, 1, 2)
"""Visits by hour since launch time, 09:00 local: most come in the evening."""
_NOISE_SIZE: Final = 1 << 22
_LIKING_GAIN: Final = 4.5
"""How much taste counts when a member decides to play, in logits."""


@dataclass(frozen=True)
class MarketWorld:
    """Everything the service of a market is made of; rows are titles, followed by their shadows without fault."""

    config: WorldConfig
    market: int
    titles: Titles
    people: People
    readings: Readings
    version_row: Ints
    version_at: Ints
    """When each version is known, in microseconds since 1970, ascending."""
    original: Ints
    """For every row the title it is, itself for a real one."""
    launch_day: Ints
    """Day of launch; beyond the last day where it never launches."""
    first_day: Ints
    """First day in the candidate index, later than the launch where the index lags."""
    n_known: int
    """Titles the service has launched or announced by `as_of`, the first rows."""
    is_announced: np.ndarray
    """Titles members may ask for before launch."""


class MarketService:
    """The running service of one market."""

    def __init__(self, world: MarketWorld) -> None:
        """Open the service on the day before the first."""
        config, self.world = world.config, world
        self.rng, self.shadow_rng = stream(config, 30, world.market), stream(config, 31, world.market)
        self.members: Members = make_members(config, world.market)
        noise = self.rng.standard_normal(_NOISE_SIZE, dtype=np.float32) * np.float32(NOISE_SCALE)
        self.pages = PageMaker(noise)
        self.drift = make_drift(config, world.market)
        self.taste = self.members.taste
        known = np.where(world.launch_day < 0, world.titles.quality[world.original], 0.0).astype(np.float32)
        self.popularity = Popularity.of_old_service(world.titles, world.people, known)
        self.journal = Journal(world.n_known, self.popularity)
        self.starts = day_starts(config, world.market)
        self.version = np.full(len(world.original), -1, dtype=np.int64)
        self.n_observed = 0
        self.treatment = Treatment.empty(
            len(world.original), config.n_days, config.members_per_market, config.n_repeats
        )
        self.is_sampled = self.rng.random(config.members_per_market) < config.future_share
        self.repeat_rng = stream(config, 32, world.market)
        self.ranker = self._trained(0)

    def serve(self, day: int) -> tuple[np.ndarray, np.ndarray]:
        """Serve one day on all surfaces and return its impressions and interactions."""
        self._observe(day)
        if trained_on(day) == day:
            self.ranker = self._trained(day)
        self.taste = moved(self.members.taste, self.drift[day])
        self.popularity.fade()
        offer = self._offer(day)
        is_past = day < self.world.config.n_history_days
        if is_past:
            self.journal.begin(self.popularity)
            self._repeat(day, offer)
        impressions, interactions = [], []
        shown = np.zeros(len(self.world.original), dtype=np.float32)
        played = np.zeros_like(shown)
        for surface in range(len(SURFACES)):
            seen, plays = self._serve_surface(day, surface, offer, (shown, played))
            impressions.append(seen)
            interactions.append(plays)
        if is_past:
            self.journal.end(shown, played)
        else:
            shown /= np.float32(self.world.config.future_share)
            played /= np.float32(self.world.config.future_share)
        self.popularity.learn(shown, played)
        real = slice(0, offer.n_real)
        rows = offer.rows[real]
        self.popularity.learn_groups(offer.readings.take(np.arange(offer.n_real)), shown[rows], played[rows])
        interactions.append(self._wishes(day))
        return np.concatenate(impressions), np.concatenate(interactions)

    def _trained(self, day: int) -> Ranker:
        """Return the ranker as trained on a day: by the tastes of that day."""
        known = moved(self.members.known, self.drift[day])
        return Ranker(known, self.members.group, self.world.market, self.world.config.candidates_per_cluster)

    def _observe(self, day: int) -> None:
        """Take in the metadata versions that have become known before the day begins."""
        until = int(np.searchsorted(self.world.version_at, self.starts[day], side="right"))
        new = np.arange(self.n_observed, until)
        self.version[self.world.version_row[new]] = new
        self.n_observed = until

    def _offer(self, day: int) -> Offer:
        """Collect the titles on offer: launched, indexed, licensed and declared for the market; shadows for 28 days."""
        w, n = self.world, len(self.world.titles.quality)
        live = (w.first_day <= day) & (self.version >= 0)
        live &= w.readings.in_market[self.version, w.market] & w.titles.in_market[w.original, w.market]
        live[n:] &= day - w.launch_day[n:] < 28
        shadows = n + np.flatnonzero(live[n:])
        hidden = np.setdiff1d(w.original[shadows], np.flatnonzero(live[:n]))
        rows = np.concatenate([np.flatnonzero(live[:n]), hidden, shadows])
        readings = w.readings.take(self.version[rows])
        n_real = len(rows) - len(shadows)
        readings.in_market[:n_real, w.market] &= live[rows[:n_real]]
        place = np.empty(n, dtype=np.int64)
        place[rows[:n_real]] = np.arange(n_real)
        age = np.maximum(day - w.launch_day[rows], 0).astype(np.float32)
        return Offer(rows, n_real, place[w.original[shadows]], age, readings, self.popularity.of(rows, readings))

    def _serve_surface(
        self, day: int, surface: int, offer: Offer, counts: tuple[Floats, Floats]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Serve a surface for a day, add what was shown and played to `counts`, and return both logs."""
        visits, ts = self._visits(day, surface)
        active = visits.active
        pages = self.pages.make(self.ranker, offer, surface, self._shock(offer, surface), visits)
        rows = np.concatenate([offer.rows[pages.title], offer.rows[pages.shadow_title]])
        visit = np.concatenate([pages.visit, pages.shadow_visit])
        position = np.concatenate([pages.position, pages.shadow_position])
        is_played = self._is_played(active[visit], rows, position, len(pages.visit))
        counts[0][:] += np.bincount(rows, minlength=len(counts[0])).astype(np.float32)
        counts[1][:] += np.bincount(rows[is_played], minlength=len(counts[1])).astype(np.float32)
        self.treatment.record(surface, day, active, (rows, active[visit], day - self.world.launch_day[rows]))
        return self._log(active, ts, offer, pages, is_played, surface)

    def _shock(self, offer: Offer, surface: int) -> Floats:
        rows = self.world.original[offer.rows]
        return np.asarray(self.world.titles.shock[rows, self.world.market, surface], dtype=np.float32)

    def _repeat(self, day: int, offer: Offer) -> None:
        """Serve the day again for the titles it launches: another shock, other members, other noise. Nobody learns."""
        launched = np.flatnonzero(self.world.launch_day[offer.rows[: offer.n_real]] == day)
        n = self.world.config.n_repeats if len(launched) else 0
        for number in range(n):
            drawn = draw_shock(self.repeat_rng, len(launched))
            for surface in range(len(SURFACES)):
                shock = self._shock(offer, surface).copy()
                shock[launched] = drawn[:, self.world.market, surface]
                active = self._draw_active(self.repeat_rng, day, surface)
                visits = _read_pages(self.repeat_rng, active)
                pages = self.pages.make(self.ranker, offer, surface, shock, visits)
                shown = np.bincount(pages.title, minlength=len(offer.rows))[launched]
                self.treatment.repeat(surface, number, offer.rows[launched], shown, len(active))

    def _draw_active(self, rng: np.random.Generator, day: int, surface: int) -> Ints:
        weekend = 1.05 if self.world.config.date_of(day).weekday() >= 5 else 1.0
        activity = self.members.activity * np.float32(1.0 + 0.1 * surface)
        return draw_active(rng, activity, round(self.world.config.active_per_cell * weekend))

    def _visits(self, day: int, surface: int) -> tuple[Visits, Ints]:
        """Draw who visits and when; after `as_of` only the sampled members are simulated."""
        config = self.world.config
        if day < config.n_history_days:
            active = self._draw_active(self.rng, day, surface)
        else:
            weekend = 1.05 if config.date_of(day).weekday() >= 5 else 1.0
            activity = self.members.activity * np.float32(1.0 + 0.1 * surface)
            sampled = np.flatnonzero(self.is_sampled)
            size = round(config.active_per_cell * weekend * len(sampled) / len(activity))
            active = sampled[draw_active(self.rng, activity[sampled], size)]
        ts = self._times(day, len(active))
        return _read_pages(self.rng, active), ts

    def _times(self, day: int, size: int) -> Ints:
        share = np.concatenate([[0.0], np.cumsum(_HOURS) / np.sum(_HOURS)])
        fraction = np.interp(np.sort(self.rng.random(size)), share, np.linspace(0.0, 1.0, len(share)))
        length = self.starts[day + 1] - self.starts[day]
        seconds = np.minimum((fraction * (length // 1_000_000)).astype(np.int64), length // 1_000_000 - 1)
        return np.asarray(self.starts[day] + seconds * 1_000_000)

    def _is_played(self, member: Ints, row: Ints, position: Ints, n_real: int) -> np.ndarray:
        """Decide by true taste, quality and position; shadows have draws of their own, after the real ones."""
        titles, original = self.world.titles, self.world.original[row]
        fit = np.einsum("ij,ij->i", self.taste[member], titles.content[original]) - np.float32(1 / 16)
        logit = -3.2 + _LIKING_GAIN * fit + titles.quality[original]
        chance = 1.0 / (1.0 + np.exp(-logit)) / (1.0 + 0.12 * position)
        draws = self.rng.random(n_real, dtype=np.float32)
        others = self.shadow_rng.random(len(row) - n_real, dtype=np.float32)
        return np.asarray(np.concatenate([draws, others]) < chance)

    def _log(
        self, active: Ints, ts: Ints, offer: Offer, pages: Pages, is_played: np.ndarray, surface: int
    ) -> tuple[np.ndarray, np.ndarray]:
        seen = np.empty(len(pages.visit), dtype=IMPRESSION)
        seen["ts"], seen["member"] = ts[pages.visit], active[pages.visit]
        seen["title"], seen["position"], seen["surface"] = offer.rows[pages.title], pages.position + 1, surface
        played = np.flatnonzero(is_played[: len(seen)])
        plays = np.empty(len(played), dtype=INTERACTION)
        for name in ("member", "title", "surface"):
            plays[name] = seen[name][played]
        plays["ts"] = seen["ts"][played] + self.rng.integers(20, 400, len(played)) * 1_000_000
        plays["kind"] = 0
        ratings = plays[self.rng.random(len(plays)) < 0.06].copy()
        ratings["ts"] += self.rng.integers(1200, 5400, len(ratings)) * 1_000_000
        ratings["kind"] = 1
        return seen, np.concatenate([plays, ratings])

    def state(self) -> MarketState:
        """Return what the recommender knows, as of the last day of the history."""
        config, w = self.world.config, self.world
        last = config.n_history_days - 1
        first_day = w.first_day[: w.n_known]
        return MarketState(
            starts=self.starts, pseudonym=np.array(self.members.pseudonym), known=self.members.known,
            group=self.members.group, drift=retrainings(self.drift, last),
            n_candidates=np.array([config.candidates_per_cluster]),
            index_day=np.where(first_day <= last, first_day, NOT_YET), **self.journal.arrays(),
        )  # fmt: skip

    def _wishes(self, day: int) -> np.ndarray:
        """Return reminders set for titles about to launch and searches for those just launched."""
        w, n = self.world, len(self.world.titles.quality)
        until = w.launch_day[:n] - day
        rows = np.flatnonzero((until > -7) & (until <= 14) & w.is_announced[:n] & w.titles.in_market[:, w.market])
        buzz = w.titles.shock[rows, w.market, 0] + 0.6 * w.titles.quality[rows]
        scale = w.config.active_per_cell / 2340 * np.where(until[rows] > 0, 0.5, 0.8)
        row = np.repeat(rows, self.rng.poisson(scale * np.exp(1.5 * buzz)))
        wishes = np.empty(len(row), dtype=INTERACTION)
        wishes["title"], wishes["member"] = row, self.rng.integers(0, w.config.members_per_market, len(row))
        wishes["ts"] = self._times(day, len(row))[self.rng.permutation(len(row))]
        wishes["kind"] = np.where(until[row] > 0, 2, 3)
        wishes["surface"] = np.where(until[row] > 0, 0, 1)
        return wishes


def _read_pages(rng: np.random.Generator, active: Ints) -> Visits:
    """Draw how far each visitor reads, and the noise of their pages."""
    return Visits(active, 5 + rng.binomial(8, 0.5, len(active)), int(rng.integers(1 << 30)))


def part_path(parts: Path, kind: str, market: int, date_number: int) -> Path:
    """Return where the part of a market and UTC date (number of days since the first) is kept."""
    return parts / f"{kind}-{market}-{date_number:04d}.npy"


def serve_market(world: MarketWorld, parts: Path) -> Treatment:
    """Run the service of a market over all days, leave its logs in `parts` and return the treatment of every title.

    The state of its recommender as of `as_of` is written beside `parts`, into the folder `recommender`.

    One part per UTC date from the first date to the day before `as_of`; nothing at or after `as_of` is kept.
    """
    service, config = MarketService(world), world.config
    first = int(np.datetime64(config.first_date, "D").astype("datetime64[us]").astype(np.int64))
    n_dates = 7 * config.n_weeks
    open_rows: dict[str, list[np.ndarray]] = {"impressions": [], "interactions": []}
    for day in range(config.n_days):
        logs = service.serve(day)
        if day >= config.n_history_days:
            continue
        for kind, rows in zip(open_rows, logs, strict=True):
            open_rows[kind].append(rows)
            date = day - 1
            known = np.concatenate(open_rows[kind])
            number = (known["ts"] - first) // DAY_US
            if 0 <= date < n_dates:
                np.save(part_path(parts, kind, world.market, date), known[number == date])
            open_rows[kind] = [known[number > date]]
    service.state().save(parts.parent / "recommender", world.market)
    return service.treatment
