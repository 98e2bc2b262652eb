"""Which values meet an expectation: our own mask for each that we know, so that failing rows need not be asked for."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.quality._catalogue import Bools

Seen = Sequence[Any] | npt.NDArray[np.float64]
Mask = Callable[[Sequence[Any], Mapping[str, Any]], tuple[Seen, Bools]]
"""(values, kwargs) to what Great Expectations shall see of them, and whether each meets the expectation."""
_NATIVE: Final = {"str": str, "int": int, "float": float, "bool": bool}


def _texts(values: Sequence[Any]) -> list[str]:
    return [value if isinstance(value, str) else str(value) for value in values]


def _in_set(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    return values, pd.Series(list(values), dtype="object").isin(kwargs["value_set"]).to_numpy()


def _not_in_set(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    seen, is_in = _in_set(values, kwargs)
    return seen, ~is_in


def _contains(texts: Sequence[str], regex: str) -> Bools:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This pattern is interpreted as a regular expression", UserWarning)
        return pd.Series(texts, dtype="str").str.contains(regex).to_numpy(dtype=np.bool_)


def _regex(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    texts = _texts(values)
    return texts, _contains(texts, kwargs["regex"])


def _not_regex(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    texts, does = _regex(values, kwargs)
    return texts, ~does


def _regex_list(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    texts = _texts(values)
    found = [_contains(texts, regex) for regex in kwargs["regex_list"]]
    return texts, np.all(found, axis=0) if kwargs.get("match_on") == "all" else np.any(found, axis=0)


def _not_regex_list(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    texts, does = _regex_list(values, {"regex_list": kwargs["regex_list"]})
    return texts, ~does


def _between(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Seen, Bools]:
    """Compare numbers, those in texts too; a text that is none counts as far out."""
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    out = np.inf if low is None else -np.inf
    numbers = pd.to_numeric(pd.Series(_texts(values), dtype="str"), errors="coerce").fillna(out).astype("float64")
    return np.asarray(numbers, dtype=np.float64), _within(numbers, low, high, kwargs)


def _lengths(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    texts = _texts(values)
    lengths = pd.Series([len(text) for text in texts], dtype="float64")
    return texts, _within(lengths, kwargs.get("min_value"), kwargs.get("max_value"), kwargs)


def _within(values: "pd.Series[float]", low: float | None, high: float | None, kwargs: Mapping[str, Any]) -> Bools:
    fits = np.ones(len(values), dtype=np.bool_)
    if low is not None:
        fits &= (values > low if kwargs.get("strict_min") else values >= low).to_numpy()
    if high is not None:
        fits &= (values < high if kwargs.get("strict_max") else values <= high).to_numpy()
    return fits


def _length(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    texts = _texts(values)
    return texts, np.array([len(text) == kwargs["value"] for text in texts], dtype=np.bool_)


def _of_type(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    return _in_types(values, {"type_list": [kwargs["type_"]]})


def _in_types(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    kinds: list[type] = []
    for name in kwargs["type_list"]:
        kinds += [_NATIVE[name], np.dtype(name).type]
    return values, np.array([isinstance(value, tuple(kinds)) for value in values], dtype=np.bool_)


def _strftime(values: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Bools]:
    texts = _texts(values)
    return texts, np.array([_is_time(text, kwargs["strftime_format"]) for text in texts], dtype=np.bool_)


def _is_time(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


MASKS: Final[Mapping[str, Mask]] = {
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_not_be_in_set": _not_in_set,
    "expect_column_values_to_match_regex": _regex,
    "expect_column_values_to_not_match_regex": _not_regex,
    "expect_column_values_to_match_regex_list": _regex_list,
    "expect_column_values_to_not_match_regex_list": _not_regex_list,
    "expect_column_values_to_be_between": _between,
    "expect_column_value_lengths_to_be_between": _lengths,
    "expect_column_value_lengths_to_equal": _length,
    "expect_column_values_to_be_of_type": _of_type,
    "expect_column_values_to_be_in_type_list": _in_types,
    "expect_column_values_to_match_strftime_format": _strftime,
}
"""By Great Expectations' own name."""


def has_mask(expectation: str, kwargs: Mapping[str, Any]) -> bool:
    """Return whether there is a mask for an expectation with these arguments: bounds must be numbers, types known."""
    limits = [kwargs.get("min_value"), kwargs.get("max_value")]
    types = [kwargs.get("type_", "str"), *kwargs.get("type_list", ())] if "_type" in expectation else []
    are_numbers = all(limit is None or isinstance(limit, (int, float)) for limit in limits)
    return expectation in MASKS and are_numbers and set(types) <= set(_NATIVE)
