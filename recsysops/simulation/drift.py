"""How tastes move: slowly, all members of a market together; the service learns of it when it is retrained.

So a model learned on older launches ages, the service's own as well as one that predicts it.
"""

from typing import Final

import numpy as np

from recsysops.simulation._words import N_TOPICS
from recsysops.simulation.world import Floats, WorldConfig, stream

RETRAIN_DAYS: Final = 7
"""The service is retrained on day 0 and every so many days after."""


def make_drift(config: WorldConfig, market: int) -> Floats:
    """Return day x topic: the logarithm by which the market's weight of a topic has moved since day 0."""
    rng = stream(config, 21, market)
    steps = rng.normal(0.0, config.taste_drift / np.sqrt(7.0), (config.n_days + 1, N_TOPICS))
    steps[0] = 0.0
    return np.cumsum(steps, axis=0).astype(np.float32)


def moved(taste: Floats, drift: Floats) -> Floats:
    """Return tastes (member x topic, rows sum to 1) after a drift (topic)."""
    weighted = taste * np.exp(drift)
    return np.asarray(weighted / weighted.sum(axis=1, keepdims=True), dtype=np.float32)


def trained_on(day: int) -> int:
    """Return the day whose tastes the service goes by on `day`: that of its last retraining."""
    return day - day % RETRAIN_DAYS
