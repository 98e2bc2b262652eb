"""Table checks: is required metadata filled, and do titles and feeds keep the rules of suites that users edit.

Not for due dates or what a failure means: that is for detectors.
"""

from recsysops.quality._library import great_expectations
from recsysops.quality._suite_file import Suite, SuiteRule, bundled_suites, read_suites
from recsysops.quality.checks import GreatExpectationsChecks
from recsysops.quality.rules import SuiteChecks

__all__ = [
    "GreatExpectationsChecks",
    "Suite",
    "SuiteChecks",
    "SuiteRule",
    "bundled_suites",
    "great_expectations",
    "read_suites",
]
