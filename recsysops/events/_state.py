"""The state folder: what earlier counts leave behind so that a day can be added without reading the days before it.

A cache: deleting it changes no result. Members stand in it as hashes keyed with a secret of the folder, in files that
are removed about 28 days after the last day they speak of. Not for counting.
"""

import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import pandas as pd

_INDEX: Final = "index.json"


@dataclass(frozen=True)
class MemberFile:
    """A file of keyed members."""

    name: str
    kind: str
    """`seen` (by cell) or `last` (last active day, by scope)."""
    until_us: int
    """It is needed until the logs cover this moment."""


@dataclass
class State:
    """What the folder holds."""

    folder: Path
    secret: str
    next_cell: int = 0
    """Numbers of cells and scopes are never used twice, so that rows of one that was counted anew are dead."""
    members: list[MemberFile] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    """Counts without members: days, gaps and scopes."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the folder; what cannot be read, or is not whole, is forgotten."""
        try:
            index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
            members = [MemberFile(**each) for each in index["members"]]
            if any((folder / each.name).stat().st_size != index["sizes"][each.name] for each in members):
                return cls._fresh(folder)
            tables = {kind: pd.read_parquet(folder / name) for kind, name in index["tables"].items()}
            return cls(folder, str(index["secret"]), int(index["next_cell"]), members, tables)
        except (OSError, ValueError, KeyError, TypeError):
            return cls._fresh(folder)

    @classmethod
    def _fresh(cls, folder: Path) -> Self:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        return cls(folder, secrets.token_hex(32))

    def paths(self, kind: str) -> list[Path]:
        """Return the files of a kind."""
        return [self.folder / each.name for each in self.members if each.kind == kind]

    def new_file(self, kind: str, until_us: int) -> Path:
        """Name a file of members to be written; it counts once the state is saved."""
        file = MemberFile(f"{kind}-{secrets.token_hex(8)}.parquet", kind, until_us)
        self.members.append(file)
        return self.folder / file.name

    def numbers(self, n: int) -> range:
        """Give out `n` new numbers."""
        self.next_cell += n
        return range(self.next_cell - n, self.next_cell)

    def save(self, tables: Mapping[str, pd.DataFrame], end: int) -> None:
        """Put these counts and the members still needed at `end` in place of what was there, in one step."""
        self.members = [each for each in self.members if each.until_us > end]
        token = secrets.token_hex(8)
        names = {kind: f"{kind}-{token}.parquet" for kind in tables}
        for kind, frame in tables.items():
            frame.to_parquet(self.folder / names[kind], index=False)
        index = {
            "secret": self.secret, "next_cell": self.next_cell, "tables": names,
            "members": [vars(each) for each in self.members],
            "sizes": {each.name: (self.folder / each.name).stat().st_size for each in self.members},
        }  # fmt: skip
        draft = self.folder / f"{_INDEX}.draft"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(index), encoding="utf-8")
        os.replace(draft, self.folder / _INDEX)  # noqa: PTH105  # says that it replaces
        self._tidy([_INDEX, *names.values(), *(each.name for each in self.members)])

    def _tidy(self, kept: Sequence[str]) -> None:
        for path in self.folder.iterdir():
            if path.name not in kept:
                path.unlink()
