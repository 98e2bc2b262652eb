"""The peer of `check_api`: a bare FastAPI endpoint with one LightGBM prediction and one Great Expectations validation.

Everything that can be made ready before the first call is: the booster, its feature matrix, the context and the suite.
"""

import argparse
import logging
import warnings
from pathlib import Path
from threading import Lock
from typing import Any

import great_expectations as gx
import lightgbm
import numpy as np
import pandas as pd
import uvicorn
from fastapi import FastAPI
from great_expectations.data_context.types.base import ProgressBarsConfig

MOST_TITLES = 1_000


def application(model: Path, n_checks: int) -> FastAPI:
    """Return the endpoint.

    Args:
        model: A booster in LightGBM's text format.
        n_checks: Expectations of the one validation.
    """
    booster = lightgbm.Booster(model_file=str(model))
    matrix = np.random.default_rng(1).normal(size=(MOST_TITLES, booster.num_feature()))
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("titles").add_dataframe_asset("metadata")
    whole = asset.add_batch_definition_whole_dataframe("whole")
    columns = [f"check {number}" for number in range(n_checks)]
    expectations = [gx.expectations.ExpectColumnValuesToNotBeNull(column=column) for column in columns]
    suite = gx.ExpectationSuite(name="titles", expectations=expectations)
    alone = Lock()  # neither the suite nor the context may be used by two calls at once
    app = FastAPI()

    @app.post("/check")
    def check(body: dict[str, Any]) -> dict[str, Any]:
        titles = body["titles"]
        with alone:
            predicted = booster.predict(matrix[: len(titles)], num_threads=1)
            values = pd.Series([title["fields"].get("synopsis") for title in titles], dtype="object")
            batch = whole.get_batch(
                batch_parameters={"dataframe": pd.DataFrame(dict.fromkeys(columns, values), copy=False)}
            )
            result = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
        return {
            "is_met": bool(result.success),
            "titles": [
                {"title_id": title["title_id"], "predicted": float(value)}
                for title, value in zip(titles, predicted, strict=True)
            ],
        }

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--checks", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    uvicorn.run(
        application(given.model, given.checks), host="127.0.0.1", port=given.port, log_level="warning", access_log=False
    )
