"""Values as JSON can say them. Not for what people read."""

import dataclasses
import math
from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from pydantic import BaseModel


def plain(value: object) -> object:
    """Return a value as JSON can say it: times in ISO, what is missing or not finite as null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return [plain(row) for row in value.to_dict("records")]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return None if value != value else value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if callable(value):
        return f"{value.__module__}.{getattr(value, '__qualname__', '')}"
    if hasattr(value, "item"):
        value = value.item()  # a numpy number
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
