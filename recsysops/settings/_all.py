"""All sections together, and what follows from several of them."""

import hashlib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from recsysops.settings._engine import EngineSettings
from recsysops.settings._log import LogSettings
from recsysops.settings._model import MetadataSettings, ModelSettings, TreatmentSettings
from recsysops.settings._retention import RetentionSettings
from recsysops.settings._section import Section
from recsysops.settings._service import DashboardSettings, MarketSettings, ServerSettings, ServiceSettings
from recsysops.settings._shadow import ShadowSettings
from recsysops.settings._sources import ReadingSettings, SourceSettings

TableName = Literal["titles", "launches", "expectations", "impressions", "interactions", "changes"]


class Settings(Section):
    """All of recsysops.toml."""

    service: ServiceSettings = ServiceSettings()
    markets: dict[str, MarketSettings] = Field(default={})
    sources: dict[TableName, SourceSettings] = Field(default={})
    treatment: TreatmentSettings = TreatmentSettings()
    model: ModelSettings = ModelSettings()
    metadata: MetadataSettings = MetadataSettings()
    api: ServerSettings = ServerSettings()
    dashboard: DashboardSettings = DashboardSettings()
    engine: EngineSettings = EngineSettings()
    reading: ReadingSettings = ReadingSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()
    shadow: ShadowSettings = ShadowSettings()
    recommender: dict[str, Any] = Field(default={})
    """[recommender]: `type` names the adapter by which the recommender is asked, the rest are its settings."""
    detectors: dict[str, dict[str, Any]] = Field(default={})
    """[detectors.<name>]: parameters of a detector; `enabled = false` switches it off."""
    channels: dict[str, dict[str, Any]] = Field(default={"console": {"type": "console"}})
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
    def suites_folder(self) -> Path | None:
        """Absolute folder of the suites; None for the bundled ones."""
        named = self.metadata.suites
        return None if named is None else (self.folder / named).resolve()

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the store."""
        return self.service.store or f"sqlite:///{self.data_folder / 'recsysops.sqlite'}"

    def market(self, name: str) -> MarketSettings:
        """Return the settings of a market: its own, else those of `all`, else empty ones."""
        return self.markets.get(name) or self.markets.get("all") or MarketSettings()

    def fingerprint(self) -> str:
        """Return a hash of everything that can change a result."""
        return hashlib.sha256(
            self.model_dump_json(exclude={"api", "dashboard", "channels", "log", "retention"}).encode()
        ).hexdigest()[:16]
