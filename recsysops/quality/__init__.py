"""Table checks: is required metadata filled. Not for due dates or severity: that is for detectors."""

from recsysops.quality.checks import GreatExpectationsChecks

__all__ = ["GreatExpectationsChecks"]
