"""What is known of a trained model, without the model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """One trained model of one measure and horizon."""

    model_id: str
    """Derived from the content: the same training gives the same id."""
    measure: str
    horizon: int
    trained_as_of: datetime
    n_titles: int
    n_rows: int
    folder: str
    """Relative to the data folder."""
    manifest_sha256: str
    serves: str
    """`model` or `comparable_titles`: whichever was better on held-back past launches."""
    reason: str = ""
    """Why the baseline serves, when it does."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Held-back scores, for example `model_pinball`, `comparable_titles_pinball`, `coverage_80`."""
    label: str = ""
    """`not point-in-time` when it rests on assumed times."""
    recipe: str = ""
    """Settings and version of features it was trained with, in a word; models of one recipe differ in data only."""


@dataclass(frozen=True, kw_only=True)
class BacktestScore:
    """One predictor's score over rolling origins."""

    measure: str
    horizon: int
    lead: int
    """0 when pooled over leads."""
    predictor: str
    """`model`, `comparable_titles`, `group_mean` or `global_median`."""
    metric: str
    """`mae`, `pinball`, `spearman`, `coverage_80` or `mae_minus_model`."""
    value: float
    low: float | None
    """Lower end of the 95 % week-block bootstrap interval; None where it is not computed."""
    high: float | None
    n: int
    """Titles x cells x leads scored."""
