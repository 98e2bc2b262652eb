"""The columns of a plan: measure, horizon, unit and its three numbers."""

from typing import Final

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.domain.measure import HORIZONS, Measure
from recsysops.sources._parse import numbers
from recsysops.sources._reading import Reading

UNIT_VALUES: Final = ("share", "members", "impressions")


def read_expectation(reading: Reading, frame: pd.DataFrame) -> None:
    """Put the columns of a plan into `frame`, and keep out rows that are none."""
    for name, values in ((c.MEASURE, tuple(map(str, Measure))), (c.UNIT, UNIT_VALUES)):
        frame[name] = reading.texts[name].str.lower().astype("str")
        reading.expect_one_of(frame[name], name, values)
    horizon = numbers(reading.texts[c.HORIZON])
    known = np.isin(horizon, HORIZONS)
    reading.keep_out(~known, c.HORIZON, "unknown-value", f"One of: {', '.join(map(str, HORIZONS))} (days).")
    frame[c.HORIZON] = np.where(known, horizon, 0).astype("int64")
    for name in (c.LOW, c.BEST, c.HIGH, c.CONFIDENCE):
        frame[name] = numbers(reading.texts[name])
        is_empty = reading.expect_filled(name, "missing-value")
        reading.keep_out(frame[name].isna().to_numpy() & ~is_empty, name, "not-a-number")
    _check_ranges(reading, frame)
    author = reading.texts[c.AUTHOR]
    frame[c.AUTHOR] = author.where(author != "", "unknown").astype("str")


def _check_ranges(reading: Reading, frame: pd.DataFrame) -> None:
    low, best, high, sure = (frame[name].to_numpy() for name in (c.LOW, c.BEST, c.HIGH, c.CONFIDENCE))
    reading.keep_out(low < 0, c.LOW, "out-of-range", "At least 0.")
    reading.keep_out((best < low) | (best > high), c.BEST, "out-of-range", "Low <= best <= high.")
    is_share = (frame[c.UNIT] == "share").to_numpy(dtype=bool)
    reading.keep_out(is_share & (high > 1), c.HIGH, "out-of-range", "A share lies between 0 and 1.")
    reading.keep_out((sure <= 0) | (sure >= 1), c.CONFIDENCE, "out-of-range", "A confidence lies between 0 and 1.")
    counted = frame[c.MEASURE].map({str(measure): measure.worth_unit for measure in Measure})
    misfit = ~is_share & (frame[c.UNIT] != counted).to_numpy(dtype=bool)
    reading.keep_out(misfit, c.UNIT, "unknown-value", "Reach and uptake count members, impression_share impressions.")
