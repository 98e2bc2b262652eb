"""Which files there are, and which of them are deliveries of one feed. Not for what stands in them."""

import glob
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recsysops.errors import UsageError

ENDINGS: Final = (
    ".csv.gz", ".tsv.gz", ".jsonl.gz", ".ndjson.gz", ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".pq",
)  # fmt: skip
_RELATED: Final = (".xlsx", ".xls", ".json", ".json.gz", ".txt", ".zip", ".avro", ".orc", ".xml", ".sqlite", ".db")
"""Endings of data that are not read: a person should be told that they were seen."""
_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})
MAX_ENTRIES: Final = 20_000
MAX_DEPTH: Final = 6
_DATE: Final = r"[12]\d{3}-\d{2}-\d{2}"
_COMPACT: Final = r"(?<!\d)(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)"
_VARYING: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22}|\d+")
_RUN: Final = re.compile(r"\*(?:[-_.T]?\*)+")


@dataclass(frozen=True)
class Group:
    """Files that are deliveries of one feed."""

    files: tuple[Path, ...]
    """By name."""
    pattern: str
    """Absolute path or pattern that finds exactly these."""
    ending: str
    is_delta: bool = False


@dataclass(frozen=True)
class Found:
    """What was found where it was looked for."""

    looked_in: tuple[str, ...]
    files: tuple[Path, ...]
    deltas: tuple[Path, ...]
    related: tuple[Path, ...]
    is_cut: bool
    """Whether there was more than may be looked at."""


def look(folder: Path, data: Sequence[str]) -> Found:
    """Find files of known kinds.

    Args:
        folder: Where to look when `data` names nothing.
        data: Files, folders and patterns.

    Raises:
        UsageError: One of `data` names nothing.
    """
    paths: list[Path] = []
    for said in data:
        named = [Path(said)] if Path(said).exists() else _matching(said)
        if not named:
            raise UsageError(f'--data "{said}" names nothing (expected a file, a folder or a pattern). Correct it.')
        paths += named
    roots = paths or [folder]
    entries = [entry for root in roots for entry in _walk(root)]
    kept = list(dict.fromkeys(entries[:MAX_ENTRIES]))
    deltas = tuple(path for path in kept if path.is_dir())
    loose = [path for path in kept if not any(path.is_relative_to(delta) for delta in deltas)]
    return Found(
        looked_in=tuple(data) or (str(folder),),
        files=tuple(path for path in loose if ending_of(path)),
        deltas=deltas,
        related=tuple(path for path in loose if not ending_of(path)),
        is_cut=len(entries) > MAX_ENTRIES,
    )


