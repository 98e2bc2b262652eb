"""What-if: how the distributions move when metadata or the launch of a title would be otherwise. Writes nothing.

Through the recommender where it can be asked, else through the model alone; the answer says which, and why.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from threading import Lock
from typing import Any, Final

import pandas as pd
from pydantic import ValidationError

from recsysops.domain.what_if import AskedWhatIf, LaunchTime, WhatIf, WhatIfForm
from recsysops.errors import BusyError, UsageError
from recsysops.service._standing import Standing, Standings
from recsysops.service._what_if_answer import cells_of, changes_of, targets_of, way_of, why_alone
from recsysops.service._what_if_asking import Said, Sides, Surroundings, ask_twice
from recsysops.service._what_if_form import form_of
from recsysops.service._what_if_title import KnownTitle, expect_ahead, read_title
from recsysops.service._what_if_values import KnownFields
from recsysops.service._what_if_words import notices_of
from recsysops.service.context import Context
from recsysops.service.history import read_history
from recsysops.service.queries.values import cut

WAIT_SECONDS: Final = 20.0
"""How long a what-if waits for the one before it."""
NO_MODEL: Final = (
    "There is no model whose answer a change could move: none was trained yet, or the files of all cannot be trusted. "
    "Run `recsysops train` once enough launches are known, and see `recsysops model list`."
)


class WhatIfs:
    """Answers what-ifs one at a time; safe between threads."""

    def __init__(
        self,
        context: Context,
        standings: Standings | None = None,
        predicting: AbstractContextManager[object] | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            context: The ports.
            standings: What is ready of the store's side, where others use it, too.
            predicting: Held while it is used, where others use it, too.
        """
        self._context = context
        self._standings = standings or Standings(context)
        self._predicting = predicting or nullcontext()
        self._turn = Lock()

    def form(self, title_id: str) -> WhatIfForm:
        """Return what can be changed of a title, and how it stands.

        Raises:
            NotFoundError: Nothing is known under this id.
        """
        return form_of(self._context, title_id)

    def answer(self, title_id: str, asked: AskedWhatIf, as_of: datetime | None = None) -> WhatIf:
        """Return the distributions before and after a change.

        Raises:
            NotFoundError: There is no such title.
            UsageError: There is no such field, a value is not what it holds, nothing is ahead, or there is no model.
            BusyError: Others wait already.
        """
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            raise BusyError("Another what-if is being answered. Try again in a few seconds.", retry_after_seconds=5)
        try:
            return self._answer(title_id, asked, self._context.as_of(as_of))
        finally:
            self._turn.release()

    def _answer(self, title_id: str, asked: AskedWhatIf, at: datetime) -> WhatIf:
        context = self._context
        with context.store.read() as unit:
            title = expect_ahead(unit, read_title(unit, title_id, at), at, asked.market)
            history = read_history(context, unit)
            known = KnownFields(context, history, at)
            values = known.read(asked.fields, title.own_fields)
            sides = _sides(context, title, values, asked, at)
            around = Surroundings.read(context, unit, at)
        standing = self._standings.get(at)
        if not standing.forecast.model_ids:
            raise UsageError(NO_MODEL)
        said = ask_twice(context, around, sides, at, standing.forecast.as_of)
        cells = cells_of(sides, said)
        targets = targets_of(*self._predicted(standing, sides, said), {(c.market, c.surface): c.through for c in cells})
        return WhatIf(
            title_id=title_id,
            name=title.name,
            as_of=at,
            history_as_of=standing.forecast.as_of,
            models=standing.forecast.model_ids,
            recommender=said.version if len(said.after) else "",
            through=way_of(cells),
            reason=why_alone(cells),
            changes=changes_of(sides, values),
            cells=cells,
            targets=targets,
            notices=notices_of(
                context, sides, (cells, targets), history, map(known.never_seen, values, values.values())
            ),
        )

    def _predicted(self, standing: Standing, sides: Sides, said: Said) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Predict both sides; where nothing differs, as ever."""
        is_same = not (sides.has_fields or sides.has_launch)
        with self._predicting:
            before = standing.forecast.predict(
                sides.before.cells, sides.before.versions, None if is_same else said.before
            )
            if is_same:
                return before, before
            # An answer about the title as it was would hold on both sides, and hide the change: better none.
            return before, standing.forecast.predict(sides.after.cells, sides.after.versions, said.after)


def asked_in_words(texts: Sequence[str], launch: str | None = None, market: str | None = None) -> AskedWhatIf:
    """Return what is asked by texts such as `genres=Drama,Crime`.

    Raises:
        UsageError: One of them makes no sense.
    """
    fields: dict[str, str] = {}
    for text in texts:
        field, is_given, value = text.partition("=")
        if not is_given or not field.strip() or field.strip() in fields:
            raise UsageError(
                f'"{cut(text)}" makes no sense: each change is FIELD=VALUE (nothing after = for a missing field), '
                "and each field stands once. Correct it."
            )
        fields[field.strip()] = value
    try:
        return AskedWhatIf.model_validate({"fields": fields, "launch": launch, "market": market})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        said = str(first["msg"]).removeprefix("Value error, ")
        raise UsageError(f"What is asked makes no sense at {first['loc'][0]}: {said}.") from error


def _sides(context: Context, title: KnownTitle, values: Mapping[str, Any], asked: AskedWhatIf, at: datetime) -> Sides:
    after = title.with_fields(values)
    if asked.launch is not None:
        after = after.with_launch(LaunchTime.read(asked.launch), context.settings, at)
    return Sides(
        before=title,
        after=after,
        has_fields=any(_filled(title.fields(market)) != _filled(after.fields(market)) for market in title.markets),
        has_launch=not after.cells.equals(title.cells),
    )


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
