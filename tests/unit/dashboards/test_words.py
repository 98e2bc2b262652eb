from datetime import UTC, datetime

import pytest

from recsysops.domain.verdict import Status
from recsysops.domain.views import CellView, Worth
from recsysops_dashboards import _words as words
from recsysops_dashboards._html import escape, lines, table, text
from recsysops_dashboards.missing import file_name

AT = datetime(2026, 3, 3, 8, 5, tzinfo=UTC)


def a_cell(market: str, surface: str, status: Status) -> CellView:
    return CellView(
        market=market, surface=surface, launch_at=AT, previous_launch_at=None, launch_status="planned", status=status,
        severity=None, why="", n_findings=0, has_expectation=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("days", "said"),
    [(None, ""), (0.001, "now"), (0.4, "in 10 hours"), (1 / 24, "in 1 hour"), (1.4, "in 34 hours"), (3.1, "in 3 days"),
     (-2.0, "2 days ago"), (-0.2, "5 hours ago")],
)  # fmt: skip
def test_distances_are_said_in_days_or_hours(days, said):
    assert words.distance(days) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "not yet known"),
        (Worth(expected=151.4, low=90, high=226, unit="members"), "151 (90–226) members"),
        (Worth(expected=4234, low=None, high=None, unit="impressions"), "4,200 impressions"),
        (Worth(expected=1_340_000, low=-5, high=2e6, unit="members"), "1.3 million (0–2.0 million) members"),
    ],
)
def test_worth_is_said_with_its_range_or_as_not_yet_known(value, said):
    assert words.worth(value) == said


@pytest.mark.parametrize(("value", "said"), [(None, "–"), (0.165, "16 %"), (0.058, "5.8 %"), (0.000123, "0.012 %")])
def test_shares_are_said_as_percentages(value, said):
    assert words.share(value) == said


def test_gaps_days_and_targets():
    assert (words.gap(0.654), words.gap(-0.12)) == ("65 % below plan", "12 % above plan")
    assert (words.day(AT), words.moment(AT), words.day(None)) == ("Tue 3 Mar 2026", "Tue 3 Mar 2026 08:05 UTC", "–")
    assert (words.target("reach", 1), words.target("uptake", 28)) == ("Reach, 1 day", "Uptake, 28 days")
    assert words.short_day(None) == "–"


def test_places_alike_are_counted_and_others_named_worst_first():
    alike = [a_cell("de", surface, Status.OK) for surface in ("home", "search")]
    mixed = [*alike, a_cell("us", "home", Status.FAILING)]

    assert words.places(alike) == [(Status.OK, "all 2 places")]
    assert words.places(mixed) == [(Status.FAILING, "us · home"), (Status.OK, "de · home, de · search")]
    assert words.places([a_cell("all", "all", Status.OK)]) == [(Status.OK, "everywhere")]


def test_grids_are_folded_where_each_goes_with_each():
    assert words.grid([("de", "home"), ("us", "home"), ("de", "tv"), ("us", "tv")]) == "de, us · home, tv"
    assert words.grid([("de", "home"), ("us", "tv")]) == "de · home, us · tv"
    assert words.grid((f"m{i}", "all") for i in range(9)) == "m0, m1, m2 and 6 more"


def test_everything_put_into_markup_is_escaped():
    made = table(["<h>"], [[text('<b> "x"', lines=2)], [lines(["<i>", ""])]], label='"><script>').markup

    assert "<b>" not in made
    assert "<i>" not in made
    assert "<script>" not in made
    assert escape("a\u202eb\x00c\nd") == "a\ufffdb\ufffdc\nd"


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        (None, "missing-fields.csv"),
        ("", "missing-fields.csv"),
        ("../Kestrel & Söns", "missing-fields-kestrel-s-ns.csv"),
    ],
)
def test_file_names_are_safe(provider, name):
    assert file_name(provider) == name
