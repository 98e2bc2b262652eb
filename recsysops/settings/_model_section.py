"""Writes values into [model] of a settings file and leaves every other line as it is. Not for other sections."""

import re
import tomllib
from collections.abc import Mapping

from recsysops.errors import UsageError

_SECTION = re.compile(r"^\s*\[(?P<name>[^\[\]]+)\]\s*(#.*)?$")


def with_model_settings(text: str, values: Mapping[str, float]) -> str:
    """Return the text of a settings file with these values in [model], which is added where there is none.

    Raises:
        UsageError: The file writes its model settings in another way, so that lines cannot be replaced safely.
    """
    lines = text.splitlines()
    heads = {found["name"].strip(): at for at, line in enumerate(lines) if (found := _SECTION.match(line))}
    said = [f"{name} = {value:g}" for name, value in values.items()]
    if "model" not in heads:
        changed = [*lines, *([""] if lines and lines[-1].strip() else []), "[model]", *said]
    else:
        begin = heads["model"] + 1
        end = min((at for at in heads.values() if at >= begin), default=len(lines))
        named = re.compile(rf"^\s*({'|'.join(map(re.escape, values))})\s*=")
        kept = [line for line in lines[begin:end] if not named.match(line)]
        changed = [*lines[:begin], *said, *kept, *lines[end:]]
    result = "\n".join(changed) + "\n"
    _check(text, result, values)
    return result


def _check(before: str, after: str, values: Mapping[str, float]) -> None:
    """Raise unless `after` says what `before` did, but for the values."""
    try:
        expected = tomllib.loads(before)
        expected["model"] = {**expected.get("model", {}), **values}
        is_fine = tomllib.loads(after) == expected
    except (tomllib.TOMLDecodeError, TypeError):
        is_fine = False
    if not is_fine:
        raise UsageError(
            "The model settings cannot be written: the settings file writes [model] in a way of its own. "
            "Put the suggested lines there by hand."
        )
