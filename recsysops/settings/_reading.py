"""Reads the settings file and what the environment says over it."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from recsysops.errors import SettingsError, SettingsNotFoundError
from recsysops.settings._all import Settings
from recsysops.settings._service import DashboardSettings, ServerSettings, ServiceSettings

ENVIRONMENT_PREFIX: Final = "RECSYSOPS_"
_NOT_SETTINGS: Final = ("RECSYSOPS_SETTINGS", "RECSYSOPS_TRACEBACK")


def read_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a settings file.

    Args:
        path: The TOML file.
        environment: `RECSYSOPS_<SECTION>__<KEY>` overrides an entry of [service], [api] or [dashboard].

    Raises:
        SettingsNotFoundError: There is no such file.
        SettingsError: It cannot be used; lists all problems at once.
    """
    if not path.is_file():
        raise SettingsNotFoundError.at(str(path))
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), [f"it is no valid TOML: {error}"]) from error
    problems = _override(entries, environment)
    try:
        settings = Settings.model_validate(entries | {"folder": path.parent.resolve()})
    except ValidationError as error:
        problems += [f"{'.'.join(map(str, e['loc'])) or 'file'}: {_plain(e)}" for e in error.errors()]
    if problems:
        raise SettingsError(str(path), problems)
    return settings


def _override(entries: dict[str, Any], environment: Mapping[str, str]) -> list[str]:
    """Put environment variables over `entries`; return what is wrong with their names."""
    sections: dict[str, type[BaseModel]] = {
        "service": ServiceSettings,
        "api": ServerSettings,
        "dashboard": DashboardSettings,
    }
    problems = []
    for name in sorted(environment):
        if not name.startswith(ENVIRONMENT_PREFIX) or name in _NOT_SETTINGS:
            continue
        section, _, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if section not in sections or key not in sections[section].model_fields:
            problems.append(
                f"environment variable {name} overrides nothing "
                "(known: RECSYSOPS_SETTINGS, RECSYSOPS_SERVICE__STORE, ...)"
            )
            continue
        if isinstance(entries.setdefault(section, {}), dict):  # anything else is reported when it is checked
            entries[section][key] = environment[name]
    return problems


def _plain(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "is no known entry"  # without its value: a mistyped name may stand before a secret
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing" or isinstance(error["input"], dict):
        return message
    return f"{message} (found: {repr(error['input'])[:100]})"
