"""Metadata given with a question, read as the recommender reads its catalogue. What is not given is missing.

Not for the catalogue itself: its versions were read when they arrived.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from recsysops.contract.recommender import FieldValue
from recsysops.simulation import _fields as f
from recsysops.simulation.catalogue import People
from recsysops.simulation.recommender import Readings, read

_NUMBERS = (f.RUNTIME, f.ARTWORK_WIDTH, f.ARTWORK_HEIGHT, f.ARTWORK_QUALITY)


def read_fields(titles: Sequence[Mapping[str, FieldValue]], people: People) -> Readings:
    """Read the metadata of some titles, as seen in the market asked about; one row each, in that order.

    Lists and text joined by `|` mean the same; a number may be given as text, and one that is none is missing.
    """
    frame = pd.DataFrame({name: [_text(fields.get(name)) for fields in titles] for name in f.FIELDS}, dtype="str")
    for name in _NUMBERS:
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    for override in f.OVERRIDES:
        frame[override] = pd.Series([None] * len(frame), dtype="str")
    return read(frame, people)


def _text(value: FieldValue) -> str | None:
    """Return a value as the catalogue file would have it; empty and NaN are missing."""
    if value is None or value != value:
        return None
    text = "|".join(str(part) for part in value) if isinstance(value, (list, tuple)) else str(value)
    return text.strip() or None
