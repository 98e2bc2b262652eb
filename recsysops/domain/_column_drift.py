"""Compares the columns of a batch with those of earlier ones: gone, renamed, retyped, another unit, emptier."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from statistics import median
from typing import Final

from recsysops.domain.drift import ColumnProfile, Drift, DriftKind, Profile
from recsysops.settings import GateSettings

_EMPTY: Final = "empty"
_TEXT: Final = "text"
_LIST: Final = "list"
_MIN_ROWS: Final = 20
"""Fewer filled cells do not tell a kind from its neighbour, nor a share from chance."""
_FEW_FACTOR: Final = 50.0
"""Change of the typical size that cannot be chance even in a few cells."""
_CHANCE: Final = 0.001
"""A column that was empty in so many rows by chance is not gone."""
_Z: Final = 4.0


@dataclass(frozen=True)
class _Usual:
    """What one column was like in the earlier batches that had it."""

    kinds: frozenset[str]
    """Kinds seen, without `empty`."""
    empty_ratio: float
    empty_range: tuple[float, float]
    typicals: tuple[float, ...]
    last: ColumnProfile


def column_drifts(
    found: Profile, earlier: Sequence[Profile], gates: GateSettings, *, is_whole: bool
) -> list[Drift | None]:
    """Return what is wrong with the columns of `found`, by column.

    Args:
        found: The batch.
        earlier: Batches before it, newest first.
        gates: The limits.
        is_whole: Whether these are of the same series, so that shares of empty cells can be compared, too.
    """
    if not found.rows or not earlier:
        return []
    usual = _usual_columns(earlier)
    gone = [name for name, was in usual.items() if name not in found.columns and _is_missed(was, found.rows)]
    new = {name: found.columns[name] for name in new_columns(found, earlier)}
    said = _gone_or_renamed(gone, usual, new)
    for name, was in usual.items():
        now = found.columns.get(name)
        if now is None:
            continue
        n_filled = round((1 - now.empty_ratio) * found.rows)
        retyped = _retyped(name, was, now, n_filled)
        said += [retyped] if retyped else [_unit_jump(name, was, now, n_filled, gates)]
        said += [_null_jump(name, was, now, found.rows, gates)] if is_whole else []
    return said


def new_columns(found: Profile, earlier: Sequence[Profile]) -> tuple[str, ...]:
    """Return the columns no earlier batch had, in their order; empty for a first batch. They are no drift."""
    known = {name for profile in earlier for name in profile.columns}
    return tuple(name for name in found.columns if name not in known) if earlier else ()


def _usual_columns(earlier: Sequence[Profile]) -> Mapping[str, _Usual]:
    """Return the columns that the last batch and nearly all before it had."""
    usual = {}
    for name, last in earlier[0].columns.items():
        had = [profile.columns[name] for profile in earlier if name in profile.columns]
        if len(had) < 0.8 * len(earlier) and len(had) < 3:
            continue
        ratios = [column.empty_ratio for column in had]
        usual[name] = _Usual(
            kinds=frozenset(column.kind for column in had) - {_EMPTY},
            empty_ratio=float(median(ratios)),
            empty_range=(min(ratios), max(ratios)),
            typicals=tuple(column.typical for column in had if column.typical),
            last=last,
        )
    return usual


def _is_missed(was: _Usual, n_rows: int) -> bool:
    """Say whether a column's absence cannot be chance: formats without a header drop a column that is never filled."""
    return was.empty_ratio < 1 and was.empty_ratio**n_rows < _CHANCE


def _gone_or_renamed(
    gone: Sequence[str], usual: Mapping[str, _Usual], new: dict[str, ColumnProfile]
) -> list[Drift | None]:
    said: list[Drift | None] = []
    for name in gone:
        scores = {other: _likeness(name, usual[name], other, column) for other, column in new.items()}
        best = max(scores, key=lambda other: scores[other], default=None)
        if best is not None and scores[best] > 0:
            del new[best]
            why = f'Column "{name}" is gone, and "{best}", which looks like it, is new.'
            said.append(Drift(kind=DriftKind.COLUMN_RENAMED, column=name, was=name, found=best, why=why))
        else:
            why = f'Column "{name}" is gone; every delivery had it so far.'
            said.append(Drift(kind=DriftKind.COLUMN_GONE, column=name, was="there", found="gone", why=why))
    return said


