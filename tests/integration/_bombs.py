"""Writes files that are made to hurt who reads them, each cheaply. Run as a program, so that no test keeps its memory.

`python _bombs.py FOLDER` writes them all. Names begin with the table they pretend to be.
"""

import gzip
import io
import json
import lzma
import os
import struct
import sys
import zipfile
from bz2 import compress as bz2
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SEEN = "2026-01-01T00:00:00Z"
TITLES = "title_id,observed_at,synopsis\n"
LOG = "ts,member_id,title_id\n"
HEADER = {"titles": TITLES, "impressions": LOG}
ROW = {"titles": f"A,{SEEN},text\n", "impressions": f"{SEEN},m,A\n"}
JSON = {
    "titles": {"title_id": "A", "observed_at": SEEN, "synopsis": "text"},
    "impressions": {"ts": SEEN, "member_id": "m", "title_id": "A"},
}
MEGA = 1_000_000


def packed(path: Path, *parts: tuple[bytes, int]) -> None:
    """Write an archive of each part so many times over: a member of four megabytes is compressed once and repeated."""
    content = []
    for part, times in parts:
        per_block = max(1, 4 * MEGA // len(part))
        n_blocks = times // per_block
        content += [gzip.compress(part * per_block)] * n_blocks + [gzip.compress(part * (times - n_blocks * per_block))]
    path.write_bytes(b"".join(content))


def text_bombs(folder: Path) -> None:
    for table, header in HEADER.items():
        head, row = header.encode(), ROW[table].encode()
        stem = folder / table
        packed(Path(f"{stem}-zeros.csv.gz"), (head, 1), (b"0", 700 * MEGA))
        packed(Path(f"{stem}-rows.csv.gz"), (head, 1), (row, 400 * MEGA // len(row)))
        packed(Path(f"{stem}-quotes.csv.gz"), (head, 1), (b'"', 300 * MEGA))
        packed(Path(f"{stem}-pairs.csv.gz"), (head, 1), (b'""', 100 * MEGA), (b'"a"b', 1))
        packed(Path(f"{stem}-commas.csv.gz"), (head, 1), (b",", 300 * MEGA))
        packed(Path(f"{stem}-newlines.csv.gz"), (head, 1), (b"\n", 600 * MEGA))
        packed(Path(f"{stem}-returns.csv.gz"), (head, 1), (b"\r", 600 * MEGA))
        packed(Path(f"{stem}-nul.tsv.gz"), (head.replace(b",", b"\t"), 1), (b"\x00", 300 * MEGA))
        packed(Path(f"{stem}-columns.csv.gz"), (b"c,", 20 * MEGA))
        packed(Path(f"{stem}-name.csv.gz"), (b"c", 200 * MEGA))
        packed(Path(f"{stem}-lines.jsonl.gz"), (json.dumps(JSON[table]).encode() + b"\n", 5 * MEGA))
        packed(Path(f"{stem}-deep.jsonl.gz"), (b"[", 60 * MEGA))
        Path(f"{stem}-members.csv.gz").write_bytes(gzip.compress(b"") * 20_000 + gzip.compress(gzip.compress(head)))
        Path(f"{stem}-cut.csv.gz").write_bytes(gzip.compress(head + row * 200_000)[:-200])
        Path(f"{stem}-line.csv").write_bytes(head + b"x" * (40 * MEGA))
        Path(f"{stem}-open.csv").write_bytes(head + row + b'A,"' + row * 300_000)
        Path(f"{stem}-wide.csv").write_text(",".join(f"c{i}" for i in range(100_000)) + "\n", encoding="utf-8")
        Path(f"{stem}-line.jsonl").write_bytes(json.dumps(JSON[table] | {"x": "y" * (20 * MEGA)}).encode())
        Path(f"{stem}-deep.jsonl").write_bytes(b'{"a":' * MEGA)
        Path(f"{stem}-number.jsonl").write_bytes(b'{"title_id": ' + b"9" * (17 * MEGA) + b"}")
        keys = {f"k{i}": i for i in range(12_000)}
        Path(f"{stem}-keys.jsonl").write_text(json.dumps(JSON[table] | keys), encoding="utf-8")
    bad = "x\n" * 150_000
    (folder / "titles-bad.jsonl").write_text(bad, encoding="utf-8")
    (folder / "titles-ragged.csv").write_text(TITLES + bad, encoding="utf-8")
    growing = "".join(json.dumps(JSON["titles"] | {f"k{i}": 1}) + "\n" for i in range(12_000))
    (folder / "titles-growing.jsonl").write_text(growing, encoding="utf-8")
    for name in ("titles-sparse.csv", "impressions-sparse.csv"):
        with (folder / name).open("wb") as stream:
            stream.write(HEADER[name.split("-")[0]].encode())
            os.truncate(stream.fileno(), 3 * 1024**3 if name.startswith("titles") else 200 * MEGA)


def foreign(folder: Path) -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (50 * MEGA))
    (folder / "titles-zip.csv").write_bytes(zipped.getvalue())
    (folder / "titles-zip.csv.gz").write_bytes(zipped.getvalue())
    (folder / "impressions-zip.jsonl").write_bytes(zipped.getvalue())
    (folder / "impressions-zip.parquet").write_bytes(zipped.getvalue())
    (folder / "titles-bz2.csv").write_bytes(bz2(b"0" * (50 * MEGA)))
    (folder / "titles-xz.csv").write_bytes(lzma.compress(b"0" * (50 * MEGA), preset=0))
    (folder / "titles-gzip.csv").write_bytes(gzip.compress(b"0" * MEGA))
    (folder / "titles-old.csv").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 512)


def table_of(n: int, **more: pa.Array) -> pa.Table:
    key = pa.array(np.arange(n)).cast(pa.string())
    columns = {
        "title_id": key,
        "observed_at": constant(SEEN, n),
        "ts": constant(SEEN, n),
        "member_id": constant("m", n),
    }
    return pa.table(columns | more)


def constant(text: str, n: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, dtype=np.int32)), pa.array([text]))


