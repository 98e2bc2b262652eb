"""A small streaming service whose data RecSysOps is shown and tested on: members, catalogue, recommender, logs, faults.

It writes files as a user's system would and knows the truth behind them. It imports nothing of predictor or detectors.
"""

from recsysops.simulation.report import DirtyRow, PlantedFault, SimulationReport
from recsysops.simulation.runner import simulate
from recsysops.simulation.world import WorldConfig

__all__ = ["DirtyRow", "PlantedFault", "SimulationReport", "WorldConfig", "simulate"]
