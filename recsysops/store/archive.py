"""The form of a backup: a zip of a JSON-lines file per table, the models' files, and a manifest with their hashes.

The same for every database, so that a backup of one restores into another. Knows no database; trusts no file.
"""

import hashlib
import json
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recsysops.errors import StoreError

FORMAT: Final = "recsysops-backup"
FORMAT_VERSION: Final = 1
MANIFEST: Final = "manifest.json"
MODELS: Final = "models"
"""Below the data folder: each model in a folder of its own."""

_MANIFEST_BYTES: Final = 64 << 20
_LINE_BYTES: Final = 64 << 20
_PIECE: Final = 1 << 20
_ALWAYS_ALLOWED: Final = 256 << 20
_MAX_RATIO: Final = 200
"""Rows of a store shrink to a tenth or so; a file that grows further than this when unpacked was made to."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class TablePart(_Part):
    """One table: a JSON list per row, in the order of the primary key."""

    columns: tuple[str, ...]
    rows: Annotated[int, Field(ge=0)]


class FilePart(_Part):
    """One file of a model."""


class Manifest(BaseModel):
    """What a backup holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["recsysops-backup"]
    version: int
    revision: Annotated[str, Field(pattern="^[0-9]{4}$")]
    """Of the schema."""
    made_at: str
    made_by: str
    tables: dict[Annotated[str, Field(pattern="^[a-z_]+$")], TablePart]
    files: dict[str, FilePart]
    """By path below the data folder."""


@dataclass(frozen=True, kw_only=True)
class ArchiveReport:
    """What a backup holds, for people."""

    path: str
    revision: str
    made_at: str
    rows: Mapping[str, int]
    """By table."""
    n_files: int
    """Files of models."""
    bytes: int
    """Size of the backup."""
    n_untrusted: int = 0
    """Restored: models that should answer and were signed with a key that is not here."""


def report_of(manifest: Manifest, path: Path) -> ArchiveReport:
    """Return what a backup at `path` holds."""
    rows = {name: part.rows for name, part in manifest.tables.items()}
    return ArchiveReport(
        path=str(path), revision=manifest.revision, made_at=manifest.made_at, rows=rows, n_files=len(manifest.files),
        bytes=path.stat().st_size,
    )  # fmt: skip


def table_entry(table: str) -> str:
    """Return the name of a table's entry."""
    return f"tables/{table}.jsonl"


def file_entry(path: str) -> str:
    """Return the name of a model file's entry."""
    return f"files/{path}"


class ArchiveWriter:
    """Writes the entries of a backup; the manifest comes last."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Write into `archive`."""
        self._archive = archive
        self.tables: dict[str, TablePart] = {}
        self.files: dict[str, FilePart] = {}

    def add_table(self, table: str, columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
        """Write a table's rows, as they come."""
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        n, size, digest = 0, 0, hashlib.sha256()
        with self._archive.open(table_entry(table), "w", force_zip64=True) as entry:
            for row in rows:
                line = encode(list(row)).encode() + b"\n"
                digest.update(line)
                entry.write(line)
                n, size = n + 1, size + len(line)
        self.tables[table] = TablePart(columns=tuple(columns), rows=n, bytes=size, sha256=digest.hexdigest())

    def add_file(self, path: str, source: Path) -> None:
        """Write a file of a model."""
        size, digest = 0, hashlib.sha256()
        with source.open("rb") as file, self._archive.open(file_entry(path), "w", force_zip64=True) as entry:
            while piece := file.read(_PIECE):
                digest.update(piece)
                entry.write(piece)
                size += len(piece)
        self.files[path] = FilePart(bytes=size, sha256=digest.hexdigest())

    def finish(self, revision: str, made_at: str, made_by: str) -> Manifest:
        """Write the manifest; return it."""
        manifest = Manifest(
            format=FORMAT, version=FORMAT_VERSION, revision=revision, made_at=made_at, made_by=made_by,
            tables=self.tables, files=self.files,
        )  # fmt: skip
        self._archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))
        return manifest


