"""The gate for titles in a file: the body of `POST /v1/check`, judged without a server."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypedDict, Unpack

from pydantic import ValidationError

from recsysops.domain.check_view import CheckReport
from recsysops.domain.given import GivenTitles
from recsysops.domain.severity import Severity
from recsysops.errors import UsageError
from recsysops.service.check import by_risk, check
from recsysops.service.check_given import GivenCheck
from recsysops.service.check_rules import explained
from recsysops.service.context import Context

MAX_BYTES: Final = 64 * 1024 * 1024
_SHOWN: Final = 5
"""Errors that are told, of a file with more."""


class Options(TypedDict, total=False):
    """Options that hold for both."""

    fail_on: Severity
    allow_unknown: bool
    as_of: datetime | None
    with_checks: bool


def check_file_or_store(
    context: Context,
    *,
    file: Path | None = None,
    title_ids: Sequence[str] = (),
    launching_within: timedelta | None = None,
    **options: Unpack[Options],
) -> CheckReport:
    """Judge the titles of a file, where there is one, else what the store holds.

    Raises:
        UsageError: A file leaves no choice of stored titles or of a window.
    """
    if file is None:
        return check(context, title_ids=title_ids, launching_within=launching_within, **options)
    if title_ids or launching_within is not None:
        raise UsageError(
            "A file of titles names all that is checked: what else is asked for has no meaning. "
            "Leave out --title and --launching-within, or --titles."
        )
    return check_file(context, file, **options)


def check_file(
    context: Context,
    file: Path,
    *,
    fail_on: Severity = Severity.CRITICAL,
    allow_unknown: bool = False,
    as_of: datetime | None = None,
    with_checks: bool = False,
) -> CheckReport:
    """Judge the titles of a JSON file; see `check` for the options, which count instead of those in the file.

    Raises:
        UsageError: The file cannot be read, is not as `POST /v1/check` takes it, or a launch is not ahead.
    """
    judged = GivenCheck(context).judge([read_titles(file)], as_of)[0]
    cells = [cell for title in judged.answer.titles for cell in title.cells]
    report = CheckReport(
        as_of=judged.answer.as_of,
        fail_on=fail_on,
        allow_unknown=allow_unknown,
        cells=tuple(sorted(cells, key=by_risk)),
        notices=judged.answer.notices,
    )
    return explained(report, judged.verdicts) if with_checks else report


def read_titles(file: Path) -> GivenTitles:
    """Return the titles in a file.

    Raises:
        UsageError: It cannot be read, is too large, or does not hold what it should.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UsageError(f'"{file}" is larger than {MAX_BYTES // 2**20} MiB. Divide it over several files.')
        return GivenTitles.model_validate_json(file.read_bytes())
    except OSError as error:
        raise UsageError(f'"{file}" cannot be read: {error.strerror}. Name a JSON file of titles.') from error
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        told = "; ".join(f"{_place(each['loc'])}: {each['msg']}" for each in found[:_SHOWN])
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise UsageError(
            f'"{file}" does not hold titles as `POST /v1/check` takes them: {told}{more}. Correct it.'
        ) from error


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(map(str, loc)) or "file"
