"""What a model was trained with, in one word: models of one recipe differ only in the data they saw."""

import hashlib
import json
from typing import Final

from recsysops.settings import ModelSettings

FEATURES_VERSION: Final = 4
"""Raised whenever the code gives the same history other features, or trains otherwise on them."""
_NO_MATTER: Final = frozenset({
    "upcoming_days", "retrain_days", "max_prediction_age_hours", "promotion", "promotion_launches", "threads",
})  # fmt: skip
"""Settings that change no model."""


def recipe_name(settings: ModelSettings) -> str:
    """Return the name of a recipe: twelve hexadecimal digits."""
    told = {name: value for name, value in settings.model_dump(mode="json").items() if name not in _NO_MATTER}
    entries = {"features": FEATURES_VERSION, "settings": told}
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()[:12]