def _matching(pattern: str) -> list[Path]:
    """Return what a pattern as a person writes it matches, absolute or not."""
    return [Path(each) for each in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207


def _walk(root: Path) -> Iterator[Path]:
    """Yield data files below a root, and folders that are Delta tables."""
    if root.is_file():
        yield root.absolute()
        return
    count = 0
    for here, folders, names in os.walk(root.absolute()):
        place = Path(here)
        if "_delta_log" in folders:
            yield place
            folders.clear()
            continue
        depth = len(place.relative_to(root.absolute()).parts)
        folders[:] = sorted(name for name in folders if depth < MAX_DEPTH and _is_looked_into(name))
        for name in sorted(names):
            if not name.startswith((".", "_")) and name.lower().endswith((*ENDINGS, *_RELATED)):
                yield place / name
                count += 1
        if count > MAX_ENTRIES:
            return


def _is_looked_into(name: str) -> bool:
    return not name.startswith((".", "_")) and name not in _SKIPPED


def ending_of(file: Path) -> str:
    """Return the known ending of a file, or an empty text."""
    return next((ending for ending in ENDINGS if file.name.lower().endswith(ending)), "")


def grouped(files: Sequence[Path]) -> tuple[Group, ...]:
    """Group files whose paths differ only in dates, numbers and partitions."""
    by_pattern: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for file in files:
        by_pattern[_pattern(file), ending_of(file)].append(file)
    groups = []
    for (pattern, ending), members in by_pattern.items():
        is_series = len(members) > 1 or _has_date(members[0].name)
        said = pattern if is_series else glob.escape(str(members[0])) if _is_odd(members[0]) else str(members[0])
        groups.append(Group(tuple(sorted(members)), said, ending))
    return tuple(groups)


def _pattern(file: Path) -> str:
    parts = [_folder_pattern(part) for part in file.parent.parts]
    ending = ending_of(file)
    stem = file.name[: len(file.name) - len(ending)]
    name = _RUN.sub("*", _VARYING.sub("*", glob.escape(stem))) + file.name[len(stem) :]
    return str(Path(*parts) / name)


def _folder_pattern(part: str) -> str:
    if match := re.fullmatch(r"(\w+)=.*", part):
        return f"{match[1]}=*"
    return "*" if re.fullmatch(r"\d[\d_T-]*", part) else glob.escape(part)


def _is_odd(file: Path) -> bool:
    # A file that is there is found by its name, even with signs of a pattern in it; a folder's signs must be escaped.
    return any(sign in part for part in file.parent.parts for sign in "*?[")


def _has_date(name: str) -> bool:
    return re.search(_DATE, name) is not None or re.search(_COMPACT, name) is not None


def merged(groups: Sequence[Group], alike: Sequence[Sequence[Group]]) -> tuple[Group, ...]:
    """Join groups of one folder that hold the same columns, where one pattern finds them and nothing else."""
    gone: set[Group] = set()
    made = []
    for same in alike:
        joined = _joined(same, groups)
        if joined:
            made.append(joined)
            gone.update(same)
    return (*(group for group in groups if group not in gone), *made)


def _joined(same: Sequence[Group], groups: Sequence[Group]) -> Group | None:
    parents = {os.path.dirname(group.pattern) for group in same}  # noqa: PTH120  # of a pattern, no path
    if len(same) < 2 or len(parents) != 1:
        return None
    names = [os.path.basename(group.pattern) for group in same]  # noqa: PTH119
    start = _shared(names)
    end = _shared([name[::-1] for name in names])[::-1]
    pattern = _RUN.sub("*", f"{start.rstrip('*')}*{end.lstrip('*')}")
    expression = re.compile(re.escape(pattern).replace(r"\*", "[^/]*"))
    caught = {group for group in groups for file in group.files[:1] if expression.fullmatch(file.name)}
    here = {group for group in caught if os.path.dirname(group.pattern) in parents}  # noqa: PTH120
    if here != set(same):
        return None
    files = tuple(sorted(file for group in same for file in group.files))
    return Group(files, f"{next(iter(parents))}/{pattern}", same[0].ending)


def _shared(texts: Sequence[str]) -> str:
    """Return what all texts begin with."""
    first, last = min(texts), max(texts)
    return first[: next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def relative(pattern: str, folder: Path) -> str:
    """Return a pattern relative to the folder of the settings, where it lies below it."""
    start = str(folder.absolute()).rstrip("/") + "/"
    escaped = glob.escape(start)
    for prefix in (start, escaped):
        if pattern.startswith(prefix):
            return pattern[len(prefix) :]
    return pattern


def day_in(name: str) -> tuple[str, str]:
    """Return the day a file's name holds (YYYY-MM-DD) and the pattern that finds it; empty texts where it has none."""
    if match := re.search(_DATE, name):
        return match[0], r"(?P<day>\d{4}-\d{2}-\d{2})"
    if match := re.search(_COMPACT, name):
        return f"{match[0][:4]}-{match[0][4:6]}-{match[0][6:]}", r"(?P<day>\d{8})"
    return "", ""


def of_delta(folder: Path) -> Group:
    """Return a Delta table as a group: its files are looked at, its folder is named."""
    files = tuple(sorted(path for path in folder.rglob("*.parquet") if "_delta_log" not in path.parts))
    return Group(files[:100], str(folder), ".parquet", is_delta=True)
