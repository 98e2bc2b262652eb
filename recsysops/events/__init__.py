"""Impression and interaction logs to treatment: one definition, an embedded engine. Not for reading users' tables."""

from recsysops.events.aggregator import IbisAggregator
from recsysops.events.engine import EngineLimits
from recsysops.events.sampling import IbisMemberSampler

__all__ = ["EngineLimits", "IbisAggregator", "IbisMemberSampler"]
