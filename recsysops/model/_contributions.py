"""What the model made of each field of one cell: LightGBM's own contributions, summed over the columns of a field.

What the stack adds beside the boosters stands as parts of its own, so that base and parts sum to the point predicted.

Contributions are of the model, not causes, and cost some hundred predictions: only for what someone looks at.

Source:
    Lundberg et al., "From local explanations to global understanding with explainable AI for trees",
    Nature Machine Intelligence, 2020 (the tree SHAP that `pred_contrib` computes).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from recsysops.domain.contribution import AnswerPart
from recsysops.model._asof import Floats
from recsysops.model._boosting import Ensemble, as_given
from recsysops.model._catalogue import State
from recsysops.model._past import Rows
from recsysops.model._recipe import Recipe
from recsysops.model._training import TrainedModel
from recsysops.model._values import Kind, as_values

PLACE: Final = "Market and surface"
LAUNCH: Final = "Launch day and hour"
LEAD: Final = "Time left before launch"
COMPARABLES: Final = "Comparable titles"
COMPETITION: Final = "Other launches around that day"
SHADOW: Final = "What the recommender said when asked"
SHADOW_BESIDE: Final = "The recommender's own answer, beside the model"
COMPARABLES_BESIDE: Final = "Comparable titles' outcomes, beside the model"
COMPLETENESS: Final = "How complete the metadata is"
TEXTS: Final = "The words of its texts"
OTHER: Final = "Everything else"

_GROUPS: Final[Mapping[str, str]] = {
    "level": PLACE,
    "market": PLACE,
    "surface": PLACE,
    "weekday": LAUNCH,
    "hour": LAUNCH,
    "week": LAUNCH,
    "lead": LEAD,
    "same_window": COMPETITION,
    "days_since_launch": COMPETITION,
    "missing_total": COMPLETENESS,
    "is_known": COMPLETENESS,
    "comparables": COMPARABLES,
    "shadow": SHADOW,
    "|shadow_others": COMPETITION,
    "stack_shadow": SHADOW_BESIDE,
    "stack_comparables": COMPARABLES_BESIDE,
    "text": TEXTS,
}
"""First word, or all, of a column that belongs to no field, to what it is called."""


def amounts(ensemble: Ensemble, frame: pd.DataFrame) -> tuple[dict[str, float], float]:
    """Return the contribution of each column to the answer for the one row of `frame`, and the base.

    Base and contributions sum to what `Ensemble.predict` returns.
    """
    named = as_given(frame, ensemble.columns)
    each = [
        booster.predict(named, num_threads=1, pred_contrib=True, validate_features=True)
        for booster in ensemble.boosters
    ]
    mean: Floats = np.mean(np.array(each, dtype=np.float64), axis=0)[0]
    return dict(zip(ensemble.columns, mean[:-1].tolist(), strict=True)), float(mean[-1])


def beside(model: TrainedModel, frame: pd.DataFrame) -> dict[str, float]:
    """Return what other opinions add, beside the boosters, to the answer for the one row of `frame`, by column."""
    columns = {str(name): frame[name].to_numpy() for name in frame.columns}
    added = model.stack.added(model.heads.predict(frame), columns)
    return {f"|stack_{name}": float(amount[0]) for name, amount in added.items()}


def parts(columns: Mapping[str, float], recipe: Recipe, values: Mapping[str, str]) -> tuple[AnswerPart, ...]:
    """Sum the contributions of columns over what they encode, largest first.

    Args:
        columns: Column to its amount.
        recipe: What the columns were encoded with.
        values: What stands there, by the name of a field or of another thing.
    """
    group = grouping(recipe)
    sums: dict[str, float] = {}
    for column, amount in columns.items():
        name = group(column)
        sums[name] = sums.get(name, 0.0) + amount
    found = [AnswerPart(name=name, value=values.get(name, ""), amount=amount) for name, amount in sums.items()]
    return tuple(sorted(found, key=lambda part: (-abs(part.amount), part.name)))


def grouping(recipe: Recipe) -> Callable[[str], str]:
    """Return the function from a column to the field, or other thing, that it encodes."""
    names = sorted((field.name for field in recipe.fields), key=len, reverse=True)  # a name may begin another
    texts = [field.name for field in recipe.fields if field.kind is Kind.TEXT]

    def group(column: str) -> str:
        if not column.startswith("|"):
            return next((name for name in names if column.startswith(f"{name}|")), OTHER)
        head = column[1:].split("|")[0].rstrip("0123456789").rstrip("_")
        if column in _GROUPS:
            return _GROUPS[column]
        head = next((start for start in ("comparables", "shadow") if head.startswith(start)), head)
        if head == "text" and len(texts) == 1:
            return texts[0]
        return _GROUPS.get(head, OTHER)

    return group


def values_of(rows: Rows, state: State, frame: pd.DataFrame, fields: Sequence[str]) -> dict[str, str]:
    """Return what stands in each field, and in words what stands for the other things, of the one row."""
    row = frame.iloc[0]
    near, missing, titles = (int(row[name]) for name in ("|same_window", "|missing_total", "|comparables_total"))
    said = {
        PLACE: " · ".join(part for part in (rows.market[0], rows.surface[0]) if part != "all") or "everywhere",
        LAUNCH: f"{pd.Timestamp(int(rows.launch[0]), unit='us'):%a %-d %b %Y %H:%M} UTC",
        LEAD: f"read as {_count(int(rows.lead[0]), 'day')} before launch",
        COMPARABLES: _count(titles, "past launch", "past launches"),
        COMPETITION: f"{_count(near, 'other title')} within 3 days",
        COMPLETENESS: f"{_count(missing, 'field')} of {len(fields)} missing",
    }
    return {name: ", ".join(as_values(state.fields.get(name))) for name in fields} | said


def _count(n: int, noun: str, many: str = "") -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {many or f'{noun}s'}"