class ArchiveReader:
    """Reads a backup that nobody vouches for."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        """Look at what `archive` claims to hold, without unpacking it.

        Raises:
            StoreError: It is no backup, holds what its manifest does not name, or is larger than it could honestly be.
        """
        self._path, self._archive = path, archive
        self._refuse_unreadable_entries()
        self.manifest = self._read_manifest()
        self._refuse_strange_entries()

    def rows(self, table: str) -> Iterator[list[Any]]:
        """Yield a table's rows; raise StoreError where one is none."""
        width = len(self.manifest.tables[table].columns)
        with self._archive.open(table_entry(table)) as entry:
            while line := entry.readline(_LINE_BYTES):
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise self.damaged(f"a row of table {table} is no JSON") from error
                if not isinstance(row, list) or len(row) != width:
                    raise self.damaged(f"a row of table {table} does not have {width} values")
                yield row

    def unpack(self, path: str, target: Path) -> None:
        """Write a model's file to `target`."""
        with self._archive.open(file_entry(path)) as entry, target.open("xb") as file:
            while piece := entry.read(_PIECE):
                file.write(piece)

    def verify(self) -> None:
        """Read everything once; raise StoreError unless every entry is what the manifest says."""
        for name, part in self._parts().items():
            size, digest = 0, hashlib.sha256()
            with self._archive.open(name) as entry:
                while piece := entry.read(_PIECE):
                    digest.update(piece)
                    size += len(piece)
            if size != part.bytes or digest.hexdigest() != part.sha256:
                raise self.damaged(f"{name} was changed")

    def damaged(self, what: str) -> StoreError:
        """Return the error for a backup that cannot be trusted."""
        return StoreError(
            f'The backup cannot be restored: "{self._path.name}" is damaged: {what}. '
            "Nothing was changed; take another one."
        )

    def _parts(self) -> dict[str, _Part]:
        tables = {table_entry(name): part for name, part in self.manifest.tables.items()}
        return {**tables, **{file_entry(path): part for path, part in self.manifest.files.items()}}

    def _read_manifest(self) -> Manifest:
        try:
            about = self._archive.getinfo(MANIFEST)
            if about.file_size > _MANIFEST_BYTES:
                raise self.damaged("its manifest is too large")
            found = json.loads(self._archive.read(MANIFEST))
        except (KeyError, ValueError, RecursionError) as error:
            raise self.damaged("it has no readable manifest") from error
        if isinstance(found, dict) and found.get("version", 0) != FORMAT_VERSION:
            raise StoreError(
                f'The backup cannot be restored: "{self._path.name}" has format {found.get("version")} (expected '
                f"{FORMAT_VERSION}). Use the version of RecSysOps that made it, or a newer one."
            )
        try:
            return Manifest.model_validate(found)
        except ValidationError as error:
            raise self.damaged("its manifest is not as it should be") from error

    def _refuse_unreadable_entries(self) -> None:
        for entry in self._archive.infolist():
            is_link, is_encrypted = stat.S_ISLNK(entry.external_attr >> 16), entry.flag_bits & 1
            if is_link or is_encrypted or entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise self.damaged("it holds a link, something encrypted, or something packed in another way")

    def _refuse_strange_entries(self) -> None:
        parts = self._parts()
        entries = self._archive.infolist()
        names = [entry.filename for entry in entries]
        if len(set(names)) != len(names) or set(names) != {MANIFEST, *parts}:
            raise self.damaged("it does not hold exactly what its manifest names")
        if any(not is_of_a_model(path) for path in self.manifest.files):
            raise self.damaged("a path in it leads out of its folder")
        if any(entry.file_size != parts[entry.filename].bytes for entry in entries if entry.filename != MANIFEST):
            raise self.damaged("an entry does not have the size its manifest names")
        total = sum(part.bytes for part in parts.values())
        if total > max(_ALWAYS_ALLOWED, _MAX_RATIO * self._path.stat().st_size):
            raise self.damaged(f"it would unpack to {total:,} bytes")


def is_of_a_model(path: str) -> bool:
    """Return whether a path is that of a model's file: below models, on every system, and of nothing else we keep."""
    pure = PurePosixPath(path)
    if "\\" in path or ":" in path or "\0" in path or pure.is_absolute() or str(pure) != path:
        return False
    return len(pure.parts) > 2 and pure.parts[0] == MODELS and ".." not in pure.parts
