import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from recsysops import columns

# As a subscript, a word that names many things beside a column ("name", "market") would only raise false alarms: there
# a column is recognised where its name has two words, and in a frame's verbs also the keys everything is joined by.
KEYS = {"market", "surface", "measure", "horizon", "lead"}
NAMES = {
    value for constant, value in vars(columns).items() if constant.isupper() and isinstance(value, str) and "_" in value
}
FRAME_VERBS = {
    "agg", "assign", "drop", "drop_duplicates", "dropna", "groupby", "join", "merge", "nlargest", "nsmallest", "pivot",
    "pivot_table", "rename", "reset_index", "select", "set_index", "sort_values",
}  # fmt: skip
PLACES = ("recsysops", "detectors/recsysops_detectors", "alerts/recsysops_alerts", "dashboards/recsysops_dashboards")


def literals(node: ast.AST) -> Iterator[str]:
    """Yield the texts that stand directly in a key: itself, or the parts of a list, tuple or mapping."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.List | ast.Tuple):
        for part in node.elts:
            yield from literals(part)
    elif isinstance(node, ast.Dict):
        for key in node.keys:
            if key is not None:
                yield from literals(key)


def column_literals(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        keys: list[ast.AST] = []
        names = NAMES
        if isinstance(node, ast.Subscript):
            keys = [node.slice]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FRAME_VERBS:
            keys = [*node.args, *(keyword.value for keyword in node.keywords)]
            names = NAMES | KEYS
        for key in keys:
            yield from ((node.lineno, text) for text in literals(key) if text in names)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('frame["title_id"]', ["title_id"]),
        ('frame[["title_id", "name"]]', ["title_id"]),
        ('frame.sort_values("launch_at")', ["launch_at"]),
        ('frame.merge(other, on=["title_id", "market"])', ["title_id", "market"]),
        ('frame.rename(columns={"launch_at": "x"})', ["launch_at"]),
        ("frame[TITLE_ID]", []),
        ('frame["other"]', []),
        ('wishes["market"]', []),
        ('say("title_id")', []),
    ],
)
def test_a_column_named_by_a_literal_is_recognised(source: str, found: list[str]) -> None:
    assert [text for _, text in column_literals(source)] == found


def test_columns_are_named_in_one_place_only(project_root: Path) -> None:
    found = [
        f"{file.relative_to(project_root)}:{line}: {text}"
        for place in PLACES
        for file in sorted((project_root / place).rglob("*.py"))
        if "versions" not in file.parts  # a migration keeps the names of its time
        for line, text in column_literals(file.read_text(encoding="utf-8"))
    ]

    assert found == []
