"""Windows, samples and sessions on a recommender in memory."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.domain.shadow import LaunchWindow, MemberSample
from recsysops.settings import ShadowSettings
from recsysops.shadow.asking import ShadowSession
from recsysops.shadow.guarded import GuardedRecommender

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


def a_sample(n: int = 60, sizes: tuple[int, ...] = (600, 300)) -> MemberSample:
    stratum = np.arange(n) % len(sizes)
    mass = np.array(sizes) * np.arange(1, len(sizes) + 1)
    members = tuple(f"m{i}" for i in range(n))
    return MemberSample(members=members, stratum=stratum, shares=mass / mass.sum(), sizes=np.array(sizes))


def a_window(*titles: str, n_offered: int = 40, rivals: tuple[str, ...] = (), **changes) -> LaunchWindow:
    launch = AS_OF + timedelta(days=5)
    cells = pd.DataFrame({c.TITLE_ID: list(titles), c.MARKET: "us", c.SURFACE: "home", c.LAUNCH_AT: launch})
    values = {
        "market": "us", "surface": "home", "at": launch, "as_of": AS_OF, "rivals": rivals,
        "cells": cells.astype({c.LAUNCH_AT: "datetime64[us, UTC]"}),
        "on_offer": tuple(f"o{i}" for i in range(n_offered)),
    }  # fmt: skip
    return LaunchWindow(**{**values, **changes})


def a_session(recommender, **settings) -> ShadowSession:
    limits = ShadowSettings(**{"members": 60, "slots": 5, "timeout_seconds": 5} | settings)
    return ShadowSession(GuardedRecommender(recommender, limits), limits)


@pytest.fixture
def window():
    return a_window


@pytest.fixture
def sample():
    return a_sample


@pytest.fixture
def session():
    return a_session
