"""The feature matrix of the peers, strictly point in time: each launch as known at the origin of its week.

Every launch stands in it once, cut at its week's origin: so a row means the same when it is learned from and when it is
predicted. A value enters only from rows observed (metadata, plans), known (outcomes) or asked (shadow) at the cut or
before; that a column holds numbers, lists or sentences is read off all values. Ignored fields are not looked at.

Columns, by prefix: `num:` numbers, `cat:` one text, `list:` texts joined by `|`, `text:` sentences, `miss:` 1 where a
field is missing, `cal:` calendar and competition, `hist:` shrunken means of earlier outcomes and how many titles of the
same values had launched, `shadow:` what the recommender said last.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from _world import WEEK, World, labels

from recsysops.columns import (
    ALL,
    AS_OF,
    CANDIDATE_SHARE,
    CELL_KEY,
    ELIGIBLE_SHARE,
    FIELDS,
    KNOWN_AT,
    LAUNCH_AT,
    LAUNCH_STATUS,
    MARGIN_P10,
    MARGIN_P50,
    MARGIN_P90,
    MARKET,
    OBSERVED_AT,
    PLANNED,
    PROVIDER,
    RANK_PERCENTILE,
    REACH_ALONE,
    REACH_JOINT,
    SERIES_ID,
    SURFACE,
    TITLE_ID,
)  # fmt: skip

SHARES = (REACH_JOINT, REACH_ALONE, ELIGIBLE_SHARE, CANDIDATE_SHARE, RANK_PERCENTILE)
SHADOW = (*SHARES, MARGIN_P10, MARGIN_P50, MARGIN_P90)
SHRINKAGE = 5.0
"""Outcomes' worth of weight on the level of market and surface."""
_WORDS = 6
"""A text field's values have more words than this, half of them."""


def matrix(world: World, horizon: int) -> pd.DataFrame:
    """Return one row per labelled launch: keys, `week`, KNOWN_AT, `y`, `is_asked` and the features.

    `is_asked` is 0 where the launch was not planned yet as known at its week's origin: such a row teaches, but nobody
    is asked to predict it.
    """
    rows = labels(world, horizon)
    states = _states(world, rows)
    kinds = _kinds(states, frozenset(world.settings.text_fields))
    planned = _as_of(rows, world.history.launches, CELL_KEY, OBSERVED_AT)
    asked = (planned[LAUNCH_STATUS] == PLANNED).to_numpy() & planned[LAUNCH_AT].notna().to_numpy()
    parts: dict[str, Any] = {"is_asked": asked.astype(int)}
    parts |= _metadata(states, kinds)
    believed = planned[LAUNCH_AT].where(asked, rows[LAUNCH_AT])
    parts |= _calendar(world, rows, believed)
    parts |= _history(rows, states, [name for name, kind in kinds.items() if kind in {"cat", "list"}])
    parts |= _careers(world, rows, states, [name for name, kind in kinds.items() if kind in {"cat", "list"}])
    parts |= _shadow(world, rows)
    return pd.concat([rows, pd.DataFrame(parts, index=rows.index)], axis=1)


def _as_of(rows: pd.DataFrame, versions: pd.DataFrame, keys: Iterable[str], at: str) -> pd.DataFrame:
    """Return for each row the version of its key known last at its week's origin; missing where there is none."""
    names = list(keys)
    left = rows[[*names, "week"]].assign(_row=np.arange(len(rows))).sort_values("week", kind="stable")
    right = versions.sort_values(at, kind="stable")
    if right.empty:
        return pd.DataFrame(index=rows.index, columns=[c for c in versions.columns if c not in names])
    left[names], right[names] = left[names].astype("str"), right[names].astype("str")
    found = pd.merge_asof(left, right, left_on="week", right_on=at, by=names, direction="backward")
    return found.sort_values("_row").set_index(rows.index).drop(columns=[*names, "week", "_row"])


