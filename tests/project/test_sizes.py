"""How large things may be. Above a limit is allowed for a reason, which stands here; a reason nobody needs goes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULE_LINES = 300
FACES_LINES = {"detectors": 200, "alerts": 250, "dashboards": 150}
"""Of a detector, a channel and a page; their private parts are modules like others."""
FUNCTION_LINES = 30

LARGER_MODULES: dict[str, str] = {
    "recsysops/client.py": "one short method per route of the API, and how an answer is read; no logic",
    "recsysops/cli.py": "twenty-odd verbs, each a manual page of its own above three lines of code",
    "recsysops/domain/views.py": "what the API answers, field by field; no code",
    "recsysops/service/ports.py": "signatures and what they promise, no code",
}
LONGER_FUNCTIONS: dict[str, str] = {}


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each function with the lines of its body, its docstring and functions inside it left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [
                each for each in ast.walk(node)
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each is not node
            ]  # fmt: skip
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = {line for part in body for line in range(part.lineno, (part.end_lineno or part.lineno) + 1)}
            for each in inner:
                lines -= set(range(each.lineno, (each.end_lineno or each.lineno) + 1))
            yield node.name, len(lines)


def limit(name: str) -> int:
    is_private = Path(name).name.startswith("_")
    return MODULE_LINES if is_private else FACES_LINES.get(name.split("/")[0], MODULE_LINES)


def test_the_measure_leaves_out_docstrings_and_inner_functions() -> None:
    outer = 'def outer():\n    """Say.\n\n    More.\n    """\n'
    tree = ast.parse(outer + "    def inner():\n        a = 1\n        b = 2\n    return inner")

    assert dict(functions(tree)) == {"outer": 1, "inner": 2}


def test_no_module_is_larger_than_it_may_be_without_a_reason(
    project_root: Path, shipped_modules: tuple[Path, ...]
) -> None:
    names = {
        file.relative_to(project_root).as_posix(): file
        for file in shipped_modules
        if file.parent.name != "versions"  # a migration is a list of tables, read once
    }
    larger = {
        name: f"{len(file.read_text(encoding='utf-8').splitlines())} lines"
        for name, file in names.items()
        if len(file.read_text(encoding="utf-8").splitlines()) > limit(name)
    }

    assert {name: lines for name, lines in larger.items() if name not in LARGER_MODULES} == {}
    assert set(LARGER_MODULES) - set(larger) == set(), "these are small enough now: take them off the list"


def test_no_function_is_longer_than_it_may_be_without_a_reason(
    project_root: Path, shipped_modules: tuple[Path, ...]
) -> None:
    longer = {
        f"{file.relative_to(project_root).as_posix()}:{name}": f"{lines} lines"
        for file in shipped_modules
        if file.parent.name != "versions"
        for name, lines in functions(ast.parse(file.read_text(encoding="utf-8")))
        if lines > FUNCTION_LINES
    }

    assert {name: lines for name, lines in longer.items() if name not in LONGER_FUNCTIONS} == {}
    assert set(LONGER_FUNCTIONS) - set(longer) == set(), "these are short enough now: take them off the list"


@pytest.mark.parametrize("word", ["utils", "helpers", "manager", "base", "misc"])
def test_no_module_has_a_name_that_says_nothing(shipped_modules: tuple[Path, ...], word: str) -> None:
    assert [file for file in shipped_modules if file.stem.strip("_") == word] == []
