from datetime import UTC, datetime, timedelta

from recsysops import columns as c
from recsysops.service.cells import cell_metadata, launch_states, upcoming_cells

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


def days(n):
    return timedelta(days=n)


def test_only_planned_launches_after_as_of_and_within_the_window_are_upcoming(world):
    early = AS_OF - days(60)
    world.launches(
        ("past", "us", "home", early, AS_OF, c.PLANNED),
        ("soon", "us", "home", early, AS_OF + days(1), c.PLANNED),
        ("edge", "us", "home", early, AS_OF + days(28), c.PLANNED),
        ("later", "us", "home", early, AS_OF + days(28.01), c.PLANNED),
        ("off", "us", "home", early, AS_OF + days(2), c.CANCELLED),
    )

    with world.store.read() as unit:
        cells = upcoming_cells(unit, AS_OF, 28)

    assert list(cells[c.TITLE_ID]) == ["soon", "edge"]
    assert list(cells.columns) == list(c.CELL)


def test_a_moved_launch_shows_where_it_was_before(world):
    world.launches(
        ("t", "us", "home", AS_OF - days(30), AS_OF + days(3), c.PLANNED),
        ("t", "us", "home", AS_OF - days(10), AS_OF + days(9), c.PLANNED),
    )

    with world.store.read() as unit:
        now = upcoming_cells(unit, AS_OF, 28).iloc[0]
        before_the_move = upcoming_cells(unit, AS_OF - days(11), 28).iloc[0]

    assert (now[c.LAUNCH_AT], now[c.PREVIOUS_LAUNCH_AT]) == (AS_OF + days(9), AS_OF + days(3))
    assert before_the_move[c.LAUNCH_AT] == AS_OF + days(3)
    assert str(before_the_move[c.PREVIOUS_LAUNCH_AT]) == "NaT"


def test_a_launch_without_metadata_is_a_cell_without_a_name(world):
    world.launches(("orphan", "us", "home", AS_OF - days(30), AS_OF + days(3), c.PLANNED))

    with world.store.read() as unit:
        cells = upcoming_cells(unit, AS_OF, 28)

    assert list(cells[c.TITLE_ID]) == ["orphan"]
    assert cells[c.NAME].isna().all()


def test_states_tell_launched_withdrawn_and_planned_apart(world):
    early = AS_OF - days(60)
    world.launches(
        ("past", "us", "home", early, AS_OF, c.PLANNED),
        ("far", "us", "home", early, AS_OF + days(200), c.PLANNED),
        ("off", "us", "home", early, AS_OF + days(2), c.CANCELLED),
    )

    with world.store.read() as unit:
        states = launch_states(unit, AS_OF)

    assert states == {
        ("past", "us", "home"): "launched",
        ("far", "us", "home"): "planned",
        ("off", "us", "home"): "withdrawn",
    }


def test_a_markets_row_overrides_the_general_one_field_by_field(world):
    world.titles(
        ("t", c.ALL, AS_OF - days(9), {"rating": "16", "genres": ["crime"]}),
        ("t", "de", AS_OF - days(9), {"rating": "FSK 18"}),
    )
    world.launches(
        ("t", "us", "home", AS_OF - days(9), AS_OF + days(2), c.PLANNED),
        ("t", "de", "home", AS_OF - days(9), AS_OF + days(2), c.PLANNED),
    )

    with world.store.read() as unit:
        cells = upcoming_cells(unit, AS_OF, 28)
        metadata = cell_metadata(cells, unit.versions.known("titles", AS_OF)).set_index(c.MARKET)

    assert (metadata.loc["us", "rating"], metadata.loc["de", "rating"]) == ("16", "FSK 18")
    assert metadata.loc["de", "genres"] == ["crime"]