def _states(world: World, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the metadata of each row as known at its cut: the market's version laid over the general one."""
    titles = world.history.titles
    general = _as_of(rows, titles[titles[MARKET] == ALL].drop(columns=MARKET), [TITLE_ID], OBSERVED_AT)
    own = _as_of(rows, titles[titles[MARKET] != ALL], [TITLE_ID, MARKET], OBSERVED_AT)
    ignored = set(world.settings.ignore_fields)
    merged = []
    for a, b in zip(_dicts(general), _dicts(own), strict=True):
        state = {name: value for name, value in (a | b).items() if name not in ignored}
        merged.append({name: value for name, value in state.items() if not _is_missing(value)})
    return merged


def _dicts(versions: pd.DataFrame) -> list[dict[str, Any]]:
    columns = [versions[name] for name in (FIELDS, PROVIDER, SERIES_ID)]
    return [
        dict(fields if isinstance(fields, Mapping) else {})
        | {name: value for name, value in ((PROVIDER, provider), (SERIES_ID, series)) if not _is_missing(value)}
        for fields, provider, series in zip(*columns, strict=True)
    ]


def _is_missing(value: object) -> bool:
    if isinstance(value, (list, tuple, set)):
        return not value
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _kinds(states: list[dict[str, Any]], texts: frozenset[str]) -> dict[str, str]:
    """Return what each field holds: `num`, `cat`, `list`, `text` or `vector`."""
    values: dict[str, list[Any]] = defaultdict(list)
    for state in states:
        for name, value in state.items():
            values[name].append(value)
    return {name: _kind(values[name], is_text=name in texts) for name in sorted(values)}


def _kind(values: list[Any], *, is_text: bool) -> str:
    if is_text:
        return "text"
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return "num"
    if all(isinstance(value, (list, tuple)) for value in values):
        is_vector = all(isinstance(part, float) for value in values[:50] for part in value)
        return "vector" if is_vector else "list"
    words = [len(value.split()) for value in values if isinstance(value, str)]
    return "text" if words and np.median(words) > _WORDS else "cat"


def tokens(value: object) -> list[str]:
    """Return the parts of a value as texts; none where it is missing."""
    if value is None:
        return []
    parts = value if isinstance(value, (list, tuple, set)) else [value]
    return [str(part).strip().lower().replace("|", "/") for part in parts if not _is_missing(part)]


def _metadata(states: list[dict[str, Any]], kinds: dict[str, str]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name, kind in kinds.items():
        values = [state.get(name) for state in states]
        parts[f"miss:{name}"] = np.array([value is None for value in values], dtype=np.int8)
        if kind == "num":
            parts[f"num:{name}"] = np.array([np.nan if value is None else float(value) for value in values])
        elif kind == "vector":
            parts |= _vector(name, values)
        elif kind == "list":
            parts[f"list:{name}"] = ["|".join(tokens(value)) for value in values]
            parts[f"num:{name}|n"] = np.array([len(tokens(value)) for value in values], dtype=float)
        else:
            parts[f"{kind}:{name}"] = [" ".join(tokens(value)) for value in values]
    parts["num:n_missing"] = np.sum([column for name, column in parts.items() if name.startswith("miss:")], axis=0)
    return parts


def _vector(name: str, values: list[Any]) -> dict[str, Any]:
    size = max(len(value) for value in values if value is not None)
    full = np.array([value if value is not None and len(value) == size else [np.nan] * size for value in values])
    return {f"num:{name}|{at}": full[:, at].astype(float) for at in range(size)}


def _calendar(world: World, rows: pd.DataFrame, launch: pd.Series) -> dict[str, Any]:
    at = launch.dt
    parts: dict[str, Any] = {
        "cal:weekday": at.day_of_week, "cal:month": at.month, "cal:day": at.day, "cal:hour": at.hour,
        "cal:days_ahead": (launch - rows["week"]) / pd.Timedelta(days=1),
        "cal:near": _competition(world.history.launches, rows, launch),
    }  # fmt: skip
    return {name: np.asarray(part, dtype=float) for name, part in parts.items()}


def _competition(launches: pd.DataFrame, rows: pd.DataFrame, launch: pd.Series) -> np.ndarray:
    """Count the launches of a market and surface planned within a week of each row's, as known at its cut."""
    near = np.zeros(len(rows))
    ordered = launches.sort_values(OBSERVED_AT, kind="stable")
    observed = ordered[OBSERVED_AT]
    for week, part in rows.groupby("week"):
        known = ordered.iloc[: int(observed.searchsorted(week, side="right"))]
        known = known.drop_duplicates(list(CELL_KEY), keep="last")
        known = known[(known[LAUNCH_STATUS] == PLANNED) & known[LAUNCH_AT].notna()]
        places = {place: np.sort(group.to_numpy()) for place, group in known.groupby([MARKET, SURFACE])[LAUNCH_AT]}
        for place, own in part.groupby([MARKET, SURFACE]).groups.items():
            others, at = places.get(place, np.array([], dtype="datetime64[us]")), launch.loc[own]
            low = np.searchsorted(others, (at - WEEK).to_numpy(), side="left")
            near[rows.index.get_indexer(own)] = np.searchsorted(others, (at + WEEK).to_numpy(), side="right") - low
    return near


def _history(rows: pd.DataFrame, states: list[dict[str, Any]], fields: list[str]) -> dict[str, Any]:
    """Return shrunken means of the outcomes known at each row's cut: of its cell, and of each field's values."""
    cut, known = rows["week"].astype("int64").to_numpy(), rows[KNOWN_AT].astype("int64").to_numpy()
    y = rows["y"].to_numpy()
    places = [f"{market}|{surface}" for market, surface in zip(rows[MARKET], rows[SURFACE], strict=True)]
    whole, n = _means([["all"]] * len(rows), y, known, cut, np.zeros(len(rows)))
    level, _ = _means([[place] for place in places], y, known, cut, np.where(n > 0, whole, 0.0))
    parts: dict[str, Any] = {"hist:level": np.where(n > 0, level, np.nan)}
    for name in fields:
        pairs = zip(places, states, strict=True)
        keys = [[f"{place}|{token}" for token in tokens(state.get(name))] for place, state in pairs]
        mean, count = _means(keys, y, known, cut, level)
        parts[f"hist:{name}"] = np.where(n > 0, mean, np.nan)
        parts[f"hist:{name}|n"] = count
    return parts


def _careers(world: World, rows: pd.DataFrame, states: list[dict[str, Any]], fields: list[str]) -> dict[str, Any]:
    """Count the titles of each field's values that had launched by each row's cut, their outcome known or not."""
    plans = world.history.launches
    plans = plans[(plans[LAUNCH_STATUS] == PLANNED) & plans[LAUNCH_AT].notna()].sort_values(LAUNCH_AT, kind="stable")
    first = plans.drop_duplicates(TITLE_ID)[[TITLE_ID, MARKET, LAUNCH_AT, OBSERVED_AT]]
    # Counted once it is past and was known to be: a plan entered later than its own date counts from then.
    since = first[[LAUNCH_AT, OBSERVED_AT]].max(axis=1)
    launched = first.assign(week=since.astype("datetime64[us, UTC]")).reset_index(drop=True)
    known, cut = launched["week"].astype("int64").to_numpy(), rows["week"].astype("int64").to_numpy()
    described = _states(world, launched)
    parts: dict[str, Any] = {}
    for name in fields:
        ladders: dict[str, list[int]] = defaultdict(list)
        for at, state in zip(known, described, strict=True):
            for token in set(tokens(state.get(name))):
                ladders[token].append(int(at))
        sorted_ladders = {token: np.sort(times) for token, times in ladders.items()}
        counts = [
            [int(np.searchsorted(sorted_ladders.get(key, _NONE), at, side="left")) for key in tokens(state.get(name))]
            for state, at in zip(states, cut, strict=True)
        ]
        parts[f"hist:{name}|launched"] = np.array([np.log1p(own).mean() if own else np.nan for own in counts])
        parts[f"hist:{name}|most"] = np.array([np.log1p(max(own)) if own else np.nan for own in counts])
    return parts


_NONE = np.zeros(0, dtype=np.int64)


def _means(
    keys: list[list[str]], y: np.ndarray, known: np.ndarray, cut: np.ndarray, level: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over each row's keys of their outcomes known at its cut, shrunken to the level, and how many."""
    places: dict[str, list[int]] = defaultdict(list)
    for row, own in enumerate(keys):
        for key in set(own):
            places[key].append(row)
    ladders = {}
    for key, at in places.items():
        order = np.array(at)[np.argsort(known[at], kind="stable")]
        ladders[key] = (known[order], np.concatenate([[0.0], np.cumsum(y[order])]))
    mean, count = level.astype(float).copy(), np.zeros(len(keys))
    for row, own in enumerate(keys):
        found = [(ladders[key], int(np.searchsorted(ladders[key][0], cut[row], side="right"))) for key in own]
        if found:
            shrunken = [(sums[n] + SHRINKAGE * level[row]) / (n + SHRINKAGE) for (_, sums), n in found]
            mean[row], count[row] = float(np.mean(shrunken)), float(sum(n for _, n in found))
    return mean, count


def _shadow(world: World, rows: pd.DataFrame) -> dict[str, Any]:
    """Return what the recommender said last before each cut; no columns where it was never asked."""
    if world.history.shadow.empty:
        return {}
    asked = world.history.shadow.drop(columns=LAUNCH_AT)
    said = _as_of(rows, asked.assign(**{AS_OF: asked[AS_OF].astype("datetime64[us, UTC]")}), CELL_KEY, AS_OF)
    parts = {}
    for name in SHADOW:
        value = pd.to_numeric(said[name], errors="coerce").to_numpy(dtype=float)
        if name in SHARES:
            clipped = np.clip(value, 1e-4, 1 - 1e-4)
            value = np.log(clipped / (1 - clipped))
        parts[f"shadow:{name}"] = value
    return parts
