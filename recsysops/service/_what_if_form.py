"""What can be changed of a title, and how it stands now: what a form for a what-if is filled with. Predicts nothing."""

from recsysops.domain.what_if import FieldNow, LaunchNow, WhatIfForm
from recsysops.service._what_if_title import KnownTitle, read_title, why_not_ahead, zone_of
from recsysops.service._what_if_values import KnownFields
from recsysops.service.context import Context
from recsysops.service.history import read_history


def form_of(context: Context, title_id: str) -> WhatIfForm:
    """Return what can be changed of a title; values as in the first market where it is to launch.

    Raises:
        NotFoundError: Nothing is known under this id.
    """
    at = context.as_of()
    with context.store.read() as unit:
        title = read_title(unit, title_id, at)
        problem = why_not_ahead(unit, title_id, at) if title.cells.empty else ""
        known = KnownFields(context, read_history(context, unit), at)
    fields = [_now(title, known, name) for name in sorted({*known.names, *title.own_fields})]
    return WhatIfForm(
        title_id=title_id,
        fields=tuple(sorted(fields, key=lambda field: not field.value)),
        launches=_launches_now(title, context),
        problem=problem,
    )


def _now(title: KnownTitle, known: KnownFields, field: str) -> FieldNow:
    rules = known.rules(field)
    market = title.markets[0] if title.markets else ""
    value = title.fields(market).get(field)
    return FieldNow(field=field, kind=rules.kind, separator=rules.separator, value=rules.shown(value))


def _launches_now(title: KnownTitle, context: Context) -> tuple[LaunchNow, ...]:
    found = []
    for _, market, surface, launch_at, _ in title.cells.itertuples(index=False):
        local = launch_at.tz_convert(zone_of(context.settings, market))
        found.append(
            LaunchNow(
                market=market, surface=surface, launch_at=launch_at.to_pydatetime(), local=f"{local:%Y-%m-%dT%H:%M}"
            )
        )
    return tuple(sorted(found, key=lambda now: (now.launch_at, now.market, now.surface)))
