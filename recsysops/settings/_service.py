"""[service], [markets], [api] and [dashboard]: where things are and where they listen."""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from recsysops.settings._section import Section


class ServiceSettings(Section):
    """[service]."""

    name: str = "my service"
    """Name of the service, shown on the board and in notifications."""
    data: Path = Path(".recsysops")
    """Folder for store, models, lock and API key; relative to the settings file."""
    store: Annotated[str, Field(repr=False)] = ""
    """URL of the store, `sqlite:////...` or `postgresql://...`; `${NAME}` stands for an environment variable; empty for
    SQLite in the data folder."""
    as_of: datetime | None = None
    """Stand at this time instead of the wall clock, for replays and demos; ISO with offset."""
    lock_wait_seconds: Annotated[float, Field(ge=0, le=3600)] = 60
    """How long a writing verb waits for another one before it gives up."""

    @field_validator("as_of")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("has no time zone; write for example 2026-03-02T00:00:00Z")
        return value.astimezone(UTC)


class MarketSettings(Section):
    """[markets.<name>]."""

    launch_time: time | None = None
    """Local time at which a launch date without a time is read."""
    time_zone: str | None = None
    """IANA time zone in which a time without an offset is read."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (KeyError, ValueError, OSError) as error:
                raise ValueError(f'"{value}" is no IANA time zone, such as Europe/Berlin') from error
        return value


class ServerSettings(Section):
    """[api]."""

    host: Literal["127.0.0.1", "localhost", "::1"] = "127.0.0.1"
    """Address to listen on; loopback only, as there are no accounts yet."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8350
    """Port; 0 for any free one."""


class DashboardSettings(ServerSettings):
    """[dashboard]."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8351
    """Port; 0 for any free one."""
