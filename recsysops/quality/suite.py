"""One suite of not-null expectations through Great Expectations, quietly and in memory."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd


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
    with warnings.catch_warnings():
        # Its dependencies import modules that Python has deprecated, and it warns of its own metrics: neither is ours.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", module=r"great_expectations(\.|$)")
        batch, expectations = _open(frame)
        import great_expectations as gx

        results = batch.validate(
            gx.ExpectationSuite(
                name=suite,
                expectations=[
                    expectations.ExpectColumnValuesToNotBeNull(column=field)
                    if field in frame
                    else expectations.ExpectColumnToExist(column=field)
                    for field in fields
                ],
            ),
            result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
        ).results
    return dict(_count(result) for result in results)


def _open(frame: pd.DataFrame) -> tuple[Any, Any]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("cells").add_dataframe_asset("metadata")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch(batch_parameters={"dataframe": frame})
    return batch, gx.expectations


def _count(result: Any) -> tuple[str, int | None]:  # noqa: ANN401 - Great Expectations ships partial types
    config, raised = result.expectation_config, result.exception_info
    field = str(config.kwargs["column"])
    messages = [raised] if "raised_exception" in raised else list(raised.values())
    failures = [str(entry["exception_message"]) for entry in messages if entry["raised_exception"]]
    if failures:
        raise RuntimeError(f'Great Expectations could not check "{field}": {failures[0]}')
    if config.type == "expect_column_to_exist":
        return field, None
    return field, int(result.result["unexpected_count"])
