"""What `recsysops.toml` may say. Read once, checked as a whole, passed in. Not for plug-ins' defaults."""

from typing import Final

from recsysops.settings._all import Settings, TableName
from recsysops.settings._engine import EngineSettings
from recsysops.settings._log import LogSettings
from recsysops.settings._model import MetadataSettings, ModelSettings, TreatmentSettings
from recsysops.settings._model_section import with_model_settings
from recsysops.settings._reading import ENVIRONMENT_PREFIX, read_settings
from recsysops.settings._retention import RetentionSettings
from recsysops.settings._service import DashboardSettings, MarketSettings, ServerSettings, ServiceSettings
from recsysops.settings._shadow import ShadowSettings
from recsysops.settings._sources import GateSettings, ReadingSettings, SourceSettings

FILE_NAME: Final = "recsysops.toml"

__all__ = [
    "ENVIRONMENT_PREFIX", "FILE_NAME", "DashboardSettings", "EngineSettings", "GateSettings", "LogSettings",
    "MarketSettings", "MetadataSettings", "ModelSettings", "ReadingSettings", "RetentionSettings", "ServerSettings",
    "ServiceSettings", "Settings", "ShadowSettings", "SourceSettings", "TableName", "TreatmentSettings",
    "read_settings", "with_model_settings",
]  # fmt: skip
