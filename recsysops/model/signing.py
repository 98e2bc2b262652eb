"""What others may know of the key that models are signed with."""

from recsysops.model._signing import key_problem

__all__ = ["key_problem"]
