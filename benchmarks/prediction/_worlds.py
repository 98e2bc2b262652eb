"""Where the worlds come from: MovieTweetings on disk, the simulated service of `w1`, the trained recommender of `w2`.

All of them go through recsysops' own ingest, so that the benchmark sees what a user's model would see.
"""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from _world import World

from recsysops.bootstrap import writing
from recsysops.domain.history import History
from recsysops.service.history import read_history
from recsysops.service.run import ingest_as_run
from recsysops.settings import ModelSettings

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "movietweetings"
FILES = ("titles.csv.gz", "events.csv.gz")
FIRST_ORIGIN = datetime(2013, 5, 15, tzinfo=UTC)


class WorldMissingError(LookupError):
    """A world cannot be had here; the message says why and what to do."""


def movietweetings(seed: int, *, small: bool, data: Path | None = None) -> World:
    """Return MovieTweetings: 28-day uptake, clean features, weekly origins from 2013-05-15; seeds share the data."""
    folder = _data(data)
    history, model = _movietweetings(folder)
    first = datetime(2013, 9, 4, tzinfo=UTC) if small else FIRST_ORIGIN
    return World(
        name="movietweetings", seed=seed, history=history, measure="uptake", horizons=(28,),
        settings=seeded(model, seed), first_origin=first, is_seeded=False,
    )  # fmt: skip


@cache
def _movietweetings(folder: Path) -> tuple[History, ModelSettings]:
    """Ingest once: all seeds share the data."""
    with tempfile.TemporaryDirectory() as place:
        settings = Path(place) / "recsysops.toml"
        for name in ("recsysops.toml", "metadata.toml"):
            shutil.copyfile(ROOT / "examples" / "movietweetings" / name, settings.with_name(name))
        for name in FILES:
            settings.with_name(name).symlink_to((folder / name).resolve())
        return ingested(settings)


def w1(seed: int, *, small: bool, data: Path | None = None) -> World:  # noqa: ARG001 - all loaders are called alike
    """Return the simulated service, which asked its recommender every week."""
    import w1 as simulated

    return simulated.world(seed, small=small)


def w2(seed: int, *, small: bool, data: Path | None = None) -> World:
    """Return MovieTweetings with the trained recommender as production, which was asked every week."""
    import w2 as semi_synthetic

    return semi_synthetic.world(seed, _data(data), small=small)


def _data(data: Path | None) -> Path:
    folder = DATA if data is None else data
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise WorldMissingError(f"no data: the folder lacks {', '.join(missing)}; name theirs with --data")
    return folder


def ingested(settings: Path) -> tuple[History, ModelSettings]:
    """Ingest by the public path; return what the model would learn from, and its settings."""
    with writing(settings, "benchmark") as ports:
        ingest_as_run(ports)
        with ports.store.read() as unit:
            return read_history(ports, unit), ports.settings.model


def seeded(settings: ModelSettings, seed: int) -> ModelSettings:
    """Return settings with this seed and a single thread: runs must not depend on what else the machine does."""
    return settings.model_copy(update={"seed": seed, "threads": 1})


LOADERS: dict[str, Callable[..., World]] = {"movietweetings": movietweetings, "w1": w1, "w2": w2}
