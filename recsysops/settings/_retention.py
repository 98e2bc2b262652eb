"""[retention]: how long things are kept."""

from typing import Annotated

from pydantic import Field

from recsysops.settings._section import Section


class RetentionSettings(Section):
    """[retention]."""

    results_days: Annotated[int, Field(ge=1)] = 90
    """Predictions, checks, verdicts, findings and cells of older runs are removed; never the latest."""
    runs_days: Annotated[int, Field(ge=1)] = 400
    """Records of older runs are removed."""
    unscored_days: Annotated[int, Field(ge=0)] = 28
    """Predictions stay until this long after the end of the window they are about, so that late logs can still be held
    against them."""
    scores_days: Annotated[int, Field(ge=1)] = 1100
    """How good predictions were is kept for so long after the launch."""
    relabelled_days: Annotated[int, Field(ge=1)] = 1100
    """What the recommender said of a launch without some of its metadata is kept for so long after the launch."""
    quarantine_days: Annotated[int, Field(ge=1)] = 90
    """Rows kept out of older batches are removed; their counts stay."""
