"""How a what-if is to be read, in sentences: what it rests on, and what makes it doubtful."""

from collections.abc import Iterable, Sequence
from typing import Final

from recsysops.columns import TITLE_ID
from recsysops.domain.history import History
from recsysops.domain.what_if import Through, WhatIfCell, WhatIfTarget
from recsysops.service._what_if_answer import way_of
from recsysops.service._what_if_asking import Sides
from recsysops.service.context import Context

UNCHANGED: Final = "Nothing would be otherwise: what is given stands there already, so both sides are the same."
ALONE: Final = (
    "Judged by the model alone{where}: this is how launches with such metadata fared, an association. It is not the "
    "effect of the change, which nobody was asked about."
)
STALE: Final = (
    "What the recommender said of the title before was left out on both sides, as it would hide the change: the title "
    "as it is may be predicted otherwise here than on its page."
)
TWICE: Final = (
    "The recommender was asked twice about the same members{where}, each time with what is changed as it is and as it "
    "would be; what follows from its answers was learned from past launches."
)
OTHERWISE: Final = (
    "It was given the metadata of the catalogue on both sides: where it has other metadata itself, the title as it is "
    "may be predicted otherwise here than on its page."
)
COMPARABLE: Final = (
    "Comparable titles answer for {targets}, which the recommender's answer does not move: there it is an association."
)
IGNORED: Final = 'The model does not look at "{field}" (model.ignore_fields): only the recommender can react to it.'


def notices_of(
    context: Context,
    sides: Sides,
    answered: tuple[Sequence[WhatIfCell], Sequence[WhatIfTarget]],
    history: History,
    never_seen: Iterable[str],
) -> tuple[str, ...]:
    """Return what must be known to read an answer, the most important first.

    Args:
        context: The ports.
        sides: What was asked.
        answered: By which way each cell was judged, and what is predicted of each target.
        history: Says whether the recommender was ever asked about the title.
        never_seen: What of the new values no past launch had; empty texts where nothing is new.
    """
    if not (sides.has_fields or sides.has_launch):
        return (UNCHANGED,)
    cells, targets = answered
    way = way_of(cells)
    places = {through: _places(cells, through) if way is Through.BOTH else "" for through in Through}
    told = [each for each in never_seen if each]
    if way is not Through.RECOMMENDER:
        told.append(ALONE.format(where=places[Through.MODEL]))
        if (history.shadow[TITLE_ID] == sides.before.title_id).any():
            told.append(STALE)
    if way is not Through.MODEL:
        told.append(TWICE.format(where=places[Through.RECOMMENDER]))
        if sides.has_fields:
            told.append(OTHERWISE)
    return (*told, *_ignored(context, sides), *_comparable(targets, cells))


def _comparable(targets: Sequence[WhatIfTarget], cells: Sequence[WhatIfCell]) -> tuple[str, ...]:
    """Return which targets the recommender's answer could not move though it was asked."""
    asked = {(cell.market, cell.surface) for cell in cells if cell.through is Through.RECOMMENDER}
    left = [t for t in targets if (t.market, t.surface) in asked and t.through is Through.MODEL and t.before.predictor]
    named = dict.fromkeys(f"{t.measure.replace('_', ' ')} over {t.horizon} d" for t in left)
    return (COMPARABLE.format(targets=", ".join(named)),) if named else ()


def _places(cells: Sequence[WhatIfCell], through: Through) -> str:
    named = [f"{cell.market} {cell.surface}" for cell in cells if cell.through is through]
    return f" (for {', '.join(named)})"


def _ignored(context: Context, sides: Sides) -> list[str]:
    pairs = [(sides.before.fields(market), sides.after.fields(market)) for market in sides.before.markets]
    differ = {name for old, new in pairs for name in new if new[name] != old.get(name)}
    return [IGNORED.format(field=field) for field in sorted(differ & set(context.settings.model.ignore_fields))]
