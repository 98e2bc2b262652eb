"""Nothing that ships or is published tells of the machine it was made on, or pretends to be done."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PLACES = (
    ".ci", "alerts", "benchmarks", "dashboards", "detectors", "docs", "examples", "recsysops", "requirements", "tests",
)  # fmt: skip
BINARY = {".png", ".jpg", ".gif", ".ico", ".parquet", ".gz", ".pyc", ".sqlite"}
# Written apart, so that this file does not find itself.
INDEX_HOSTS = re.compile(
    "|".join(["py" + r"pi\.org", "python" + "hosted", "--(?:extra-)?index" + "-url", "--find" + "-links"])
)
MACHINE_PATHS = re.compile(r"(?<![\w.~$}])/(?:root|work|home/\w+|Users/\w+)" + r"/\w")
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|NotImple" + r"mented(?:Error)?)\b")
FORBIDDEN_IMPORTS = {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}


def published(root: Path) -> list[Path]:
    files = [file for place in PLACES for file in (root / place).rglob("*") if "__pycache__" not in file.parts]
    files += [
        root / name for name in (".gitignore", ".pre-commit-config.yaml", "LICENSE", "Makefile", "pyproject.toml")
    ]
    return [file for file in [*files, *root.glob("*.md")] if file.is_file() and file.suffix not in BINARY]


def hits(root: Path, pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    return [
        f"{file.relative_to(root)}:{number}: {line.strip()[:120]}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def empty_functions(source: str) -> Iterator[tuple[int, str]]:
    """Yield functions without a body, outside of protocols and overloads, where a signature is all there can be."""
    tree = ast.parse(source)
    shapes = {
        function
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(parent) for parent in node.bases)
        for function in node.body
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node in shapes:
            continue
        body = node.body[1:] if ast.get_docstring(node) else node.body
        is_overload = any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)
        if not is_overload and all(_does_nothing(statement) for statement in body) and not _is_callback(node):
            yield node.lineno, node.name


def _does_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and statement.value.value is ...
    )


def _is_callback(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    # A function whose job is to do nothing says so in its name.
    return node.name.lstrip("_").startswith(("ignore", "no_", "silent"))


def forbidden_imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (name for name in names if name.partition(".")[0] in FORBIDDEN_IMPORTS)


def test_no_file_names_a_package_index(project_root: Path) -> None:
    assert hits(project_root, INDEX_HOSTS, published(project_root)) == []


def test_no_file_names_a_path_of_the_machine_it_was_made_on(project_root: Path) -> None:
    assert hits(project_root, MACHINE_PATHS, published(project_root)) == []


def test_nothing_that_ships_is_left_for_later(project_root: Path, shipped_modules: tuple[Path, ...]) -> None:
    assert hits(project_root, UNFINISHED, list(shipped_modules)) == []


def test_no_function_that_ships_is_empty(project_root: Path, shipped_modules: tuple[Path, ...]) -> None:
    found = [
        f"{file.relative_to(project_root)}:{line}: {name}"
        for file in shipped_modules
        for line, name in empty_functions(file.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_nothing_that_ships_imports_a_way_to_run_what_it_reads(
    project_root: Path, shipped_modules: tuple[Path, ...]
) -> None:
    found = [
        f"{file.relative_to(project_root)}: {name}"
        for file in shipped_modules
        for name in forbidden_imports(file.read_text(encoding="utf-8"))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("pattern", "line", "is_hit"),
    [
        (INDEX_HOSTS, "--index" + "-url x", True),
        (INDEX_HOSTS, "https://files.python" + "hosted.org/x", True),
        (INDEX_HOSTS, "pip install recsysops", False),
        (MACHINE_PATHS, "cd /ro" + "ot/x", True),
        (MACHINE_PATHS, '"/ho' + 'me/ann/x"', True),
        (MACHINE_PATHS, "docs/home/work", False),
        (MACHINE_PATHS, "$HOME/work/x", False),
        (UNFINISHED, "# TO" + "DO later", True),
        (UNFINISHED, 'placeholders = ("todo",)', False),
    ],
)
def test_a_trace_is_recognised(pattern: re.Pattern[str], line: str, is_hit: bool) -> None:
    assert bool(pattern.search(line)) is is_hit


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f():\n    pass", ["f"]),
        ('def f():\n    """Say."""', ["f"]),
        ("def f():\n    ...", ["f"]),
        ("def f():\n    return None", []),
        ("class P(Protocol):\n    def f(self): ...", []),
        ("class C:\n    def f(self): ...", ["f"]),
        ("@overload\ndef f(x: int) -> int: ...", []),
        ("def ignore_progress(what, part):\n    pass", []),
    ],
)
def test_an_empty_function_is_recognised(source: str, names: list[str]) -> None:
    assert [name for _, name in empty_functions(source)] == names


def test_a_forbidden_import_is_recognised_wherever_it_stands() -> None:
    source = "import json\ndef f():\n    import pickle\n    from joblib.numpy_pickle import load\n"

    assert list(forbidden_imports(source)) == ["pickle", "joblib.numpy_pickle"]
