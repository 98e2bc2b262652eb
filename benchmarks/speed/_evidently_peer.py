"""Evidently's drift and summary reports on one Parquet file, in an environment of its own; prints seconds and peak MB.

The first half of the rows is the reference, the second the current data. Needs nothing of RecSysOps.
"""

import json
import resource
import sys
import time
import warnings

REPEATS = 3
MANY_ROWS = 50_000
"""From here on once: a single run takes minutes."""


def main(path: str) -> dict[str, object]:
    """Run both reports several times."""
    warnings.simplefilter("ignore")
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    frame = pd.read_parquet(path)
    numbers = list(frame.select_dtypes("number").columns)
    others = [name for name in frame.columns if name not in numbers]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=others)
    half = len(frame) // 2
    seconds = []
    for rows in (frame.head(50), *([frame] * (REPEATS if len(frame) < MANY_ROWS else 1))):
        middle = min(half, len(rows) // 2)
        began = time.perf_counter()
        reference, current = (
            Dataset.from_pandas(part.reset_index(drop=True), data_definition=definition)
            for part in (rows.iloc[:middle], rows.iloc[middle:])
        )
        Report([DataDriftPreset(), DataSummaryPreset()]).run(current, reference)
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds[1:], "peak_mb": peak}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
