"""What the service of one market learns from plays: popularity of titles, and what to expect of one nobody has seen.

Counts fade exponentially. A cold title starts from its provider, franchise and cast, as far as the metadata names them.
"""

import numpy as np

from recsysops.simulation._words import FRANCHISES
from recsysops.simulation.catalogue import People, Titles, provider_appeal
from recsysops.simulation.recommender import Readings
from recsysops.simulation.world import Floats, Ints

_DAILY_FADING = np.float32(0.985)
_GROUP_FADING = np.float32(0.997)
_PRIOR_IMPRESSIONS = np.float32(250.0)
_GROUP_IMPRESSIONS = np.float32(4000.0)
_START_IMPRESSIONS = np.float32(400000.0)
"""What an old service has seen of each provider, franchise and person before the first day."""
_BASE_RATE = np.float32(0.05)


class Popularity:
    """Faded plays and impressions per title, shadow titles included, and per provider, franchise and person."""

    def __init__(self, of_titles: tuple[Floats, Floats], of_groups: tuple[list[Floats], list[Floats]]) -> None:
        """Keep faded impressions and plays of titles, and those of providers, franchises and people."""
        self.impressions, self.plays = of_titles
        # The last place stands for "none" or "unknown", so that -1 finds it.
        self.seen, self.played = of_groups

    @classmethod
    def of_old_service(cls, titles: Titles, people: People, start: Floats) -> "Popularity":
        """Begin with what an old service knows: `start` is the popularity of the back catalogue, 0 for the others."""
        impressions = np.where(start != 0.0, 4000.0, 0.0).astype(np.float32)
        plays = (impressions * _BASE_RATE * np.exp(start)).astype(np.float32)
        known = (provider_appeal(), _mean_by(titles.franchise, titles.quality), 0.7 * people.appeal)
        start_plays = _START_IMPRESSIONS * _BASE_RATE
        seen = [np.full(len(lift) + 1, _START_IMPRESSIONS) for lift in known]
        played = [np.append(start_plays * np.exp(lift), start_plays).astype(np.float32) for lift in known]
        return cls((impressions, plays), (seen, played))

    def of(self, rows: Ints, readings: Readings) -> Floats:
        """Return the learned popularity of titles, logarithm of their play rate against the usual one."""
        prior = self._prior(readings)
        usual = self._usual_rate()
        expected = _PRIOR_IMPRESSIONS * usual * np.exp(prior)
        rate = (self.plays[rows] + expected) / (self.impressions[rows] + _PRIOR_IMPRESSIONS)
        return np.log(rate / usual).astype(np.float32)

    def _usual_rate(self) -> np.float32:
        return np.float32(self.played[0].sum() / self.seen[0].sum())

    def _prior(self, readings: Readings) -> Floats:
        usual = self._usual_rate()
        lifts = [
            np.log((played + _GROUP_IMPRESSIONS * usual) / (seen + _GROUP_IMPRESSIONS) / usual)
            for played, seen in zip(self.played, self.seen, strict=True)
        ]
        provider, franchise, person = lifts
        # No franchise is usual; a cast nobody knows counts as a weak one.
        franchise[-1] = 0.0
        person[-1] = np.quantile(person[:-1], 0.25)
        people = person[readings.cast].mean(axis=1) + 0.4 * person[readings.director]
        of_owner = 0.8 * provider[readings.provider] + 0.8 * franchise[readings.franchise]
        return np.asarray(of_owner + 1.2 * people, dtype=np.float32)

    def fade(self) -> None:
        """Let a day pass."""
        self.fade_titles()
        for of_group in (*self.seen, *self.played):
            np.multiply(of_group, _GROUP_FADING, out=of_group)

    def fade_titles(self) -> None:
        """Let a day pass for titles only."""
        for of_titles in (self.impressions, self.plays):
            np.multiply(of_titles, _DAILY_FADING, out=of_titles)

    def learn(self, impressions: Floats, plays: Floats) -> None:
        """Add a day's counts per title."""
        self.impressions += impressions
        self.plays += plays

    def learn_groups(self, readings: Readings, impressions: Floats, plays: Floats) -> None:
        """Add a day's counts of real titles to their provider, franchise and people."""
        for k, keys in enumerate((readings.provider[:, None], readings.franchise[:, None], readings.cast)):
            size = len(self.seen[k])
            flat = np.where(keys < 0, size - 1, keys).ravel()
            for counts, day in ((self.seen[k], impressions), (self.played[k], plays)):
                weights = np.repeat(day, keys.shape[1])
                np.add(counts, np.bincount(flat, weights=weights, minlength=size), out=counts, casting="same_kind")


def _mean_by(group: Ints, values: Floats) -> Floats:
    """Return the mean of `values` per group, halved: an old service knows its franchises, not perfectly."""
    size = len(FRANCHISES)
    member = group >= 0
    total = np.bincount(group[member], weights=values[member], minlength=size)
    count = np.bincount(group[member], minlength=size)
    return (0.5 * total / np.maximum(count, 1)).astype(np.float32)
