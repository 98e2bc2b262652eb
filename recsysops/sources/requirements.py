"""Reads metadata.toml: which metadata is required where, by when, and whose it is. Not for checking any title."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from recsysops.columns import ALL, DAYS_TO_FIX, DUE_DAYS, FIELD, MARKET, MAX_SEVERITY, OWNER, REQUIREMENT, SURFACE
from recsysops.errors import SettingsError, SettingsNotFoundError


class Requirement(BaseModel):
    """[[require]] of metadata.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, str_strip_whitespace=True)

    field: Annotated[str, Field(min_length=1)]
    """Metadata field, as the titles have it after the mapping."""
    market: Annotated[str, Field(min_length=1)] = ALL
    """Market it is required in; `all` for every market."""
    surface: Annotated[str, Field(min_length=1)] = ALL
    """Surface it is required on; `all` for every surface."""
    due_days: Annotated[float, Field(ge=0, le=365)]
    """Days before launch by which it must be there."""
    days_to_fix: Annotated[float, Field(ge=0, le=365)]
    """Days its owner usually needs."""
    owner: str = ""
    """Who fixes it."""
    max_severity: Literal["critical", "warning", "info"] = "critical"
    """The worst severity a finding about it may have."""


def read_requirements(path: Path | None) -> pd.DataFrame:
    """Read the requirements of a service.

    Args:
        path: The TOML file; None where the settings name none.

    Returns:
        Columns REQUIREMENT, in the order of the file; DUE_DAYS and DAYS_TO_FIX in days >= 0. Empty without a file.

    Raises:
        SettingsNotFoundError: There is no such file.
        SettingsError: It cannot be used; lists all problems at once.
    """
    if path is None:
        return _frame([])
    if not path.is_file():
        raise SettingsNotFoundError.at(str(path))
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), [f"it is no valid TOML: {error}"]) from error
    problems = [f'unknown section "{name}" (known: [[require]])' for name in entries if name != "require"]
    try:
        requirements = TypeAdapter(list[Requirement]).validate_python(entries.get("require", []))
    except ValidationError as error:
        problems += [_problem(each) for each in error.errors()]
        requirements = []
    problems += _repeated(requirements)
    if problems:
        raise SettingsError(str(path), problems)
    return _frame(requirements)


def _frame(requirements: list[Requirement]) -> pd.DataFrame:
    frame = pd.DataFrame([each.model_dump() for each in requirements], columns=list(REQUIREMENT))
    days = dict.fromkeys((DUE_DAYS, DAYS_TO_FIX), "float64")
    return frame.astype({**dict.fromkeys((FIELD, MARKET, SURFACE, OWNER, MAX_SEVERITY), "str"), **days})


def _problem(error: Mapping[str, Any]) -> str:
    place = error["loc"]
    where = f"require {place[0] + 1}" + "".join(f".{part}" for part in place[1:]) if place else "require"
    message = str(error["msg"])
    return f"{where}: {message}" + ("" if error["type"] == "missing" else f" (found: {error['input']!r})")


def _repeated(requirements: list[Requirement]) -> list[str]:
    seen: dict[tuple[str, str, str], int] = {}
    problems = []
    for number, each in enumerate(requirements, start=1):
        key = (each.field, each.market, each.surface)
        if key in seen:
            problems.append(f'require {number}: "{each.field}" is required there already by require {seen[key]}')
        seen.setdefault(key, number)
    return problems
