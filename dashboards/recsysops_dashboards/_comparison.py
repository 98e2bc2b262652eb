"""This title and its comparable titles, field by field."""

from collections.abc import Mapping

from recsysops.domain.title_view import Comparables, ComparableTitle
from recsysops_dashboards._html import Part, Safe, lines, link, small, table, text
from recsysops_dashboards._words import MEASURE_OF, day, place, share, target

SHOWN = 5


def comparison_table(name: str, found: Comparables) -> Safe:
    """Return fields down, titles across: this one first, then the nearest."""
    titles = found.titles[:SHOWN]
    measure = target(found.measure, found.horizon)
    rows: list[list[Part]] = [
        [
            "Title",
            text(name, lines=2),
            *(link(t.name or t.title_id, "title", {"title": t.title_id}, lines=2) for t in titles),
        ],
        ["Launched", "upcoming", *(_launched(t) for t in titles)],
        [measure, "see the charts above", *(f"{share(t.value)} {MEASURE_OF.get(found.measure, '')}" for t in titles)],
    ]
    rows += [_field(field, found.fields, titles) for field in _fields(found.fields, titles)]
    head = ("Field", "This title", *(f"Nearest {i}" for i in range(1, len(titles) + 1)))
    return table(head, rows, label="Comparable titles, field by field", widths=("12%",))


def _launched(title: ComparableTitle) -> Safe:
    return lines([day(title.launch_at), small(place(title.market, title.surface))])


def _fields(own: Mapping[str, str], titles: tuple[ComparableTitle, ...]) -> list[str]:
    """Return the fields of this title, then those only the others have: what they have and it lacks matters."""
    return list(dict.fromkeys([*own, *(field for title in titles for field in title.fields)]))


def _field(field: str, own: Mapping[str, str], titles: tuple[ComparableTitle, ...]) -> list[Part]:
    mine = own.get(field, "")
    return [
        field,
        text(mine, lines=2) if mine else text("✖ nothing", "rso-note"),
        *(_other(title.fields.get(field, ""), mine) for title in titles),
    ]


def _other(value: str, mine: str) -> Part:
    if not value:
        return small("–")
    return small("= the same") if value == mine else text(value, lines=2)
