"""A small service: two groups of members, each of which meets films of its own genre."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

START = pd.Timestamp("2026-01-05T00:00", tz="UTC")
"""A Monday."""
DAY = pd.Timedelta(days=1)
N_MEMBERS, N_TITLES = 60, 90


def members(group: int) -> list[str]:
    return [f"m{number:02d}" for number in range(group, N_MEMBERS, 2)]


def catalogue() -> pd.DataFrame:
    """Titles launch one a day, even ones drama, odd ones comedy; each is known two weeks ahead."""
    launch = [START + DAY * number for number in range(N_TITLES)]
    return pd.DataFrame(
        {
            "title_id": [f"t{number:02d}" for number in range(N_TITLES)],
            "observed_at": [day - 14 * DAY for day in launch],
            "launch_at": launch,
            "genres": [("Drama" if number % 2 == 0 else "Comedy") + "|Film" for number in range(N_TITLES)],
            "studio": [f"Studio {number % 3}" for number in range(N_TITLES)],
            "year": [str(1990 + number % 30) for number in range(N_TITLES)],
        }
    )


def events(until: int = N_TITLES, seed: int = 3) -> pd.DataFrame:
    """Each member meets most titles of their genre in the week after launch, and few of the other."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(until):
        for member in range(N_MEMBERS):
            if rng.random() < (0.7 if member % 2 == number % 2 else 0.05):
                at = START + DAY * number + pd.Timedelta(seconds=int(rng.integers(0, 7 * 86_400)))
                rows.append((f"m{member:02d}", f"t{number:02d}", at))
    return pd.DataFrame(rows, columns=["member_id", "title_id", "ts"]).sort_values("ts", ignore_index=True)


def written(folder: Path, titles: pd.DataFrame, met: pd.DataFrame) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    titles.to_csv(folder / "titles.csv.gz", index=False)
    met.to_csv(folder / "events.csv.gz", index=False)
    return folder


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("trained"), catalogue(), events())
