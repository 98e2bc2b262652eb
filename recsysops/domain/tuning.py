"""What a search for better model settings found. Frozen; knows no model."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One choice of settings, scored on past launches by models that had not seen them."""

    settings: Mapping[str, float]
    """Names of [model] and their values; empty for the bundled ones."""
    loss: float
    """Pinball loss on the launches that the choice is made on, as a share of the bundled settings' loss."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The trials, and whether the best of them is better on launches it was not chosen on."""

    trials: tuple[Trial, ...]
    """The bundled settings first, then the others, best first."""
    best: Mapping[str, float]
    """Settings of the trial that did best where the choice was made; empty where the bundled ones did."""
    n_chosen: int
    """Past launches the choice was made on: the earlier ones, once per measure and horizon."""
    n_judged: int
    """Later past launches it was judged on."""
    gain: float | None
    """1 - loss / loss of the bundled settings on the later launches; above 0 is better. None: nothing was judged."""
    low: float | None
    """Lower end of its 95 % interval, paired, by launch week."""
    high: float | None
    refused: tuple[str, ...] = ()
    """Why a measure and horizon could not take part, one sentence each."""

    @property
    def is_better(self) -> bool:
        """Whether the best trial beats the bundled settings: the interval lies above 0."""
        return bool(self.best) and self.low is not None and self.low > 0
