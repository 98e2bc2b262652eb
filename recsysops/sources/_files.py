"""Finding files, saying what they are, hashing them. Not for their rows."""

import hashlib
from pathlib import Path
from typing import IO, Final, Literal

from recsysops.settings import SourceSettings
from recsysops.sources._refusal import refuse

_MAGIC: Final = b"PAR1"
_FORMATS: Final[dict[str, Literal["csv", "parquet"]]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".csv.gz": "csv",
    ".tsv.gz": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_FOREIGN: Final = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive or spreadsheet"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"<", "a web page or XML"),
    (b"{", "JSON"),
    (b"[", "JSON"),
    (b"SQLite format 3", "a database"),
)  # fmt: skip
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


def find(folder: Path, pattern: str) -> tuple[Path, ...]:
    """Return the regular files `pattern` names below `folder`, absolute, by name."""
    whole = folder / pattern
    if whole.is_file():
        return (whole.resolve(),)
    parts = whole.parts
    first = next((i for i, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts) - 1)
    base = Path(*parts[:first])
    if not base.is_dir():
        return ()
    return tuple(sorted({path.absolute() for path in base.resolve().glob("/".join(parts[first:])) if path.is_file()}))


def format_of(file: Path, source: SourceSettings) -> str:
    """Return `csv` or `parquet`, by the settings or the file's name; the content must agree.

    Raises:
        SourceError: not-found, not-readable, empty-file, wrong-format, not-utf8 or truncated.
    """
    name = file.name.lower()
    said = source.format or next((kind for ending, kind in _FORMATS.items() if name.endswith(ending)), None)
    if said is None:
        raise refuse(
            "wrong-format", str(file), "its name does not say what it is (known: .csv, .csv.gz, .tsv, .parquet).",
            'Set format = "csv" or "parquet" for this source.',
        )  # fmt: skip
    with opened(file) as stream:
        head = stream.read(16)
        if not head:
            raise refuse("empty-file", str(file), "it is empty (expected a header and rows).", "Deliver it again.")
        if said == "parquet":
            _expect_parquet(file, head, stream)
        else:
            _expect_text(file, head)
    return said


def opened(file: Path) -> IO[bytes]:
    """Open a regular file for reading.

    Raises:
        SourceError: not-found or not-readable.
    """
    if not file.is_file():
        raise refuse("not-found", str(file), "there is no such file.", "Correct the path of this source.")
    try:
        return file.open("rb")
    except OSError as error:
        raise refuse("not-readable", str(file), f"{error.strerror}.", "Give this user the right to read it.") from error


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


def _expect_text(file: Path, head: bytes) -> None:
    if is_packed(file):
        if not head.startswith(b"\x1f\x8b"):
            raise refuse("wrong-format", str(file), "its name says gzip, its content does not.", "Correct its name.")
        return
    if head.startswith(_UTF16):
        raise refuse("not-utf8", str(file), "it is UTF-16 (expected UTF-8).", "Save it as UTF-8.")
    for magic, what in _FOREIGN:
        if head.lstrip().startswith(magic):
            raise refuse("wrong-format", str(file), f"it is {what} (expected CSV).", "Correct its name or the path.")
