"""What every store must do with what the recommender said (fixture `store`)."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.errors import StoreError
from recsysops.service.ports import Store
from recsysops.settings import RetentionSettings

T0: Final = datetime(2026, 3, 2, 12, 30, 15, 123456, tzinfo=UTC)
DAY: Final = timedelta(days=1)
SHARES: Final = (
    c.ELIGIBLE_SHARE, c.CANDIDATE_SHARE, c.REACH_JOINT, c.REACH_ALONE, c.STANDARD_ERROR, c.RANK_PERCENTILE,
    c.MARGIN_P10, c.MARGIN_P50, c.MARGIN_P90,
)  # fmt: skip


def said(*title_ids: str, as_of: datetime = T0, reach: float = 0.25, market: str = "de") -> pd.DataFrame:
    """Of every second title nothing is known."""
    known = np.arange(len(title_ids)) % 2 == 0
    frame = pd.DataFrame(
        {
            c.TITLE_ID: list(title_ids), c.MARKET: market, c.SURFACE: "home", c.AS_OF: as_of,
            c.LAUNCH_AT: as_of + 5 * DAY, c.N_MEMBERS: np.where(known, 2000, 0),
            **{name: np.where(known, reach, np.nan) for name in SHARES},
            c.MODEL_VERSION: pd.Series(["v1" if k else None for k in known], dtype="str"),
            c.REASON: pd.Series([None if k else "too_slow: späť" for k in known], dtype="str"),
        }
    )  # fmt: skip
    return frame.astype(dict.fromkeys((c.AS_OF, c.LAUNCH_AT), "datetime64[us, UTC]"))


def save(store: Store, frame: pd.DataFrame, as_of: datetime = T0, run_id: str = "r1") -> None:
    with store.write() as unit:
        unit.shadow.save(frame, run_id, as_of)
        unit.commit()


def add(store: Store, frame: pd.DataFrame, run_id: str = "r2") -> None:
    with store.write() as unit:
        unit.shadow.add(frame, run_id)
        unit.commit()


def test_what_was_said_comes_back_as_it_was(store: Store) -> None:
    save(store, said("a", "b"))

    with store.read() as unit:
        found = unit.shadow.all()
    pd.testing.assert_frame_equal(found, said("a", "b")[list(c.SHADOW_SCORE)])


def test_without_a_word_there_are_columns_of_the_right_kinds(store: Store) -> None:
    with store.read() as unit:
        frames = unit.shadow.all(), unit.shadow.all(["a"]), unit.shadow.all([]), unit.shadow.latest()

    for frame in frames:
        assert len(frame) == 0
        assert frame.dtypes.to_dict() == said("a")[list(c.SHADOW_SCORE)].dtypes.to_dict()


def test_saving_again_replaces_what_was_said_at_that_time_alone(store: Store) -> None:
    save(store, said("a", "b"))
    save(store, said("a", as_of=T0 + DAY), T0 + DAY)

    save(store, said("z", reach=0.5))

    with store.read() as unit:
        found = unit.shadow.all()
    assert list(zip(found[c.TITLE_ID], found[c.AS_OF], strict=True)) == [("z", T0), ("a", T0 + DAY)]


def test_saving_nothing_takes_back_what_was_said_then(store: Store) -> None:
    save(store, said("a"))

    save(store, said().iloc[:0])

    with store.read() as unit:
        assert len(unit.shadow.all()) == 0


def test_adding_replaces_the_same_cells_at_the_same_time_alone(store: Store) -> None:
    save(store, said("a", "b", "x"))

    add(store, pd.concat([said("a", reach=0.75), said("a", market="us"), said("a", as_of=T0 - DAY, reach=0.1)]))

    with store.read() as unit:
        found = unit.shadow.all()
    rows = list(zip(found[c.AS_OF], found[c.TITLE_ID], found[c.MARKET], found[c.REACH_JOINT].fillna(-1), strict=True))
    assert rows == [
        (T0 - DAY, "a", "de", 0.1), (T0, "a", "de", 0.75), (T0, "a", "us", 0.25), (T0, "b", "de", -1),
        (T0, "x", "de", 0.25),
    ]  # fmt: skip


def test_adding_nothing_changes_nothing(store: Store) -> None:
    save(store, said("a"))

    add(store, said().iloc[:0])

    with store.read() as unit:
        assert list(unit.shadow.all()[c.TITLE_ID]) == ["a"]


def test_some_titles_can_be_asked_for(store: Store) -> None:
    save(store, said("a", "b", "x"))
    add(store, said("a", as_of=T0 - DAY))

    with store.read() as unit:
        found = unit.shadow.all(["x", "a", "nobody", "no\0where"])
    assert list(found[c.TITLE_ID]) == ["a", "a", "x"]
    assert found[c.AS_OF].is_monotonic_increasing


def test_the_latest_is_that_of_the_latest_time(store: Store) -> None:
    save(store, said("b", "a"))
    add(store, said("x", as_of=T0 - DAY))

    with store.read() as unit:
        assert list(unit.shadow.latest()[c.TITLE_ID]) == ["a", "b"]


def test_the_mark_changes_with_everything_that_is_said(store: Store) -> None:
    marks = []
    for change in (
        lambda: save(store, said("a", "b")),
        lambda: save(store, said("a", "z"), run_id="again"),
        lambda: add(store, said("a", reach=0.9), run_id="added"),
        lambda: save(store, said().iloc[:0], run_id="nothing"),
    ):
        change()
        with store.read() as unit:
            marks.append(unit.shadow.mark())
            assert unit.shadow.mark() == marks[-1]

    assert len(set(marks)) == 4


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with store.write() as unit, pytest.raises(StoreError, match="no zone"):
        unit.shadow.save(said("a"), "r1", T0.replace(tzinfo=None))


def test_what_was_said_is_not_pruned(store: Store) -> None:
    save(store, said("a"))

    with store.write() as unit:
        unit.housekeeping.prune(RetentionSettings(), T0 + 5000 * DAY)
        unit.commit()

    with store.read() as unit:
        assert len(unit.shadow.all()) == 1


def test_what_was_not_committed_was_not_said(store: Store) -> None:
    with store.write() as unit:
        unit.shadow.save(said("a"), "r1", T0)

    with store.read() as unit:
        assert len(unit.shadow.all()) == 0


# --- without some of the metadata ------------------------------------------------------------------------------------


def without(*title_ids: str, dropped: tuple[str, ...] = ("synopsis",), **changes: Any) -> pd.DataFrame:
    frame = said(*title_ids, **changes)
    return frame.assign(**{c.DROPPED: [list(dropped)] * len(frame), c.REACH_AS_IT_WAS: 0.5})[list(c.RELABELLED)]


def add_without(store: Store, frame: pd.DataFrame, run_id: str = "r3") -> None:
    with store.write() as unit:
        unit.shadow.add_relabelled(frame, run_id)
        unit.commit()


def relabelled(store: Store) -> pd.DataFrame:
    with store.read() as unit:
        return unit.shadow.relabelled()


def test_what_was_said_without_some_metadata_comes_back_as_it_was(store: Store) -> None:
    add_without(store, without("a", "b", dropped=("cast", "synopsis")))

    pd.testing.assert_frame_equal(relabelled(store), without("a", "b", dropped=("cast", "synopsis")))
    with store.read() as unit:
        assert len(unit.shadow.all()) == 0


def test_without_a_word_about_less_metadata_there_are_columns_of_the_right_kinds(store: Store) -> None:
    found = relabelled(store)

    assert len(found) == 0
    assert found.dtypes.to_dict() == without("a").dtypes.to_dict()


def test_adding_what_was_said_without_metadata_replaces_the_same_fields_at_the_same_time_alone(store: Store) -> None:
    add_without(store, without("a", "b"))

    add_without(store, without("a", reach=0.75))
    add_without(store, without("a", dropped=("cast",), reach=0.1))
    add_without(store, without("a", as_of=T0 - DAY, reach=0.2))
    add_without(store, without().iloc[:0])

    found = relabelled(store)
    rows = list(zip(found[c.AS_OF], found[c.TITLE_ID], found[c.DROPPED], found[c.REACH_JOINT].fillna(-1), strict=True))
    assert rows == [
        (T0 - DAY, "a", ["synopsis"], 0.2), (T0, "a", ["cast"], 0.1), (T0, "a", ["synopsis"], 0.75),
        (T0, "b", ["synopsis"], -1),
    ]  # fmt: skip


def test_the_mark_changes_with_what_is_said_without_metadata(store: Store) -> None:
    marks = []
    for reach in (0.25, 0.5):
        add_without(store, without("a", reach=reach), run_id=str(reach))
        with store.read() as unit:
            marks.append(unit.shadow.mark())

    assert len(set(marks)) == 2


def test_what_was_said_without_metadata_goes_a_time_after_the_launch(store: Store) -> None:
    add_without(store, pd.concat([without("old"), without("new", as_of=T0 + DAY)]))  # they launch 5 days later

    with store.write() as unit:
        removed = unit.housekeeping.prune(RetentionSettings(relabelled_days=30), T0 + 35.5 * DAY)
        unit.commit()

    assert removed["relabelled_scores"] == 1
    assert list(relabelled(store)[c.TITLE_ID]) == ["new"]
