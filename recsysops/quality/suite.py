"""One suite of not-null expectations through Great Expectations."""

from collections.abc import Mapping, Sequence

import pandas as pd

from recsysops.quality._great import Asked, validate


def run_suite(suite: str, frame: pd.DataFrame, fields: Sequence[str]) -> Mapping[str, int | None]:
    """Count the nulls of each field.

    Args:
        suite: Name of the suite.
        frame: One row per cell, one column per field, null where a value is missing.
        fields: The fields to check.

    Returns:
        Field to number of nulls; None for a field that is no column of the frame.

    Raises:
        RuntimeError: Great Expectations could not judge a field; its own reason follows.
    """
    asked = [
        Asked("expect_column_values_to_not_be_null" if field in frame else "expect_column_to_exist", {"column": field})
        for field in fields
    ]
    counts: dict[str, int | None] = {}
    for field, verdict in zip(fields, validate(frame, asked, name=suite), strict=True):
        if verdict.problem:
            raise RuntimeError(f'Great Expectations could not check "{field}": {verdict.problem}')
        counts[field] = verdict.n_unexpected
    return counts
