"""What can go wrong when a recommender is asked, by name."""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Why there is no answer."""

    CANNOT_CONNECT = "cannot_connect"
    RAISED = "raised"
    TOO_SLOW = "too_slow"
    HANGS = "hangs"
    """An earlier call has not come back yet."""
    GAVE_UP = "gave_up"
    """Too many calls failed in a row."""
    OUT_OF_TIME = "out_of_time"
    """The time for the whole run is used up."""
    WRONG_SHAPE = "wrong_shape"
    WRONG_TYPE = "wrong_type"
    NOT_A_NUMBER = "not_a_number"
    BAD_LIST = "bad_list"
    """The list of eligibilities is not the one that was asked for."""
    UNABLE = "unable"
    """The recommender does not have the ability."""


@dataclass(frozen=True, kw_only=True)
class Unanswered:
    """That there is no answer, and why."""

    fault: Fault
    reason: str
    """One sentence with what was found."""
