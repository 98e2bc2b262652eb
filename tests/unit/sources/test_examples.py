import pytest

from recsysops.settings import Settings
from recsysops.sources import FileReader, read_requirements
from recsysops.sources._asking import in_this_process
from recsysops.sources.codes import FILE_CODES, ROW_CODES


def test_every_code_is_documented(project_root):
    page = (project_root / "docs" / "data-formats.md").read_text(encoding="utf-8")

    assert [code for code in (*ROW_CODES, *FILE_CODES) if f"| `{code}` |" not in page] == []


@pytest.mark.parametrize("table", ["titles", "launches", "expectations"])
def test_the_example_files_are_accepted_whole(project_root, table):
    folder = project_root / "docs" / "examples"
    settings = Settings.model_validate(
        {"sources": {table: {"path": f"{table}.csv", "lists": {"genres": "|"}}}, "treatment": {"measures": ()}}
    )

    result = FileReader(folder, runner=in_this_process).read_table(
        table, folder / f"{table}.csv", settings.sources[table], settings
    )

    assert len(result.rows) == result.rows_in > 0


@pytest.mark.parametrize(
    ("table", "pattern"), [("impressions", "impressions-*.csv"), ("interactions", "interactions.csv")]
)
def test_the_example_logs_are_accepted_whole(project_root, table, pattern):
    reader = FileReader(project_root / "docs" / "examples", runner=in_this_process)
    source = Settings.model_validate({"sources": {table: {"path": pattern}}, "treatment": {"measures": ()}}).sources[
        table
    ]
    (file,) = reader.files("titles", source)

    log = reader.check_log(table, file, source, "hash", "batch")

    assert log.file.rows == log.rows_in > 0


def test_the_example_requirements_are_read(project_root):
    assert len(read_requirements(project_root / "docs" / "examples" / "metadata.toml")) == 1