def parquet_bombs(folder: Path) -> None:
    giant, n = "x" * MEGA, 20_000

    def write(name: str, data: pa.Table, **how: object) -> None:
        file = folder / f"titles-{name}.parquet"
        pq.write_table(data, file, **({"compression": "zstd"} | how))
        os.link(file, folder / f"impressions-{name}.parquet")

    write("dictionary", table_of(n, synopsis=constant(giant, n), market=constant(giant, n)))
    write("keys", table_of(n, title_id=constant(giant, n)))
    write("times", table_of(n, observed_at=constant(giant, n), ts=constant(giant, n)))
    write("wide", pa.table({f"c{i}": pa.array([1]) for i in range(12_000)}))
    write("name", pa.table({"n" * (5 * MEGA): pa.array(["1"])}))
    write("rows", table_of(1).slice(0, 0))
    write("billion", table_of(1).slice(0, 0))
    rows = table_of(3 * MEGA, title_id=constant("A", 3 * MEGA))
    with pq.ParquetWriter(folder / "billion", rows.schema, compression="zstd") as writer:
        for _ in range(40):
            writer.write_table(rows, row_group_size=3 * MEGA)
    for table in HEADER:
        (folder / f"{table}-billion.parquet").unlink()
        os.link(folder / "billion", folder / f"{table}-billion.parquet")
    (folder / "billion").unlink()
    nested = pa.array([1])
    for _ in range(120):
        nested = pa.ListArray.from_arrays([0, len(nested)], nested)
    write("deep", table_of(1, title_id=nested))
    lists = pa.ListArray.from_arrays(pa.array([0, 40 * MEGA], pa.int32()), pa.nulls(40 * MEGA, pa.string()))
    write("list", table_of(1, title_id=lists))
    for codec in ("zstd", "gzip", "brotli"):
        text = pa.array(["0" * (600 * MEGA)], pa.large_string())
        how = {"use_dictionary": False, "write_statistics": False, "compression_level": 1}
        write(f"page-{codec}", table_of(1, title_id=text), compression=codec, **how)
    broken = {"hollow": b"PAR1" + b"\x00" * 64 + struct.pack("<I", 64) + b"PAR1", "lies": _lying()}
    good = (folder / "titles-deep.parquet").read_bytes()
    broken["footer"] = good[:-8] + struct.pack("<I", 0x7FFFFFF0) + b"PAR1"
    for name, content in broken.items():
        for table in HEADER:
            (folder / f"{table}-{name}.parquet").write_bytes(content)


def _lying() -> bytes:
    """Return a file whose first page says nonsense about its size."""
    sink = io.BytesIO()
    pq.write_table(table_of(50), sink, compression="gzip")
    content = bytearray(sink.getvalue())
    content[4:40] = b"\xff" * 36
    return bytes(content)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    text_bombs(target)
    foreign(target)
    parquet_bombs(target)
