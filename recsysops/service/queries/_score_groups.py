"""Scored predictions by market, surface, provider and whether metadata was missing. Not for the figures themselves."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    ABSOLUTE_ERROR,
    ALL,
    AS_OF,
    FIELD,
    FIELDS,
    MARKET,
    NAME,
    OBSERVED_AT,
    PROVIDER,
    SERIES_ID,
    SURFACE,
    TITLE_ID,
)
from recsysops.domain.scoreboard import SMALL, GroupKind, GroupLine
from recsysops.service.queries._score_lines import is_inside, mean_figure
from recsysops.service.queries.values import is_missing, text

GROUPS_SHOWN: Final = 20
"""Of one kind, the worst."""
BIAS: Final = "bias"
"""Column: outcome minus median, on the transformed scale."""
COMPLETE: Final = "no required field missing"
LACKING: Final = "a required field missing"

Versions = Mapping[tuple[str, str], tuple[Sequence[datetime], Sequence[Mapping[str, object]]]]


def group_lines(rows: pd.DataFrame, titles: pd.DataFrame, requirements: pd.DataFrame) -> tuple[GroupLine, ...]:
    """Return the error by group, of each kind the worst first; small groups last, as their order says little.

    Args:
        rows: One scored prediction per cell, with BIAS.
        titles: TITLE_VERSION, every version of these titles.
        requirements: REQUIREMENT.
    """
    providers = titles[titles[MARKET] == ALL].drop_duplicates(TITLE_ID, keep="last").set_index(TITLE_ID)[PROVIDER]
    keys = {
        GroupKind.MARKET: rows[MARKET],
        GroupKind.SURFACE: rows[SURFACE],
        GroupKind.PROVIDER: rows[TITLE_ID].map(providers.to_dict()).map(text),
    }
    if len(requirements):
        lacking = lacks_metadata(rows, titles, requirements)
        keys[GroupKind.METADATA] = pd.Series(np.where(lacking, LACKING, COMPLETE), index=rows.index)
    return tuple(line for kind, key in keys.items() for line in _of_kind(kind, key, rows))


def _of_kind(kind: GroupKind, key: "pd.Series[str]", rows: pd.DataFrame) -> list[GroupLine]:
    typical = rows.groupby(key)[ABSOLUTE_ERROR].mean()
    is_small = rows.groupby(key)[TITLE_ID].nunique() < SMALL
    order = sorted(typical.index, key=lambda value: (bool(is_small[value]), -float(typical[value]), str(value)))
    lines = []
    for value in order[:GROUPS_SHOWN]:
        part = rows[key == value]
        lines.append(
            GroupLine(
                kind=kind,
                value=str(value),
                n=len(part),
                n_titles=int(part[TITLE_ID].nunique()),
                mae=mean_figure(part, ABSOLUTE_ERROR),
                coverage_80=float(is_inside(part, 0.8).mean()),
                bias=float(part[BIAS].mean()),
                is_small=bool(is_small[value]),
            )
        )
    return lines


def lacks_metadata(rows: pd.DataFrame, titles: pd.DataFrame, requirements: pd.DataFrame) -> list[bool]:
    """Return, per row, whether a field that its cell requires was not known when the prediction was made.

    Args:
        rows: TITLE_ID, MARKET, SURFACE, AS_OF.
        titles: TITLE_VERSION, every version; a market's version overrides the general one field by field.
        requirements: REQUIREMENT.
    """
    versions = _versions(titles)
    required = {
        (market, surface): requirements.loc[
            requirements[MARKET].isin([ALL, market]) & requirements[SURFACE].isin([ALL, surface]), FIELD
        ].tolist()
        for market, surface in set(zip(rows[MARKET], rows[SURFACE], strict=True))
    }
    lacking = []
    for title_id, market, surface, as_of in zip(*(rows[n] for n in (TITLE_ID, MARKET, SURFACE, AS_OF)), strict=True):
        known = {**_known(versions, title_id, ALL, as_of), **_known(versions, title_id, market, as_of)}
        lacking.append(any(_is_blank(known.get(field)) for field in required[market, surface]))
    return lacking


def _versions(titles: pd.DataFrame) -> Versions:
    found: dict[tuple[str, str], tuple[list[datetime], list[Mapping[str, object]]]] = {}
    columns = (titles[name] for name in (TITLE_ID, MARKET, OBSERVED_AT, NAME, SERIES_ID, FIELDS))
    for title_id, market, at, name, series, fields in zip(*columns, strict=True):
        times, values = found.setdefault((title_id, market), ([], []))
        times.append(at)
        own = {NAME: name, SERIES_ID: series}
        values.append({**{key: value for key, value in own.items() if not is_missing(value)}, **fields})
    return found


def _known(versions: Versions, title_id: str, market: str, as_of: datetime) -> Mapping[str, object]:
    times, values = versions.get((title_id, market), ((), ()))
    at = bisect_right(times, as_of)
    return values[at - 1] if at else {}


def _is_blank(value: object) -> bool:
    return is_missing(value) or value in ("", [], ())
