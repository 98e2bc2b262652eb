"""Profiles and accounts of logs as JSON values, and back; what comes back is checked. Light: loads no frame library."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from recsysops.domain.batch import QuarantinedRow
from recsysops.domain.drift import ColumnProfile, Profile
from recsysops.domain.log_view import LogView
from recsysops.sources._records import quarantined
from recsysops.sources.codes import ROW_CODES

if TYPE_CHECKING:
    from recsysops.sources._logs import LogAccount

MAX_SAMPLES: Final = 1000


class StrangeAnswerError(ValueError):
    """What came from the child is no answer: it was damaged, or is not ours any more."""


def profile_facts(profile: Profile) -> dict[str, Any]:
    """Return a profile as JSON values."""
    said = asdict(profile)
    for name in ("first_at", "last_at"):
        said[name] = None if said[name] is None else said[name].isoformat()
    return said


def profile_from(said: Mapping[str, Any]) -> Profile:
    """Return the profile that `profile_facts` gave."""
    columns = {
        str(name): ColumnProfile(
            kind=str(each["kind"]),
            empty_ratio=float(each["empty_ratio"]),
            typical=None if each["typical"] is None else float(each["typical"]),
            values=tuple(str(value)[:40] for value in each["values"]),
        )
        for name, each in said["columns"].items()
    }
    first, last = (
        None if said[name] is None else datetime.fromisoformat(said[name]) for name in ("first_at", "last_at")
    )
    return Profile(
        rows=int(said["rows"]), quarantined=int(said["quarantined"]), columns=columns, first_at=first, last_at=last
    )


def log_facts(found: "LogAccount") -> dict[str, Any]:
    """Return the account of a log as JSON values."""
    return {
        "view": found.view.as_mapping(),
        "rows_in": found.rows_in,
        "accepted": found.accepted,
        "codes": dict(found.codes),
        "samples": [asdict(sample) for sample in found.samples],
        "profile": profile_facts(found.profile),
    }


def log_from(
    said: Mapping[str, Any], file: str
) -> tuple[dict[str, Any], Mapping[str, int], tuple[QuarantinedRow, ...], Profile]:
    """Return view, rows by code, samples and profile of what `log_facts` gave for `file`.

    Raises:
        StrangeAnswerError: It is something else, or does not add up.
    """
    try:
        view = LogView.of(said["view"]).as_mapping()
        codes = {str(code): int(n) for code, n in said["codes"].items()}
        samples = tuple(
            quarantined(file, int(row["row"]), str(row["column"]), row["code"], row["value"], str(row["rule"]))
            for row in said["samples"][:MAX_SAMPLES]
        )
        profile = profile_from(said["profile"])
        adds_up = profile.rows == int(said["rows_in"]) == int(said["accepted"]) + sum(codes.values())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StrangeAnswerError(str(error)) from error
    if not adds_up or not set(codes) <= set(ROW_CODES) or not _is_plain(view):
        raise StrangeAnswerError("rows that do not add up, or codes that are none")
    return view, codes, samples, profile


def _is_plain(view: Mapping[str, Any]) -> bool:
    """Say whether a view holds texts, and lists and mappings of texts."""
    for value in view.values():
        parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
        is_known = value is None or isinstance(value, str | bool | dict | list)
        if not is_known or not all(isinstance(part, str) for part in parts):
            return False
    return True
