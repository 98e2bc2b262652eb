"""The adapter `trained`: a recommender that is trained on the events of a file, as of any time, when it is asked.

Light: files are read and the library loaded when somebody asks.
"""

from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from recsysops.contract.recommender import Adapter, Recommender, RecommenderSettings
from recsysops.errors import RecommenderError


class TrainedSettings(RecommenderSettings):
    """[recommender] with `type = "trained"`."""

    events: Path = Path("events.csv.gz")
    """File of events, CSV or Parquet: `member_id`, `title_id`, `ts`; one row per play or rating."""
    titles: Path = Path("titles.csv.gz")
    """File of the catalogue, CSV or Parquet: `title_id`, the metadata, and where there are any `observed_at` and
    `launch_at`; a later row of a title replaces an earlier one from its `observed_at` on."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Our column = the files' column, for events and titles."""
    epoch_unit: Literal["s", "ms", "us"] | None = None
    """Unit of `ts` where it is a number since 1970; left out: ISO 8601 with an offset."""
    lists: dict[str, str] = Field(default_factory=dict)
    """Metadata fields that hold several values, with the separator: `genres = "|"`."""
    fields: tuple[str, ...] = ()
    """Metadata fields that hold one value."""
    bins: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """Metadata fields that hold a number, with the width of the bins it is read in: `year = 10`."""
    factors: Annotated[int, Field(ge=2, le=512)] = 32
    """Factors of members and titles."""
    iterations: Annotated[int, Field(ge=1, le=200)] = 10
    """Rounds of alternating least squares."""
    regularization: Annotated[float, Field(ge=0)] = 1.0
    """Penalty on the factors."""
    confidence: Annotated[float, Field(gt=0)] = 10.0
    """How much more an event counts than no event."""
    map_penalty: Annotated[float, Field(gt=0)] = 5.0
    """Penalty of the ridge regression from metadata to factors, in titles."""
    max_tokens: Annotated[int, Field(ge=10, le=20_000)] = 2000
    """Values of metadata the map knows, the most frequent among the titles with events."""
    warm_events: Annotated[float, Field(gt=0)] = 10.0
    """Events after which a title's own factors count as much as those its metadata give."""
    retrain_days: Annotated[int, Field(ge=1, le=366)] = 7
    """It is trained every so many days, at 00:00 UTC, on what happened before."""
    retrain_from: date = date(2000, 1, 3)
    """A day on which it is trained, from which the others are counted; left out: Mondays."""
    new_days: Annotated[int, Field(ge=1)] | None = None
    """Only titles launched less than so many days ago are on offer; needs `launch_at`. Left out: all titles are."""
    new_bonus: Annotated[float, Field(ge=0)] = 0.0
    """Added to the score of a title on the day of its launch; half of it is left `new_bonus_days` later."""
    new_bonus_days: Annotated[float, Field(gt=0)] = 7.0
    """Days in which the bonus halves."""
    candidates: Annotated[int, Field(ge=1)] | None = None
    """Titles the first stage finds for each member, by factors alone; left out: all on offer."""
    seed: int = 1
    """Seed of the factors' first values."""


def connect(settings: TrainedSettings, folder: Path) -> Recommender:
    """Return the recommender over the files of the settings; it is trained when it is first asked.

    Args:
        settings: Its files and how it is trained.
        folder: Folder of the settings file, which relative paths start from.

    Raises:
        RecommenderError: The library is not installed, or a file cannot be read.
    """
    if find_spec("implicit") is None:
        raise RecommenderError(
            'The trained recommender needs the library implicit, which is not installed. Install "recsysops[trained]".'
        )
    from recsysops.trained.asked import TrainedRecommender

    return TrainedRecommender(settings, folder)


ADAPTER = Adapter(
    name="trained",
    summary="Trains a matrix factorisation with a map from metadata on a file of events, and asks it.",
    settings=TrainedSettings,
    connect=connect,
)
