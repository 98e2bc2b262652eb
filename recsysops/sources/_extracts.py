"""Rows of databases and Delta tables as files: named by their content, so that the same rows are the same delivery.

A log is written as one file a UTC day, which replaces that day; any other table as one file. Reads no user's file.
"""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from recsysops.columns import IMPRESSIONS, INTERACTIONS, TS
from recsysops.settings import ReadingSettings, SourceSettings
from recsysops.sources._asking import Asking, Runner
from recsysops.sources._files import sha256_of
from recsysops.sources._names import EXTRACTS
from recsysops.sources._refusal import refuse
from recsysops.sources._workers import write_once

_KEPT: Final = 3
"""Extracts of a table that is no log; older ones have been loaded, or were held and overtaken."""


class Extracts:
    """The extracts below a data folder."""

    def __init__(self, folder: Path, data: Path, limits: ReadingSettings, runner: Runner | None = None) -> None:
        """Read relative paths from `folder`; write below `data`, by a limited process or by `runner`."""
        self._folder, self._data, self._limits = folder, data, limits
        self._runner = runner or write_once(limits)

    @staticmethod
    def is_needed(source: SourceSettings) -> bool:
        """Say whether a source is no file."""
        return bool(source.url) or source.format == "delta"

    def look(self, table: str, source: SourceSettings) -> str:
        """Return where a database is, without its password; it was asked whether it answers.

        Raises:
            SourceError: It does not, or its query is none.
        """
        from recsysops.sources._database import expect_reachable

        return f"a database at {expect_reachable(table, source, self._folder)}"

    def write(self, table: str, source: SourceSettings) -> tuple[Path, ...]:
        """Write the rows of a source as they are now; return their files, by name.

        Raises:
            SourceError: The database or the Delta table cannot be read.
        """
        home = (self._data / EXTRACTS / table).absolute()
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=home) as made:
            rows = self._rows(table, source, Path(made))
            job = {
                "do": "extract",
                "to": made,
                "is_log": table in {IMPRESSIONS, INTERACTIONS},
                "ts": source.columns.get(TS, TS),
                "epoch_unit": source.epoch_unit,
                "ignore": list(source.ignore),
                "engine_mb": self._limits.child_memory_mb // 2,
                **rows,
            }
            about = Path(rows["from"])
            _, _ = Asking(self._limits, self._runner).ask(job, about, size=_size(about))
            files = tuple(sorted(_in_place(file, home) for file in Path(made).glob("*.parquet") if file != about))
        if table not in {IMPRESSIONS, INTERACTIONS}:
            _forget(home, files)
        return files

    def _rows(self, table: str, source: SourceSettings, made: Path) -> dict[str, Any]:
        """Return where the rows are, and what must be known of them."""
        if source.url:
            from recsysops.sources._database import write_rows

            file = made / "rows.parquet"
            lists = write_rows(table, source, self._folder, file)
            return {"kind": "parquet", "from": str(file), "lists": lists}
        path = (self._folder / source.path).resolve()
        if not path.is_dir():
            raise refuse("not-found", str(path), "there is no such folder.", f"Correct path under [sources.{table}].")
        return {"kind": "delta", "from": str(path), "lists": []}


def _in_place(file: Path, home: Path) -> Path:
    day = "" if file.stem == "all" else f"{file.stem}-"
    placed = home / f"{day}{sha256_of(file)}.parquet"
    if placed.exists():
        placed.touch()
        return placed
    return file.rename(placed)


def _forget(home: Path, current: Sequence[Path]) -> None:
    """Remove older extracts, the newest few excepted."""
    older = [file for file in home.glob("*.parquet") if file not in current]
    for file in sorted(older, key=lambda each: each.stat().st_mtime_ns, reverse=True)[_KEPT:]:
        with suppress(OSError):
            file.unlink()


def _size(path: Path) -> int:
    """Return the bytes of a file, or of a folder's files."""
    if path.is_dir():
        return sum(each.stat().st_size for each in path.rglob("*.parquet") if each.is_file())
    return path.stat().st_size
