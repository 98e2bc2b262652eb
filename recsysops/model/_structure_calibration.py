"""Whether the calibration of a model is what it should be: lists of one length, of numbers in their ranges.

Not for whether they are the right ones: see `_golden`.
"""

from collections.abc import Callable
from typing import Final

from recsysops.model._structure import RejectedError

MAX_RESIDUALS: Final = 1_000_000
_MAX_GROUP_COLUMNS: Final = 8
_MAX_NUMBER: Final = 1_000_000_000
"""No outcome on a logit or logarithmic scale, and no number of a group, comes near."""
_NEEDED: Final = frozenset({"level", "score", "group", "bandwidth"})
_WEIGHT: Final = "weight"
"""Models of an earlier version lack it: every residual counts alike."""


def check_calibration(entries: object) -> None:
    """Check the values of a calibration.

    Args:
        entries: JSON without a key told twice, its numbers finite.

    Raises:
        RejectedError: It is not as we write it.
    """
    if not isinstance(entries, dict) or not _NEEDED <= set(entries) <= {*_NEEDED, _WEIGHT}:
        raise RejectedError("it has other entries than a calibration")
    score = entries["score"]
    n = len(score) if isinstance(score, list) else 0
    if not 1 <= n <= MAX_RESIDUALS:
        raise RejectedError("it has no residuals, or too many")
    for name in ("level", "score"):
        if not _are(entries[name], n, _is_number):
            raise RejectedError(f"its {name} is no list of {n} numbers")
    if not _are_groups(entries["group"], n):
        raise RejectedError(f"its group is no list of {n} whole numbers, or of as many lists of them of one length")
    weight = entries.get(_WEIGHT)
    if weight is not None and not (_are(weight, n, _is_share) and any(weight)):
        raise RejectedError(f"its weight is no list of {n} numbers between 0 and 1, one of them above 0")
    bandwidth = entries["bandwidth"]
    if bandwidth is not None and not (_is_number(bandwidth) and bandwidth > 0):
        raise RejectedError("its bandwidth is no number above 0")


def _are(values: object, n: int, is_one: Callable[[object], bool]) -> bool:
    return isinstance(values, list) and len(values) == n and all(map(is_one, values))


def _are_groups(values: object, n: int) -> bool:
    if _are(values, n, _is_whole):
        return True
    if not isinstance(values, list) or not values or not isinstance(values[0], list):
        return False
    width = len(values[0])
    return 1 <= width <= _MAX_GROUP_COLUMNS and _are(values, n, lambda each: _are(each, width, _is_whole))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MAX_NUMBER


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_NUMBER


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
