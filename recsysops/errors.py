"""Every error a user can meet: what is wrong, what was found, what was expected, what to do.

Classes also inherit the built-in a caller would catch; attributes hold the facts. `code` is stable and documented.
"""

from collections.abc import Sequence
from typing import ClassVar, Self


class RecSysOpsError(Exception):
    """Root of all errors raised on purpose; its text is fit to be shown to a user."""

    code: ClassVar[str] = "error"


class SettingsError(RecSysOpsError, ValueError):
    """The settings cannot be used; lists every problem at once."""

    code = "settings"

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        """Build the message from all `problems` found in the file at `path`."""
        self.path = path
        self.problems = tuple(problems)
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(
            f'Settings "{path}" cannot be used:\n{lines}\n'
            "Correct these entries; `recsysops init` writes a commented example."
        )


class SettingsNotFoundError(RecSysOpsError, FileNotFoundError):
    """There is no settings file."""

    code = "settings-not-found"

    @classmethod
    def at(cls, path: str) -> Self:
        """Build the error for a settings file that is not at `path`."""
        return cls(
            f'No settings file: "{path}" does not exist. '
            "Run `recsysops init` to write one, or name another with --settings."
        )


class SourceError(RecSysOpsError, ValueError):
    """A file as a whole cannot be read; nothing of it was published."""

    code = "source"

    def __init__(self, message: str, *, code: str, file: str) -> None:
        """Keep the stable `code` of the problem and the `file` it is in."""
        self.source_code = code
        self.file = file
        super().__init__(message)


class MissingColumnError(RecSysOpsError, KeyError):
    """A table lacks a column that is needed."""

    code = "missing-column"

    def __init__(self, message: str, *, table: str = "", column: str = "") -> None:
        """Keep the `table` and the `column` it lacks."""
        self.table = table
        self.column = column
        super().__init__(message)

    def __str__(self) -> str:
        """Return the sentence itself: KeyError would show its repr."""
        return str(self.args[0])

    @classmethod
    def of(cls, table: str, column: str, found: Sequence[str], hint: str) -> Self:
        """Build the error for `column` missing from `table`, which has the columns `found`."""
        has = ", ".join(found[:20]) + (", ..." if len(found) > 20 else "")
        return cls(f'Table "{table}" has no column "{column}" (it has: {has}). {hint}', table=table, column=column)


class StoreError(RecSysOpsError, RuntimeError):
    """The store cannot be used."""

    code = "store"


class StoreLockedError(StoreError):
    """Another process writes and did not finish in time."""

    code = "store-locked"

    @classmethod
    def by(cls, holder: str, waited_seconds: float) -> Self:
        """Build the error for a lock that `holder` kept for longer than `waited_seconds`."""
        return cls(
            f"The store is being written by {holder}: waited {waited_seconds:.0f} s (one process writes at a time). "
            "Wait for it to end, or raise service.lock_wait_seconds."
        )


class EngineError(RecSysOpsError, RuntimeError):
    """The engine that counts logs cannot be started, or would count a file otherwise than it was checked."""

    code = "engine"

    @classmethod
    def differs(cls, path: str, n: int, expected: int) -> Self:
        """Build the error for a file whose rows Spark reads otherwise."""
        return cls(
            f'Spark reads other rows than were checked: {n} in "{path}" and files like it (expected {expected}). '
            'Deliver them as Parquet, or set kind = "duckdb" under [engine].'
        )

    @classmethod
    def unreadable(cls, path: str, why: str) -> Self:
        """Build the error for a kind of file that Spark would read otherwise."""
        return cls(
            f'Spark does not read "{path}" as it was checked: {why} (expected csv or Parquet with ids as text or whole '
            'numbers and times in UTC). Deliver it so, or set kind = "duckdb" under [engine].'
        )


class ModelError(RecSysOpsError, RuntimeError):
    """A model cannot be trained, loaded or trusted."""

    code = "model"


class RecommenderError(RecSysOpsError, RuntimeError):
    """The recommender cannot be asked, or its answer makes no sense."""

    code = "recommender"


class PluginError(RecSysOpsError, RuntimeError):
    """A plug-in cannot be loaded or breaks its contract."""

    code = "plugin"


class NotFoundError(RecSysOpsError, LookupError):
    """What was asked for does not exist."""

    code = "not-found"


class RunFailedError(RecSysOpsError, RuntimeError):
    """A step of a run failed; what it had published before stays."""

    code = "run-failed"


class BusyError(RecSysOpsError, RuntimeError):
    """Too much is asked at once, or an answer takes too long."""

    code = "busy"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        """Keep when asking again makes sense."""
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)

    @classmethod
    def of(cls, n_waiting: int) -> Self:
        """Build the error for a queue in which `n_waiting` titles wait."""
        return cls(
            f"Too much is asked at once: {n_waiting} titles wait already. Try again in a few seconds, and give many "
            "titles in one call rather than many calls.",
            retry_after_seconds=2,
        )

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Build the error for an answer that was not there in time."""
        return cls(
            f"The answer was not there within {seconds:.0f} s. Try again, or give fewer titles in one call.",
            retry_after_seconds=5,
        )


class UsageError(RecSysOpsError, ValueError):
    """The command or request makes no sense as given."""

    code = "usage"


class ApiError(RecSysOpsError, RuntimeError):
    """The API refused or could not be reached."""

    code = "api"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        """Keep the HTTP `status`, None when there was no answer."""
        self.status = status
        super().__init__(message)
