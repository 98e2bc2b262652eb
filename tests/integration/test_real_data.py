"""The MovieTweetings example on the real files, where they are."""

import json
from pathlib import Path

import pytest

from recsysops.cli import main
from recsysops.store import open_store

LEAKS = {"genres", "wiki_href", "wiki_extract", "wiki_poster", "wiki_cast", "wiki_genres"}


@pytest.fixture
def ingested(project_root: Path, shared_data: Path, tmp_path: Path, capsys) -> tuple[Path, dict[str, object]]:
    for name in ("recsysops.toml", "metadata.toml"):
        (tmp_path / name).write_text((project_root / "examples" / "movietweetings" / name).read_text())
    for name in ("titles.csv.gz", "events.csv.gz"):
        (tmp_path / name).symlink_to(shared_data / "movietweetings" / name)
    with pytest.raises(SystemExit) as ended:
        main(["--settings", str(tmp_path / "recsysops.toml"), "ingest", "--json"])
    assert not ended.value.code
    return tmp_path, json.loads(capsys.readouterr().out)


def test_the_example_reads_every_row_and_no_column_that_leaks(ingested):
    folder, report = ingested

    store = open_store(f"sqlite:///{folder}/.recsysops/recsysops.sqlite", read_only=True)
    with store.read() as unit:
        fields = {name for row in unit.versions.known("titles")["fields"] for name in row}
        outcomes = unit.treatment.outcomes(["uptake"], [28])
    store.close()

    rows = {receipt["table"]: (receipt["rows_in"], receipt["quarantined"]) for receipt in report["receipts"]}
    assert rows["titles"] == (12_786, 0)
    assert rows["interactions"] == (141_695, 0)
    assert report["label"] == "not point-in-time"
    assert {"overview", "cast", "director", "tmdb_genres", "runtime"} <= fields
    assert not fields & LEAKS
    # The data's own page says: maximum 1,613 ratings in the first 28 days, 47 % of launches with none.
    window = outcomes[(outcomes["launch_at"] >= "2013-02-28") & ~outcomes["is_partial"]]
    assert window["numerator"].max() == 1613
    assert 0.40 < (window["numerator"] == 0).mean() < 0.55
