import pandas as pd

from recsysops.columns import CELL_KEY, DAYS_TO_FIX, DUE_DAYS, FIELD, MAX_SEVERITY, OWNER, REQUIREMENT
from recsysops.domain.requirement import applicable_requirements

CELLS = pd.DataFrame(
    [("t2", "de", "home"), ("t1", "de", "home"), ("t1", "us", "home"), ("t1", "us", "kids")], columns=list(CELL_KEY)
)


def required(*rows: tuple[object, ...]) -> pd.DataFrame:
    """Build requirements: field, market, surface, due days, days to fix, owner."""
    return pd.DataFrame([(*row, "critical") for row in rows], columns=list(REQUIREMENT))


def due(found: pd.DataFrame, title: str, market: str, surface: str) -> dict[str, int]:
    rows = found[(found[list(CELL_KEY)] == [title, market, surface]).all(axis=1)]
    return dict(zip(rows[FIELD], rows[DUE_DAYS], strict=True))


def test_a_requirement_for_all_holds_in_every_cell() -> None:
    found = applicable_requirements(CELLS, required(("synopsis", "all", "all", 14, 3, "ann")))

    assert list(found.columns) == [*CELL_KEY, FIELD, DUE_DAYS, DAYS_TO_FIX, OWNER, MAX_SEVERITY]
    assert found[list(CELL_KEY)].to_numpy().tolist() == CELLS.to_numpy().tolist()
    assert set(found[DUE_DAYS]) == {14}


def test_the_most_specific_requirement_holds_market_before_surface() -> None:
    requirements = required(
        ("dub", "all", "all", 1, 1, "a"),
        ("dub", "all", "kids", 2, 1, "b"),
        ("dub", "us", "all", 3, 1, "c"),
    )

    found = applicable_requirements(CELLS, requirements)

    assert due(found, "t1", "de", "home") == {"dub": 1}
    assert due(found, "t1", "us", "home") == {"dub": 3}
    assert due(found, "t1", "us", "kids") == {"dub": 3}
    exact = pd.concat([requirements, required(("dub", "us", "kids", 4, 1, "d"))], ignore_index=True)
    assert due(applicable_requirements(CELLS, exact), "t1", "us", "kids") == {"dub": 4}


def test_of_two_requirements_for_one_place_the_one_due_earlier_holds() -> None:
    twice = required(("synopsis", "all", "all", 7, 3, "late"), ("synopsis", "all", "all", 14, 3, "early"))

    there = applicable_requirements(CELLS, twice)
    back = applicable_requirements(CELLS, twice.iloc[::-1])

    assert set(there[OWNER]) == {"early"}
    assert there.to_dict("records") == back.to_dict("records")


def test_a_requirement_of_another_market_asks_nothing_here() -> None:
    found = applicable_requirements(CELLS, required(("rating", "fr", "all", 7, 3, "x")))

    assert found.empty
    assert list(found.columns) == [*CELL_KEY, FIELD, DUE_DAYS, DAYS_TO_FIX, OWNER, MAX_SEVERITY]


def test_fields_come_in_order_and_each_once_per_cell() -> None:
    requirements = required(("b", "all", "all", 7, 1, "x"), ("a", "all", "home", 7, 1, "x"))

    found = applicable_requirements(pd.concat([CELLS, CELLS]), requirements)

    assert due(found, "t2", "de", "home") == {"a": 7, "b": 7}
    assert list(found[FIELD]) == ["a", "b", "a", "b", "a", "b", "b"]


def test_no_cells_need_nothing() -> None:
    assert applicable_requirements(CELLS.iloc[:0], required(("a", "all", "all", 1, 1, "x"))).empty