def _likeness(name: str, was: _Usual, other: str, now: ColumnProfile) -> float:
    """Return how much a new column looks like a gone one; 0 where it does not."""
    if now.kind not in was.kinds or abs(now.empty_ratio - was.last.empty_ratio) > 0.2:
        return 0.0
    shared = len(set(was.last.values) & set(now.values)) / max(len(was.last.values), 1)
    if was.typicals and now.typical:
        apart = abs(math.log(now.typical / median(was.typicals)))
        shared = max(shared, 1 - apart / math.log(3))
    names = SequenceMatcher(None, name.lower(), other.lower()).ratio()
    # Values of ids and texts never repeat: there, only name, kind and emptiness speak.
    never_repeats = now.kind in {_TEXT, "time"} and not shared
    return 0.1 + names if never_repeats else max(shared, 0.0) and shared + names


def _retyped(name: str, was: _Usual, now: ColumnProfile, n_filled: int) -> Drift | None:
    if now.kind == _EMPTY or not was.kinds or now.kind in was.kinds:
        return None
    # Five names may all be numbers, and one genre may be no list; most of a column of numbers is never words by chance.
    is_loose = bool(was.kinds & {_TEXT, _LIST}) or any(_is_like(value, was.kinds) for value in now.values)
    if n_filled < (_MIN_ROWS if is_loose else 1):
        return None
    kinds = " or ".join(sorted(was.kinds))
    why = f'Column "{name}" holds {now.kind} where it held {kinds} so far.'
    return Drift(kind=DriftKind.COLUMN_RETYPED, column=name, was=kinds, found=now.kind, why=why)


def _is_like(value: str, kinds: frozenset[str]) -> bool:
    """Say whether a value could stand in a column of numbers or times, whichever it was."""
    try:
        float(value) if "number" in kinds else datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _unit_jump(name: str, was: _Usual, now: ColumnProfile, n_filled: int, gates: GateSettings) -> Drift | None:
    if not was.typicals or not now.typical:
        return None
    usual = float(median(was.typicals))
    factor = now.typical / usual
    needed = gates.unit_factor if n_filled >= _MIN_ROWS else max(gates.unit_factor, _FEW_FACTOR)
    # Beyond what it ever was, too: some columns vary by themselves.
    outside = now.typical > 2 * max(was.typicals) or now.typical < min(was.typicals) / 2
    if max(factor, 1 / factor) < needed or not outside:
        return None
    said = f"{factor:,.3g} times" if factor > 1 else f"one {1 / factor:,.3g}th of"
    why = f'Column "{name}" is typically {now.typical:,.6g}, {said} the usual {usual:,.6g}: another unit?'
    return Drift(kind=DriftKind.UNIT_JUMP, column=name, was=f"{usual:,.6g}", found=f"{now.typical:,.6g}", why=why)


def _null_jump(name: str, was: _Usual, now: ColumnProfile, n_rows: int, gates: GateSettings) -> Drift | None:
    jump = now.empty_ratio - was.empty_ratio
    low, high = was.empty_range
    outside = max(now.empty_ratio - high, low - now.empty_ratio)
    likely = (was.empty_ratio * n_rows + 1) / (n_rows + 2)
    chance = _Z * math.sqrt(likely * (1 - likely) / n_rows)
    if n_rows < _MIN_ROWS or abs(jump) < max(gates.null_jump, chance) or outside < gates.null_jump / 2:
        return None
    usual = f"{was.empty_ratio:.0%}"
    why = f'Column "{name}" is empty in {now.empty_ratio:.0%} of the rows where {usual} is usual.'
    return Drift(kind=DriftKind.NULL_JUMP, column=name, was=usual, found=f"{now.empty_ratio:.0%}", why=why)
