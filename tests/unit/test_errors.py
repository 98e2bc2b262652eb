import inspect

import pytest

from recsysops import errors
from recsysops.errors import (
    ApiError,
    MissingColumnError,
    RecSysOpsError,
    SettingsError,
    SettingsNotFoundError,
    SourceError,
    StoreLockedError,
)

CLASSES = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, RecSysOpsError) and value is not RecSysOpsError
]


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_every_error_can_be_caught_as_ours_and_as_the_builtin_a_caller_would_catch(error: type[Exception]) -> None:
    builtins = [parent for parent in error.__mro__ if parent.__module__ == "builtins"]

    assert issubclass(error, RecSysOpsError)
    assert error.__name__.endswith("Error")
    assert set(builtins) - {Exception, BaseException, object}


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in CLASSES]

    assert len(codes) == len(set(codes))


def test_the_settings_error_lists_every_problem_and_keeps_them() -> None:
    error = SettingsError("x.toml", ["a is wrong", "b is missing"])

    assert error.problems == ("a is wrong", "b is missing")
    assert "  - a is wrong\n  - b is missing\n" in str(error)
    assert str(error).startswith('Settings "x.toml" cannot be used')
    assert "recsysops init" in str(error)
    assert isinstance(error, ValueError)


def test_a_missing_settings_file_is_named_with_the_way_to_make_one() -> None:
    error = SettingsNotFoundError.at("there/recsysops.toml")

    assert '"there/recsysops.toml" does not exist' in str(error)
    assert "recsysops init" in str(error)
    assert isinstance(error, FileNotFoundError)


def test_a_source_error_keeps_the_file_and_the_stable_code_of_the_problem() -> None:
    error = SourceError('File "a.csv" is empty.', code="empty-file", file="a.csv")

    assert (error.source_code, error.file, str(error)) == ("empty-file", "a.csv", 'File "a.csv" is empty.')


def test_a_missing_column_is_reported_as_a_sentence_not_as_the_repr_of_a_key() -> None:
    error = MissingColumnError.of("titles", "title_id", ["id", "name"], "Map it.")

    assert str(error) == 'Table "titles" has no column "title_id" (it has: id, name). Map it.'
    assert (error.table, error.column) == ("titles", "title_id")
    assert isinstance(error, KeyError)


def test_a_wide_table_is_not_listed_to_its_end() -> None:
    error = MissingColumnError.of("titles", "title_id", [f"c{i}" for i in range(21)], "Map it.")

    assert "c19, ...)" in str(error)
    assert "c20" not in str(error)


def test_a_locked_store_names_who_holds_it_and_how_long_was_waited() -> None:
    error = StoreLockedError.by("process 42 (train)", 60.4)

    assert "process 42 (train)" in str(error)
    assert "waited 60 s" in str(error)


@pytest.mark.parametrize("status", [None, 503])
def test_an_api_error_keeps_the_status(status: int | None) -> None:
    assert ApiError("The API did not answer.", status=status).status == status
