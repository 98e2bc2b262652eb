"""[treatment], [model] and [metadata]: what is counted, learned and required."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from recsysops.settings._section import Section


class TreatmentSettings(Section):
    """[treatment]."""

    measures: tuple[Literal["reach", "impression_share", "uptake"], ...] = ("reach", "impression_share")
    """What is measured and predicted; left out: reach and impression_share from impressions, else uptake."""
    horizons: tuple[Literal[1, 7, 28], ...] = (1, 7, 28)
    """Days after launch over which treatment is counted."""


class ModelSettings(Section):
    """[model]."""

    ignore_fields: tuple[str, ...] = ()
    """Metadata fields the model must not use, neither their values nor whether they are filled."""
    text_fields: tuple[str, ...] = ()
    """Fields read as text; empty: those whose values look like sentences."""
    embedding_fields: tuple[str, ...] = ()
    """Fields read as embeddings whatever their numbers look like; else those whose values are four or more numbers,
    some of them with decimals."""
    n_comparables: Annotated[int, Field(ge=1, le=200)] = 25
    """Comparable titles behind the baseline."""
    unlike_ratio: Annotated[float, Field(ge=0, le=0.2)] = 0.01
    """Share of ordinary titles that may be called unlike anything launched before, and so not predicted; 0: none."""
    min_titles: Annotated[int, Field(ge=20)] = 150
    """With fewer past launches than this, comparable titles answer alone."""
    upcoming_days: Annotated[int, Field(ge=1, le=365)] = 28
    """How far ahead titles are predicted and judged."""
    retrain_days: Annotated[int, Field(ge=1)] = 7
    """`run` trains again when the active model is older than this."""
    max_prediction_age_hours: Annotated[float, Field(gt=0)] = 36
    """Older predictions are not judged: the check did not run."""
    leaves: Annotated[int, Field(ge=2, le=255)] | None = None
    """Leaves of a tree; left out: by the amount of history. `recsysops tune` says whether others are better."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    """Step of one tree; left out: by the amount of history."""
    rounds: Annotated[int, Field(ge=10, le=5000)] | None = None
    """Trees of a model; left out: by the amount of history."""
    feature_fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the features a tree may look at; left out: 0.5."""
    min_data_in_leaf: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Launches a leaf must hold; left out: by the amount of history."""
    promotion: Literal["auto", "manual"] = "auto"
    """Who puts a challenger in the active model's place once it is better: `run`, or a person (`recsysops model`)."""
    promotion_launches: Annotated[int, Field(ge=20, le=100_000)] = 100
    """Launched titles both must have predicted before a challenger may be promoted."""
    seed: int = 1
    """Seed of everything random."""
    threads: Annotated[int, Field(ge=1)] = 2
    """Threads of the model library."""


class MetadataSettings(Section):
    """[metadata]."""

    requirements: Path | None = None
    """File of required metadata (metadata.toml), relative to the settings file."""
    suites: Path | None = None
    """Folder of suites (one .toml per group of rules), relative to the settings file; empty for the bundled ones."""
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
