"""Asking a recommender what it would do with titles. Decides nothing, and never fails for the recommender's faults."""

from recsysops.shadow.connection import AbsentRecommender, LazyRecommender, askable
from recsysops.shadow.guarded import Fault, GuardedRecommender, Unanswered

__all__ = ["AbsentRecommender", "Fault", "GuardedRecommender", "LazyRecommender", "Unanswered", "askable"]
