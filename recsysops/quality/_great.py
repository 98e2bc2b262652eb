"""Great Expectations, quietly and in memory: expectations in, one verdict each out. Knows nothing of titles."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import RLock
from typing import Any, Final

import pandas as pd

from recsysops.domain.text import plain
from recsysops.quality._library import great_expectations

PROBLEM_LENGTH: Final = 300
_ONE_AT_A_TIME: Final = RLock()
"""Great Expectations keeps state between and during calls, and so do the filters of warnings."""
_IN_FULL: Final = {"result_format": "COMPLETE", "include_unexpected_rows": False}
_BRIEFLY: Final = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class Asked:
    """One expectation, by the name Great Expectations knows it under."""

    expectation: str
    kwargs: Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What Great Expectations says of one expectation."""

    is_met: bool = False
    """Means nothing where there is a problem."""
    problem: str = ""
    """Why it could not be judged; empty where it was."""
    n_unexpected: int | None = None
    """Rows that fail; None where the expectation does not look at rows."""
    observed: str = ""
    """What was found instead, of expectations that look at the table as a whole."""
    rows: Sequence[int] | None = field(default=None, repr=False)
    """Positions of the rows that fail; None where it does not say."""


def validate(frame: pd.DataFrame, asked: Sequence[Asked], *, name: str, with_rows: bool = False) -> list[Verdict]:
    """Judge expectations on a frame; one that cannot be judged is a verdict with a problem and spoils no other.

    Args:
        frame: What is judged; its index is 0 to n-1.
        asked: Expectations; kwargs as Great Expectations has them.
        name: Of the suite.
        with_rows: Whether to ask which rows fail: slow, for small frames.

    Returns:
        One verdict for each, in order.
    """
    with _ONE_AT_A_TIME, _quiet():
        built = [_built(each) for each in asked]
        sound = [position for position, each in enumerate(built) if not isinstance(each, Verdict)]
        verdicts: dict[int, Verdict] = {}
        if sound:
            judged = _judged(frame, [built[position] for position in sound], name, with_rows=with_rows)
            verdicts = dict(zip(sound, judged, strict=True))
    return [verdicts.get(k, each) for k, each in enumerate(built)]


def _judged(frame: pd.DataFrame, built: Sequence[Any], name: str, *, with_rows: bool) -> list[Verdict]:
    """Ask for all at once, and for each alone where something broke: one broken expectation can spoil the others."""
    batch = _batch(frame)
    form = _IN_FULL if with_rows else _BRIEFLY
    try:
        verdicts = _asked_together(batch, built, name, form)
    except Exception as error:  # noqa: BLE001 - whatever it raises must not spoil the other checks
        verdicts = [Verdict(problem=_problem(error))] * len(built)
    if len(built) == 1 or not any(verdict.problem for verdict in verdicts):
        return verdicts
    return [_judged(frame, [each], name, with_rows=with_rows)[0] for each in built]


def _asked_together(batch: Any, built: Sequence[Any], name: str, form: Mapping[str, Any]) -> list[Verdict]:  # noqa: ANN401 - Great Expectations ships partial types
    suite = great_expectations().ExpectationSuite(
        name=name, expectations=[_numbered(each, k) for k, each in enumerate(built)]
    )
    results = batch.validate(suite, result_format=dict(form)).results
    by_number = {result.expectation_config.meta["number"]: _verdict(result) for result in results}
    return [by_number[number] for number in range(len(built))]


def _numbered(expectation: Any, number: int) -> Any:  # noqa: ANN401
    """Return the expectation marked with its place: results come in an order of their own."""
    expectation.meta = {"number": number}
    return expectation


def _built(asked: Asked) -> Any:  # noqa: ANN401
    """Return the expectation, or a verdict that says why there is none."""
    name = "".join(part.capitalize() for part in asked.expectation.split("_"))
    kind = getattr(great_expectations().expectations, name, None)
    if kind is None:
        return Verdict(problem=f'Great Expectations has no expectation "{plain(asked.expectation, 80)}".')
    try:
        return kind(**asked.kwargs)
    except Exception as error:  # noqa: BLE001 - a wrong argument spoils this check only
        return Verdict(problem=_problem(error))


def _batch(frame: pd.DataFrame) -> Any:  # noqa: ANN401
    return _whole_frame().get_batch(batch_parameters={"dataframe": frame})


@cache
def _whole_frame() -> Any:  # noqa: ANN401
    """Return what turns a frame into a batch, made once: each context opens a temporary folder and 15 ms of work."""
    gx = great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("cells").add_dataframe_asset("metadata")
    return asset.add_batch_definition_whole_dataframe("whole")


def _verdict(result: Any) -> Verdict:  # noqa: ANN401
    raised = result.exception_info
    messages = [raised] if "raised_exception" in raised else list(raised.values())
    failures = [str(entry["exception_message"]) for entry in messages if entry["raised_exception"]]
    if failures:
        return Verdict(problem=plain(failures[0], PROBLEM_LENGTH))
    found = result.result
    observed = found.get("observed_value")
    count, rows = found.get("unexpected_count"), found.get("unexpected_index_list")
    return Verdict(
        is_met=bool(result.success),
        n_unexpected=None if count is None else int(count),
        observed="" if observed is None else plain(str(observed), PROBLEM_LENGTH),
        rows=None if rows is None else tuple(int(row) for row in rows),
    )


def _problem(error: Exception) -> str:
    return plain(f"{type(error).__name__}: {error}", PROBLEM_LENGTH)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what Great Expectations and the libraries it looks for warn of: none of it is ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
