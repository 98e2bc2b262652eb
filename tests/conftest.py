"""Fixtures and settings every test may use."""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from recsysops.cli import main
from recsysops.store import open_store
from recsysops.testing.postgres import PostgresMissing, PostgresServer, database_name, postgres_server

# "ci" is repeatable, so that a red run can be run again; "thorough" looks harder, on purpose and by hand.
settings.register_profile("default", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=30, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which engines the tests with the fixture `engine` run on."""
    parser.addoption("--engines", default="duckdb,spark", help="engines that count logs in tests: duckdb,spark")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes and sets after their argument: the one may hold a time, the other has no order, and workers agree."""
    return argname if isinstance(val, bytes | set | frozenset) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with the fixture `engine` once for each engine."""
    has_its_own = any(mark.args[0] == "engine" for mark in metafunc.definition.iter_markers("parametrize"))
    if "engine" in metafunc.fixturenames and not has_its_own:
        metafunc.parametrize("engine", metafunc.config.getoption("--engines").split(","), indirect=True)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return what calls `recsysops` with some words: exit code, what it said, what it complained of."""

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """Return Spark's master, or an empty text for DuckDB; one Spark serves all tests of a process."""
    return "" if request.param == "duckdb" else request.getfixturevalue("spark_master")


@pytest.fixture(scope="session")
def spark_master(request: pytest.FixtureRequest) -> str:
    """Return the master of a Spark on this machine; tests are skipped where there is none, or it is not asked for."""
    if "spark" not in request.config.getoption("--engines"):
        pytest.skip("--engines leaves Spark out")
    if find_spec("pyspark") is None or not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip('no Spark here: pip install "recsysops[spark]" and install Java 17')
    # A Java that lives for a minute does not earn back what its better compiler costs.
    os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1")
    return "local[1]"


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the folder of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data(project_root: Path) -> Path:
    """Return the folder of public data sets beside the checkout; tests that need it are skipped where it is absent."""
    folder = project_root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip('no public data sets here: the folder "../shared/data" does not exist')
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return a real PostgreSQL server for this session (of this worker); tests are skipped where there is none."""
    try:
        with postgres_server() as server:
            yield server
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def _postgres_template(postgres: PostgresServer) -> str:
    """Return the name of a database that holds an empty store, to be copied: a copy takes a tenth of the time."""
    url = postgres.make_database()
    open_store(url).close()
    return database_name(url)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """Return the URL of an empty PostgreSQL database, as service.store takes it."""
    url = postgres.make_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def postgres_store_url(postgres: PostgresServer, _postgres_template: str) -> Iterator[str]:
    """Return the URL of a PostgreSQL database that holds an empty store."""
    url = postgres.make_database(_postgres_template)
    yield url
    postgres.drop_database(url)
