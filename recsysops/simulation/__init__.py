"""A small streaming service whose data RecSysOps is shown and tested on: members, catalogue, recommender, logs, faults.

It writes files as a user's system would and knows the truth behind them. It imports nothing of predictor or detectors.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from recsysops.simulation.report import DirtyRow, PlantedFault, SimulationReport
    from recsysops.simulation.runner import simulate
    from recsysops.simulation.world import WorldConfig

__all__ = ["DirtyRow", "PlantedFault", "SimulationReport", "WorldConfig", "simulate"]

_MODULES: Final = {
    "DirtyRow": "report",
    "PlantedFault": "report",
    "SimulationReport": "report",
    "WorldConfig": "world",
    "simulate": "runner",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is asked for
    """Load a public name when it is used: the adapter lies in this package and is imported at every start."""
    if name not in _MODULES:
        raise AttributeError(f'module "{__name__}" has no attribute "{name}"')
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
