"""What others may know of the key that models are signed with."""

from recsysops.model._signing import KEY_FILE, key_problem, signed_elsewhere

__all__ = ["KEY_FILE", "key_problem", "signed_elsewhere"]
