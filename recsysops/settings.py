"""What `recsysops.toml` may say. Read once, checked as a whole, passed in. Not for plug-ins' defaults."""

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from recsysops.errors import SettingsError, SettingsNotFoundError

FILE_NAME: Final = "recsysops.toml"
ENVIRONMENT_PREFIX: Final = "RECSYSOPS_"
_NOT_SETTINGS: Final = ("RECSYSOPS_SETTINGS", "RECSYSOPS_TRACEBACK")

TableName = Literal["titles", "launches", "expectations", "impressions", "interactions"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ServiceSettings(_Section):
    """[service]."""

    name: str = "my service"
    """Name of the service, shown on the board and in notifications."""
    data: Path = Path(".recsysops")
    """Folder for store, models, lock and API key; relative to the settings file."""
    store: str = ""
    """SQLAlchemy URL of the store; empty for SQLite in the data folder."""
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


class MarketSettings(_Section):
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


class SourceSettings(_Section):
    """[sources.<table>]."""

    path: str
    """File or glob, relative to the settings file; .csv, .csv.gz, .tsv or .parquet."""
    format: Literal["csv", "parquet"] | None = None
    """Format, where the file's name does not say it."""
    columns: dict[str, str] = {}
    """Our column to the file's column, where the names differ."""
    defaults: dict[str, str | float | int] = {}
    """Values for our columns the file does not have."""
    ignore: tuple[str, ...] = ()
    """Columns of the file that must not be read, for example because they leak the outcome."""
    lists: dict[str, str] = {}
    """Separator of fields that hold lists, for example genres = "|"."""
    observed_at: str | None = None
    """`assume:launch-60d` where the file does not say when it knew; results are labelled not point-in-time."""
    day: str | None = None
    """Logs: regular expression with a group `day` that finds the declared UTC day (YYYY-MM-DD) in a file's name."""
    epoch_unit: Literal["s", "ms", "us"] | None = None
    """Unit of numeric times."""
    launches_from: str | None = None
    """Launches: read them from the titles' file, this column being the launch date."""

    @field_validator("observed_at")
    @classmethod
    def _assumption(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"assume:launch-[0-9]{1,4}d", value):
            raise ValueError('must look like "assume:launch-60d"; to read a column map observed_at under columns')
        return value

    @field_validator("day")
    @classmethod
    def _finds_a_day(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                groups = re.compile(value).groupindex
            except re.error as error:
                raise ValueError(f"is no regular expression: {error}") from error
            if "day" not in groups:
                raise ValueError("has no group named day; write for example (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})")
        return value


class TreatmentSettings(_Section):
    """[treatment]."""

    measures: tuple[Literal["reach", "impression_share", "uptake"], ...] = ("reach", "impression_share")
    """What is measured and predicted; left out: reach and impression_share from impressions, else uptake."""
    horizons: tuple[Literal[1, 7, 28], ...] = (1, 7, 28)
    """Days after launch over which treatment is counted."""


class ModelSettings(_Section):
    """[model]."""

    ignore_fields: tuple[str, ...] = ()
    """Metadata fields the model must not use, neither their values nor whether they are filled."""
    text_fields: tuple[str, ...] = ()
    """Fields read as text; empty: those whose values look like sentences."""
    n_comparables: Annotated[int, Field(ge=1, le=200)] = 25
    """Comparable titles behind the baseline."""
    min_titles: Annotated[int, Field(ge=20)] = 150
    """With fewer past launches than this, comparable titles answer alone."""
    upcoming_days: Annotated[int, Field(ge=1, le=365)] = 28
    """How far ahead titles are predicted and judged."""
    retrain_days: Annotated[int, Field(ge=1)] = 7
    """`run` trains again when the active model is older than this."""
    max_prediction_age_hours: Annotated[float, Field(gt=0)] = 36
    """Older predictions are not judged: the check did not run."""
    seed: int = 1
    """Seed of everything random."""
    threads: Annotated[int, Field(ge=1)] = 2
    """Threads of the model library."""


class MetadataSettings(_Section):
    """[metadata]."""

    requirements: Path | None = None
    """File of required metadata (metadata.toml), relative to the settings file."""
    placeholders: tuple[str, ...] = (
        "tba",
        "tbd",
        "n/a",
        "na",
        "none",
        "null",
        "unknown",
        "todo",
        "placeholder",
        "lorem ipsum",
        "-",
        "?",
        "xxx",
    )
    """Texts that count as missing, compared without case and surrounding space."""


class ServerSettings(_Section):
    """[api]."""

    host: Literal["127.0.0.1", "localhost", "::1"] = "127.0.0.1"
    """Address to listen on; loopback only, as there are no accounts yet."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8350
    """Port; 0 for any free one."""


class DashboardSettings(ServerSettings):
    """[dashboard]."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8351
    """Port; 0 for any free one."""


class Settings(_Section):
    """All of recsysops.toml."""

    service: ServiceSettings = ServiceSettings()
    markets: dict[str, MarketSettings] = {}
    sources: dict[TableName, SourceSettings] = {}
    treatment: TreatmentSettings = TreatmentSettings()
    model: ModelSettings = ModelSettings()
    metadata: MetadataSettings = MetadataSettings()
    api: ServerSettings = ServerSettings()
    dashboard: DashboardSettings = DashboardSettings()
    detectors: dict[str, dict[str, Any]] = {}
    """[detectors.<name>]: parameters of a detector; `enabled = false` switches it off."""
    channels: dict[str, dict[str, Any]] = {"console": {"type": "console"}}
    """[channels.<instance>]: `type` names the channel, the rest are its settings."""

    folder: Path = Field(default=Path(), exclude=True)
    """Where the settings file lies; set on reading."""

    @model_validator(mode="after")
    def _measures_follow_logs(self) -> Self:
        """Without a word on measures, take those whose logs are there: metadata alone can still be judged."""
        if self.sources and "measures" not in self.treatment.model_fields_set:
            known = ("reach", "impression_share") if "impressions" in self.sources else ("uptake",)
            measures = known if {"impressions", "interactions"} & set(self.sources) else ()
            # Frozen for everybody else.
            object.__setattr__(self, "treatment", self.treatment.model_copy(update={"measures": measures}))
        return self

    @model_validator(mode="after")
    def _measures_have_logs(self) -> Self:
        for measure in self.treatment.measures:
            log = "interactions" if measure == "uptake" else "impressions"
            if self.sources and log not in self.sources:
                what = f'treatment.measures names "{measure}", which is counted from {log}'
                raise ValueError(f"{what}, but there is no [sources.{log}]")
        return self

    @property
    def data_folder(self) -> Path:
        """Absolute folder for store, models, lock and API key."""
        return (self.folder / self.service.data).resolve()

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the store."""
        return self.service.store or f"sqlite:///{self.data_folder / 'recsysops.sqlite'}"

    def market(self, name: str) -> MarketSettings:
        """Return the settings of a market: its own, else those of `all`, else empty ones."""
        return self.markets.get(name) or self.markets.get("all") or MarketSettings()

    def fingerprint(self) -> str:
        """Return a hash of everything that can change a result."""
        return hashlib.sha256(self.model_dump_json(exclude={"api", "dashboard", "channels"}).encode()).hexdigest()[:16]


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
