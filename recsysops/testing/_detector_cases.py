"""The cases the detector checks are tried on, and how a broken promise is reported."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NoReturn

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.contract.detector import AnyDetector, Detection, Example
from recsysops.domain.finding import finding_key
from recsysops.domain.severity import FindingClass, Severity
from recsysops.testing.builders import NUMBERS, TIMES, TRUTHS, WHOLE_NUMBERS, example_tables

Tables = dict[str, pd.DataFrame]

SERVICE: Final = (c.ALL, c.ALL, c.ALL)
"""Title, market and surface of what concerns the service."""
_KEYS: Final = frozenset({*c.TARGET_KEY, c.FIELD})
"""Columns that say which row is meant: blanking them makes another table, not a damaged one."""
_ALIKE: Final = frozenset({*c.QUANTILES}) - {c.QUANTILES[len(c.QUANTILES) // 2]}
"""Quantiles are damaged all together, and the median alone: one by one they would be nineteen times the same case."""
_FLOATS: Final = (c.WORTH, c.WORTH_LOW, c.WORTH_HIGH, c.SCORE, c.MARGIN)


def cases(detector: AnyDetector) -> Iterator[tuple[Example, Tables]]:
    """Yield each example with its tables."""
    for example in detector.examples:
        yield example, example_tables(detector, example)


def run(detector: AnyDetector, example: Example, tables: Tables) -> Detection:
    """Return what the detector says of the tables with the example's parameters."""
    params = detector.params.model_validate(dict(example.params))
    return detector.detect(tables, params, as_of=example.as_of)


def with_params(example: Example, changes: Mapping[str, object]) -> Example:
    """Return the example with other parameters."""
    return replace(example, params={**example.params, **changes})


def flagged(detection: Detection) -> frozenset[str]:
    """Return the titles with a finding."""
    return frozenset(detection.findings[c.TITLE_ID])


