"""Which metadata a recommender is asked to do without, of which titles: a sample, dealt evenly. Asks nobody."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

FIELDS_EACH: Final = 2
"""Fields a title is asked about without, one at a time."""
_MIN_FILLED: Final = 0.5
"""A field that fewer titles have is missing as a rule: nothing is to be learned of its absence."""
_MAX_FIELDS: Final = 24


def is_sampled(title: Sequence[str], share: float) -> npt.NDArray[np.bool_]:
    """Say which titles are in the sample: a share of them, by a hash of the id, so the same ones every time."""
    keys = np.array([f"dropped\x00{each}" for each in title], dtype=object)
    if not len(keys):
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(pd.util.hash_array(keys) / 2.0**64 < share, dtype=np.bool_)


def is_there(value: object) -> bool:
    """Return whether a metadata value says anything: not null, not NaN, no empty text and no empty list."""
    if value is None or value != value:
        return False
    return bool(value.strip()) if isinstance(value, str) else not (isinstance(value, list | tuple) and not value)


def fields_that_matter(
    titles: Sequence[Mapping[str, object]], required: Collection[str], ignored: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the fields whose absence is worth asking about, the most important first.

    Most titles have them, and they are required or some title lacks them. Where none is, every field most titles have.

    Args:
        titles: Metadata of some titles, only what is there.
        required: Fields some requirement names.
        ignored: Fields no model looks at.
    """
    filled = Counter(name for fields in titles for name in fields)
    usual = [name for name, n in filled.items() if n >= _MIN_FILLED * len(titles) and name not in ignored]
    matter = [name for name in usual if name in required or filled[name] < len(titles)] or usual
    # Of too many, those that are required and those that are missing most.
    return tuple(sorted(matter, key=lambda name: (name not in required, filled[name], name))[:_MAX_FIELDS])


class Dealer:
    """Deals fields to titles so that each has been asked about without about equally often."""

    def __init__(self, fields: Sequence[str], asked: Mapping[str, int]) -> None:
        """Deal `fields`; `asked` says how often each was asked about before."""
        self._fields = tuple(fields)
        self._asked = Counter({name: asked.get(name, 0) for name in fields})
        self._dealt: dict[str, tuple[str, ...]] = {}

    def of(self, title: str, filled: Collection[str]) -> tuple[str, ...]:
        """Return at most FIELDS_EACH fields of a title that are there; of one title the same ones every time."""
        if title not in self._dealt:
            there = [name for name in self._fields if name in filled]
            rare = sorted(there, key=lambda name: self._asked[name])[:FIELDS_EACH]
            self._asked.update(rare)
            self._dealt[title] = tuple(rare)
        return tuple(name for name in self._dealt[title] if name in filled)
