"""Finding files, saying what they are, hashing them. Not for their rows."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Literal

from recsysops.settings import SourceSettings
from recsysops.sources._refusal import refuse

Format = Literal["csv", "jsonl", "parquet"]
_MAGIC: Final = b"PAR1"
_FORMATS: Final[dict[str, Format]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".csv.gz": "csv",
    ".tsv.gz": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson.gz": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_KNOWN: Final = ", ".join(_FORMATS)
_FOREIGN: Final = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive or spreadsheet"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"<", "a web page or XML"),
    (b"SQLite format 3", "a database"),
)  # fmt: skip
_JSON: Final = ((b"{", "JSON"), (b"[", "JSON"))
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_HIDDEN: Final = (".", "_")
_UNFINISHED: Final = (".tmp", ".crc", ".part")


def find(folder: Path, pattern: str) -> tuple[Path, ...]:
    """Return the regular files `pattern` names below `folder`, absolute, by name.

    A file that is named outright is the user's own choice, wherever it lies. Of a folder the files that can be read are
    taken, at any depth. Below a folder or a pattern's fixed part, hidden and unfinished files are left out (names
    starting with . or _, or ending in .tmp, .crc or .part), and so is what a link has outside.
    """
    whole = folder / pattern
    if whole.is_file():
        return (whole.resolve(),)
    if whole.is_dir():
        return tuple(sorted(file for file in _below(whole.resolve(), "**/*") if _format_by_name(file)))
    parts = whole.parts
    first = next((i for i, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts) - 1)
    base = Path(*parts[:first])
    return tuple(sorted(_below(base.resolve(), "/".join(parts[first:])))) if base.is_dir() else ()


def _below(base: Path, pattern: str) -> Iterator[Path]:
    wanted = pattern.rsplit("/", 1)[-1]
    for path in {path.absolute() for path in base.glob(pattern)}:
        *folders, name = path.relative_to(base).parts
        is_asked_for = wanted.startswith(_HIDDEN) and name.startswith(wanted[0])
        is_hidden = (name.startswith(_HIDDEN) and not is_asked_for) or any(each.startswith(_HIDDEN) for each in folders)
        is_ready = not is_hidden and not name.lower().endswith(_UNFINISHED)
        if is_ready and path.is_file() and path.resolve().is_relative_to(base):
            yield path


def format_of(file: Path, source: SourceSettings) -> Format:
    """Return a file's format, by the settings or its name; the content must agree.

    Raises:
        SourceError: not-found, not-readable, empty-file, wrong-format, not-utf8 or truncated.
    """
    said = _format_by_name(file) if source.format in {None, "delta"} else source.format
    if said is None or said == "delta":
        raise refuse(
            "wrong-format", str(file), f"its name does not say what it is (known: {_KNOWN}).",
            'Set format = "csv", "jsonl" or "parquet" for this source.',
        )  # fmt: skip
    with opened(file) as stream:
        head = stream.read(16)
        if not head:
            raise refuse("empty-file", str(file), "it is empty (expected rows).", "Deliver it again.")
        if said == "parquet":
            _expect_parquet(file, head, stream)
        else:
            _expect_text(file, head, said)
    return said


def opened(file: Path) -> IO[bytes]:
    """Open a regular file for reading; never waits, as a pipe in its place would make it.

    Raises:
        SourceError: not-found or not-readable.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise refuse("not-found", str(file), "there is no such file.", "Correct the path of this source.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is no name of a file"
        raise refuse("not-readable", str(file), f"{reason}.", "Give this user the right to read it.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise refuse("not-found", str(file), "it is no regular file.", "Correct the path of this source.")
    return os.fdopen(descriptor, "rb")


def sha256_of(file: Path) -> str:
    """Return the hash of the file's bytes."""
    with opened(file) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


def delimiter_of(file: Path) -> str:
    """Return the separator of cells a text file's name stands for."""
    return "\t" if ".tsv" in file.name.lower() else ","


def is_packed(file: Path) -> bool:
    """Say whether a text file is gzipped, by its name."""
    return file.name.lower().endswith(".gz")


def _format_by_name(file: Path) -> Format | None:
    name = file.name.lower()
    return next((kind for ending, kind in _FORMATS.items() if name.endswith(ending)), None)


def _expect_parquet(file: Path, head: bytes, stream: IO[bytes]) -> None:
    if not head.startswith(_MAGIC):
        raise refuse(
            "wrong-format", str(file), "it is no Parquet file.", "Correct its name, or set format for this source."
        )
    stream.seek(0, 2)
    size = stream.tell()
    stream.seek(max(0, size - 4))
    if size < 12 or stream.read(4) != _MAGIC:
        raise refuse("truncated", str(file), "it ends before its footer (cut off?).", "Deliver it again.")


def _expect_text(file: Path, head: bytes, said: Format) -> None:
    if is_packed(file):
        if not head.startswith(b"\x1f\x8b"):
            raise refuse("wrong-format", str(file), "its name says gzip, its content does not.", "Correct its name.")
        return
    if head.startswith(_UTF16):
        raise refuse("not-utf8", str(file), "it is UTF-16 (expected UTF-8).", "Save it as UTF-8.")
    expected = "CSV" if said == "csv" else "JSON Lines"
    for magic, what in (*_FOREIGN, *(_JSON if said == "csv" else ())):
        if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(magic):
            found = f"it is {what} (expected {expected})."
            raise refuse("wrong-format", str(file), found, "Correct its name or the path.")
    if b"\x00" in head:
        raise refuse("not-utf8", str(file), "it is no UTF-8 text.", "Save it as UTF-8.")