def cells_of(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the cell of every row."""
    return list(zip(*(frame[column] for column in c.CELL_KEY), strict=True))


def of_title(frame: pd.DataFrame, title_id: str, detector: AnyDetector) -> pd.DataFrame:
    """Return the rows of a title, and of the service in that scope; the whole frame where it has no titles."""
    if c.TITLE_ID not in frame:
        return frame
    ids = [title_id, c.ALL] if detector.scope == "service" else [title_id]
    return frame[frame[c.TITLE_ID].isin(ids)].reset_index(drop=True)


def parts(detection: Detection) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return findings and verdicts."""
    return detection.findings, detection.verdicts


def places(detector: AnyDetector, cells: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return what there must be a verdict on, in order: the cells, and last the service where that is its scope."""
    return [*cells_of(cells), *([SERVICE] if detector.scope == "service" else [])]


def without_service(detector: AnyDetector, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return the verdicts on cells."""
    if detector.scope != "service":
        return verdicts
    return verdicts[(verdicts[list(c.CELL_KEY)] != c.ALL).any(axis=1)]


def damaged(tables: Tables) -> Iterator[tuple[str, Tables]]:
    """Yield the tables with one column missing or infinite, then with all that can be."""
    for fill in (np.nan, np.inf, -np.inf):
        everything = dict(tables)
        for name, column in [(name, column) for name, frame in tables.items() for column in frame.columns]:
            values = _blank(tables[name][column], column, fill)
            if values is None:
                continue
            everything[name] = everything[name].assign(**{column: values})
            if column not in _ALIKE:
                yield f"{name}.{column} = {fill}", tables | {name: tables[name].assign(**{column: values})}
        yield f"all columns = {fill}", everything


def _blank(values: pd.Series, column: str, fill: float) -> pd.Series | None:
    if column in _KEYS or column in WHOLE_NUMBERS | TRUTHS:
        return None
    if column in NUMBERS:
        return pd.Series(fill, index=values.index, dtype="float64")
    if np.isinf(fill):
        return None
    if column in TIMES:
        return pd.Series(pd.NaT, index=values.index, dtype=values.dtype)
    return pd.Series(None, index=values.index, dtype=values.dtype)


def check_types(detector: AnyDetector, example: Example, detection: Detection) -> None:
    """Fail unless both frames have the declared columns and types, empty or not."""
    for name, frame, columns in (
        ("findings", detection.findings, c.FINDING),
        ("verdicts", detection.verdicts, c.VERDICT),
    ):
        require(tuple(frame.columns) == columns, detector, example, f"returns {name} without their columns in order")
        for column in columns:
            wanted = "float64" if column in _FLOATS else "datetime64[us, UTC]" if column in TIMES else "str"
            wanted = "object" if column == c.EVIDENCE else wanted
            found = str(frame[column].dtype)
            require(found == wanted, detector, example, f'returns {name} with "{column}" as {found}, not {wanted}')


def incomplete(detector: AnyDetector, row: Mapping[Any, Any]) -> str:
    """Say what a finding lacks; empty where it lacks nothing."""
    subject = row[c.FIELD] or row[c.MEASURE]
    key = finding_key(detector.name, row[c.RULE], row[c.TITLE_ID], row[c.MARKET], row[c.SURFACE], subject)
    faults = {
        "of another detector": row[c.DETECTOR] != detector.name,
        "of an unknown rule": row[c.RULE] not in {rule.name for rule in detector.rules},
        "with a key of its own making": row[c.FINDING_KEY] != key,
        "of unknown severity": row[c.SEVERITY] not in set(Severity),
        "of unknown class": row[c.CLASS] not in set(FindingClass),
        "without a finite score": not np.isfinite(row[c.SCORE]),
        "without words": not (row[c.WHY] and row[c.REMEDY]),
        "without evidence": not (isinstance(row[c.EVIDENCE], dict) and row[c.EVIDENCE]),
        "whose evidence is no JSON": not _is_json(row[c.EVIDENCE]),
        "with an infinite worth": bool(np.isinf([row[c.WORTH], row[c.WORTH_LOW], row[c.WORTH_HIGH]]).any()),
    }
    return next((fault for fault, is_so in faults.items() if is_so), "")


def _is_json(evidence: object) -> bool:
    try:
        return bool(json.loads(json.dumps(evidence, allow_nan=False)) == evidence)
    except (TypeError, ValueError):
        return False


def unexplained_numbers(why: str, evidence: object) -> list[str]:
    """Return the numbers a sentence quotes that its evidence does not hold."""
    known = list(_numbers_in(evidence))
    quoted = [text.rstrip(",") for text in re.findall(r"\d[\d,]*(?:\.\d+)?", why)]
    return [text for text in quoted if not any(_is_quoted(text, number) for number in known)]


def _numbers_in(evidence: object) -> Iterator[float]:
    if isinstance(evidence, Mapping):
        for value in evidence.values():
            yield from _numbers_in(value)
    elif isinstance(evidence, (list, tuple)):
        for value in evidence:
            yield from _numbers_in(value)
    elif isinstance(evidence, str):
        yield from (float(text) for text in re.findall(r"\d+(?:\.\d+)?", evidence))
    elif isinstance(evidence, (int, float)):
        yield float(evidence)


def _is_quoted(text: str, number: float) -> bool:
    """Return whether a quoted number is the known one, as it is or in per cent, rounded to the digits it shows."""
    quoted, half = float(text.replace(",", "")), 0.5 * 10 ** -len(text.partition(".")[2])
    return any(abs(abs(number) * scale - quoted) <= half + 1e-9 for scale in (1, 100))


def same(detector: AnyDetector, example: Example, expected: Detection, found: Detection, because: str) -> None:
    """Fail where two answers differ in more than the order of their verdicts."""
    for name in ("findings", "verdicts"):
        rows = [_sorted(getattr(detection, name)) for detection in (expected, found)]
        require(rows[0] == rows[1], detector, example, f"gives other {name} because of {because}")


def _sorted(frame: pd.DataFrame) -> list[str]:
    return sorted(repr(sorted((str(k), repr(v)) for k, v in row.items())) for row in frame.to_dict("records"))


def require(condition: object, detector: AnyDetector, example: Example, problem: str) -> None:
    """Fail with the detector, the example and the problem unless the condition holds."""
    if not condition:
        fail(detector, f'{problem} (example "{example.name}")')


def fail(detector: AnyDetector, problem: str) -> NoReturn:
    """Fail with the detector and the problem."""
    raise AssertionError(f'Detector "{detector.name}" {problem}.')
