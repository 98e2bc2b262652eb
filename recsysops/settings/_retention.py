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
    quarantine_days: Annotated[int, Field(ge=1)] = 90
    """Rows kept out of older batches are removed; their counts stay."""
