"""The members of a market: what they like, what the service believes they like, and how often they come.

Not for what they are shown or play: see `serving`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from recsysops.simulation._words import N_TOPICS
from recsysops.simulation.world import MARKETS, Floats, Ints, WorldConfig, stream

MATURITY_LIMITS: Final = (1, 2, 3, 4)
"""Highest maturity level shown to a child, a teenager, an adult, and an adult who confirmed the age."""
_MATURITY_SHARES: Final = (0.11, 0.15, 0.36, 0.38)
N_GROUPS: Final = 4 * len(MATURITY_LIMITS)
"""Maturity limit x (understands the second language) x (reads subtitles)."""
N_CLUSTERS: Final = N_TOPICS
"""Taste clusters the candidate stage puts members in, by the topic they like best."""


@dataclass(frozen=True)
class Members:
    """The members of one market, one row each."""

    taste: Floats
    """Member x topic, rows sum to 1: what they really like on day 0; see `drift`."""
    known: Floats
    """Member x topic, rows sum to 1: what the service has learned of it by day 0."""
    group: Ints
    """Group by maturity limit and languages, see `N_GROUPS`."""
    activity: Floats
    """Relative rate of coming, mean about 1."""
    pseudonym: list[str]


def make_members(config: WorldConfig, market: int) -> Members:
    """Return the members of a market; the mean taste differs between markets."""
    rng = stream(config, 20, market)
    n = config.members_per_market
    mean = rng.dirichlet(np.full(N_TOPICS, 5.0))
    taste = rng.dirichlet(4.5 * mean, n).astype(np.float32)
    known = 0.8 * taste + 0.2 * rng.dirichlet(4.5 * mean, n).astype(np.float32)
    maturity = rng.choice(len(MATURITY_LIMITS), n, p=_MATURITY_SHARES)
    bilingual = rng.random(n) < MARKETS[market].second_language_share
    reads = rng.random(n) < 0.5
    numbers = rng.permutation(1 << 20)[:n]
    return Members(
        taste=taste,
        known=known,
        group=maturity * 4 + bilingual * 2 + reads,
        activity=rng.gamma(2.2, 1 / 2.2, n).astype(np.float32),
        pseudonym=[f"{MARKETS[market].code.lower()}-{number:05x}" for number in numbers],
    )


def draw_active(rng: np.random.Generator, activity: Floats, size: int) -> Ints:
    """Draw `size` different members, likelier the active ones, in random order of arrival."""
    race = rng.standard_exponential(len(activity), dtype=np.float32) / activity
    chosen = np.argpartition(race, size)[:size]
    return rng.permutation(chosen)
