import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsysops.http.csv_export import neutral, to_csv


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", '=HYPERLINK("http://x")', "\x00=1"]
)
def test_a_cell_that_would_be_run_begins_with_an_apostrophe(cell):
    assert neutral(cell).startswith("'")


@pytest.mark.parametrize("cell", ["", "A story", "1-2", "a=b", "2026-03-02"])
def test_a_harmless_cell_stays_as_it_is(cell):
    assert neutral(cell) == cell


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_what_is_written_can_be_read_back(rows):
    body = to_csv(["a", "b"], rows)

    read = list(csv.reader(io.StringIO(body, newline="")))
    assert read == [["a", "b"], *([neutral(cell) for cell in row] for row in rows)]
    assert body.startswith("a,b\r\n")
