"""The adapter of the simulated recommender: entry point `simulated` of the group `recsysops.recommenders`.

It says what the service would do from what the service knew; see `asked` for how. Light: the state is read and the
ranking loaded when somebody asks.
"""

from pathlib import Path

from recsysops.contract.recommender import Adapter, Recommender, RecommenderSettings
from recsysops.errors import RecommenderError


class SimulatedSettings(RecommenderSettings):
    """[recommender] with `type = "simulated"`."""

    path: Path = Path("recommender")
    """Folder the simulation wrote the recommender's state into."""


def connect(settings: SimulatedSettings, folder: Path) -> Recommender:
    """Return the recommender of a simulated service.

    Args:
        settings: Where its state is.
        folder: Folder of the settings file, which a relative path starts from.

    Raises:
        RecommenderError: The state is not there or cannot be read.
    """
    from recsysops.simulation.asked import SimulatedRecommender

    place = folder / settings.path
    if not place.is_dir():
        raise RecommenderError(
            f'The simulated recommender has no folder "{place}". Simulate the service, or set [recommender] path.'
        )
    return SimulatedRecommender(place)


ADAPTER = Adapter(
    name="simulated",
    summary="Asks the recommender of the simulated service, from the state it left on disk.",
    settings=SimulatedSettings,
    connect=connect,
)
