"""Batches compared by what they look like. Files and stores are in tests/unit/service/test_ingest_held.py."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from recsysops.domain.comparison import Circumstances, drifts, new_columns, series_of
from recsysops.domain.drift import ColumnProfile, Drift, DriftKind, Profile
from recsysops.settings import GateSettings

DAY = timedelta(days=1)
START = datetime(2026, 1, 5, tzinfo=UTC)
GATES = GateSettings()
TIME = re.compile(r"^\d{4}-\d{2}-\d{2}T")


def column(kind: str = "text", empty: float = 0.0, typical: float | None = None, *values: str) -> ColumnProfile:
    return ColumnProfile(kind=kind, empty_ratio=empty, typical=typical, values=values)


def batch(rows: int = 500, day: int = 0, quarantined: int = 0, file: str = "/in/titles.csv", **columns: ColumnProfile):
    usual = {"title_id": column(), "runtime": column("number", 0.02, 95.0), "synopsis": column("text", 0.3)}
    at = START + day * DAY
    return Profile(
        rows=rows, quarantined=quarantined, columns=usual | columns, first_at=at, last_at=at + DAY / 2, file=file,
    )  # fmt: skip


def without(profile: Profile, *names: str) -> Profile:
    return replace(profile, columns={name: each for name, each in profile.columns.items() if name not in names})


def compare(
    found: Profile, earlier: Sequence[Profile], table: str = "titles", gates: GateSettings = GATES, **more
) -> tuple[Drift, ...]:
    now = (found.last_at or START) + DAY / 4
    return drifts(found, earlier, (), gates, Circumstances(**({"table": table, "now": now} | more)))


def kinds(found: Sequence[Drift]) -> list[DriftKind]:
    return [drift.kind for drift in found]


HISTORY = [batch(day=day) for day in reversed(range(5))]


def test_a_batch_like_those_before_it_has_no_drift():
    assert compare(batch(day=5), HISTORY) == ()


def test_a_first_batch_has_no_drift():
    assert compare(batch(), []) == ()


def test_bad_rows_are_seen_on_the_first_batch_too():
    (drift,) = compare(batch(rows=100, quarantined=3), [])

    assert (drift.kind, drift.found) == (DriftKind.BAD_ROWS, "3.0%")
    assert drift.why == "3 of 100 rows (3.0%) are bad; at most 2% may be."


@pytest.mark.parametrize(("rows", "bad"), [(10, 2), (100, 2), (1000, 20), (0, 0)])
def test_a_few_bad_rows_hold_nothing(rows, bad):
    assert compare(batch(rows=rows, quarantined=bad), []) == ()


def test_a_column_that_is_gone_is_named():
    (drift,) = compare(without(batch(day=5), "runtime"), HISTORY)

    assert (drift.kind, drift.column) == (DriftKind.COLUMN_GONE, "runtime")


def test_a_column_that_is_hardly_ever_filled_may_stay_away_from_a_small_batch():
    history = [batch(day=day, note=column("text", 0.9)) for day in reversed(range(5))]

    assert compare(batch(rows=20, day=5), history[:1]) == ()
    assert kinds(compare(batch(rows=480, day=5), history[:1])) == [DriftKind.COLUMN_GONE]


def test_a_column_that_came_and_went_is_not_missed():
    history = [batch(day=4, note=column()), *HISTORY[1:]]

    assert compare(batch(day=5), history) == ()


def test_a_renamed_number_is_recognised_by_its_size():
    found = replace(without(batch(day=5), "runtime"), columns={
        **without(batch(), "runtime").columns, "length_minutes": column("number", 0.03, 97.0),
    })  # fmt: skip

    (drift,) = compare(found, HISTORY)

    assert (drift.kind, drift.column, drift.found) == (DriftKind.COLUMN_RENAMED, "runtime", "length_minutes")


def test_a_renamed_text_is_recognised_by_its_values_or_its_name():
    with_genre = [batch(day=4, genre=column("text", 0, None, "drama", "comedy"))]
    by_value = batch(day=5, kind=column("text", 0, None, "comedy", "drama"))
    by_name = batch(day=5, main_genre=column("text", 0, None, "x", "y"))

    assert [drift.found for drift in compare(by_value, with_genre)] == ["kind"]
    assert [drift.found for drift in compare(by_name, with_genre)] == ["main_genre"]


def test_a_new_column_of_another_kind_is_no_renaming():
    found = without(batch(day=5, colour=column("text")), "runtime")

    assert kinds(compare(found, HISTORY)) == [DriftKind.COLUMN_GONE]


def test_one_new_column_explains_one_gone_column():
    with_two = [batch(day=4, a_count=column("number", 0, 10.0), b_count=column("number", 0, 11.0))]

    found = compare(batch(day=5, c_count=column("number", 0, 10.0)), with_two)

    assert sorted(kinds(found)) == [DriftKind.COLUMN_GONE, DriftKind.COLUMN_RENAMED]


def test_a_new_column_alone_is_no_drift_but_is_known():
    found = batch(day=5, colour=column())

    assert compare(found, HISTORY) == ()
    assert new_columns(found, HISTORY) == ("colour",)
    assert new_columns(found, []) == ()


def test_a_number_that_became_text_is_retyped_however_few_rows_there_are():
    (drift,) = compare(batch(rows=5, day=5, runtime=column("text")), HISTORY[:1])

    assert (drift.kind, drift.was, drift.found) == (DriftKind.COLUMN_RETYPED, "number", "text")


def test_one_slip_among_five_numbers_is_no_retyping():
    slip = batch(rows=5, day=5, runtime=column("text", 0, None, "90", "101", "about 90"))

    assert compare(slip, HISTORY[:1]) == ()


def test_times_in_another_form_are_retyped_even_in_a_few_rows():
    history = [batch(day=4, due=column("time"))]

    assert kinds(compare(batch(rows=5, day=5, due=column("text", 0, None, "31/12/2026")), history)) == [
        DriftKind.COLUMN_RETYPED
    ]
    assert compare(batch(rows=5, day=5, due=column("text", 0, None, "2026-12-31", "soon")), history) == ()


def test_five_names_that_are_numbers_are_no_retyping_and_five_hundred_are():
    few, many = (batch(rows=rows, day=5, title_id=column("number", 0, 1917.0)) for rows in (5, 500))

    assert compare(few, HISTORY[:1]) == ()
    assert kinds(compare(many, HISTORY[:1])) == [DriftKind.COLUMN_RETYPED]


def test_an_empty_column_is_not_retyped_and_one_that_was_empty_may_be_filled():
    history = [batch(day=4, note=column("empty", 1.0))]

    assert compare(batch(day=5, note=column("number", 0.95, 3.0)), history) == ()


@pytest.mark.parametrize(("typical", "said"), [(9500.0, "100 times"), (95 / 60, "one 60th of")])
def test_another_unit_is_seen_in_both_directions(typical, said):
    (drift,) = compare(batch(day=5, runtime=column("number", 0.02, typical)), HISTORY)

    assert drift.kind is DriftKind.UNIT_JUMP
    assert said in drift.why


def test_a_few_rows_may_be_of_another_size_but_not_of_another_unit():
    larger, hundredfold = (batch(rows=5, day=5, runtime=column("number", 0, size)) for size in (950.0, 9500.0))

    assert compare(larger, HISTORY[:1]) == ()
    assert kinds(compare(hundredfold, HISTORY[:1])) == [DriftKind.UNIT_JUMP]


def test_a_column_whose_size_has_always_varied_does_not_jump():
    history = [batch(day=day, runtime=column("number", 0, size)) for day, size in enumerate((1.0, 900.0, 2.0, 3.0))]

    assert compare(batch(day=5, runtime=column("number", 0, 800.0)), history) == ()


@pytest.mark.parametrize(("empty", "is_held"), [(0.55, True), (0.05, True), (0.45, False), (0.15, False)])
def test_a_jump_of_empty_cells_is_seen_in_both_directions(empty, is_held):
    found = compare(batch(day=5, synopsis=column("text", empty)), HISTORY)

    assert kinds(found) == [DriftKind.NULL_JUMP] * is_held


def test_the_share_of_empty_cells_in_a_few_rows_says_nothing():
    assert compare(batch(rows=8, day=5, synopsis=column("text", 1.0)), HISTORY[:1]) == ()


def test_empty_cells_that_have_always_varied_do_not_jump():
    history = [batch(day=day, synopsis=column("text", empty)) for day, empty in enumerate((0.1, 0.9, 0.1, 0.8, 0.1))]

    assert compare(batch(day=6, synopsis=column("text", 0.85)), history) == ()


def test_a_third_fewer_rows_than_usual_are_a_drop():
    (drift,) = compare(batch(rows=350, day=5), HISTORY)

    assert drift.kind is DriftKind.ROW_DROP
    assert drift.why == "It has 350 rows, 30% fewer than the usual 500."
    assert compare(batch(rows=351, day=5), HISTORY) == ()


def test_half_the_catalogue_on_the_second_delivery_is_a_drop_and_five_edits_are_none():
    assert kinds(compare(batch(rows=250, day=1), [batch()])) == [DriftKind.ROW_DROP]
    assert compare(batch(rows=5, day=1), [batch()]) == ()


def test_edits_after_edits_never_drop():
    sizes = (5, 12, 3, 500, 7, 4, 9)
    history = [batch(rows=rows, day=10 - day) for day, rows in enumerate(sizes)]

    assert compare(batch(rows=1, day=11), history) == ()


def test_small_batches_vary_by_chance():
    history = [batch(rows=rows, day=10 - day) for day, rows in enumerate((40, 46, 35, 38, 41))]

    assert compare(batch(rows=27, day=11), history) == ()
    assert kinds(compare(batch(rows=12, day=11), history)) == [DriftKind.ROW_DROP]


def test_one_short_batch_let_through_does_not_end_the_watch():
    history = [batch(rows=200, day=9), *[batch(day=8 - day) for day in range(8)]]

    assert kinds(compare(batch(rows=200, day=10), history)) == [DriftKind.ROW_DROP]


def daily(rows: int, day: int) -> Profile:
    return batch(rows=rows, day=day, file=f"/in/log-{START + day * DAY:%Y-%m-%d}.parquet")


WEEK = (1000, 1010, 990, 1020, 1100, 640, 650)


def test_a_weekend_like_the_last_one_is_no_drop_and_a_monday_like_a_weekend_is_one():
    history = [daily(WEEK[day % 7], day) for day in reversed(range(14))]

    saturday, monday = daily(640, 19), daily(640, 14)

    assert compare(saturday, history, "impressions", is_daily=True) == ()
    assert kinds(compare(monday, history, "impressions", is_daily=True)) == [DriftKind.ROW_DROP]


def test_a_day_that_comes_late_is_compared_with_the_days_around_it():
    grown = [daily(round(1000 * 1.03**day), day) for day in reversed(range(60)) if day != 5]

    assert compare(daily(1150, 5), grown, "impressions", is_daily=True) == ()
    assert kinds(compare(daily(500, 5), grown, "impressions", is_daily=True)) == [DriftKind.ROW_DROP]


def test_a_day_far_from_all_others_is_compared_with_none():
    assert compare(daily(10, 200), [daily(1000, day) for day in range(9)], "impressions", is_daily=True) == ()


def test_a_day_without_rows_among_days_with_rows_is_a_drop():
    empty = replace(daily(0, 6), first_at=None, last_at=None, columns={})

    found = drifts(empty, [daily(1000, day) for day in range(6)], (), GATES,
                   Circumstances(table="impressions", now=START + 9 * DAY, is_daily=True))  # fmt: skip

    assert kinds(found) == [DriftKind.ROW_DROP]


def test_a_batch_older_than_the_last_is_named_for_tables_and_not_for_logs():
    found, history = batch(day=3), [batch(day=4)]

    assert kinds(compare(found, history)) == [DriftKind.OLDER]
    assert compare(found, history, "impressions") == ()
    assert compare(found, history, is_assumed=True) == ()


def test_a_correction_of_an_old_file_is_not_older_than_itself():
    names = [f"/in/titles-2026-01-0{n}.csv" for n in (5, 6)]
    history = [batch(day=1, file=names[1]), batch(day=0, file=names[0])]

    assert compare(batch(day=0, file=names[0]), history) == ()
    assert kinds(compare(batch(day=0, file="/in/titles-2026-01-09.csv"), history)) == [DriftKind.OLDER]


def test_files_delivered_together_are_not_older_than_each_other():
    at = Circumstances(table="launches", now=START + 9 * DAY)

    assert drifts(batch(day=0), (), [batch(day=4)], GATES, at) == ()


def test_rows_from_the_future_are_named():
    now = START - 2 * DAY

    assert kinds(compare(batch(), [], now=now)) == [DriftKind.FUTURE]
    assert compare(batch(), [], now=START) == ()
    assert compare(batch(), [], now=now, is_assumed=True) == ()


def test_series_are_told_apart_by_words_and_not_by_numbers():
    assert series_of("/in/titles-us-2026-03-01.csv") == series_of("/in/titles-us-2026-03-02.csv")
    assert series_of("/in/titles-us-2026-03-01.csv") != series_of("/in/titles-de-2026-03-01.csv")
    assert series_of("/in/part-00001-9f3bc2d1-77aa.parquet") == series_of("/in/part-00017-0aa1b2c3-88bb.parquet")


def test_files_of_another_series_differ_in_size_and_emptiness_but_not_in_columns():
    german = replace(batch(rows=40, day=5, file="/in/titles-de.csv"), last_at=START)
    emptier = replace(german, columns=german.columns | {"synopsis": column("text", 1.0)})

    assert compare(emptier, HISTORY) == ()
    assert kinds(compare(without(german, "runtime"), HISTORY)) == [DriftKind.COLUMN_GONE]


def test_the_limits_are_settings():
    strict = GateSettings(row_drop=0.1, bad_rows=0.5, null_jump=0.9, unit_factor=3)

    found = compare(
        batch(rows=440, day=5, quarantined=100, synopsis=column("text", 0.7), runtime=column("number", 0.02, 300.0)),
        HISTORY, gates=strict,
    )  # fmt: skip

    assert sorted(kinds(found)) == [DriftKind.ROW_DROP, DriftKind.UNIT_JUMP]


# --- promise B6: 40 seeded drifts, at least 38 held; 200 honest daily batches, at most 2 held -----------------------


def profile_of(frame: pd.DataFrame, time: str, file: str, quarantined: int = 0) -> Profile:
    """Return what a reader would say of a frame of text."""
    times = pd.to_datetime(frame[time], utc=True, format="ISO8601")
    return Profile(
        rows=len(frame),
        quarantined=quarantined,
        columns={str(name): described(frame[name]) for name in frame},
        first_at=times.min().to_pydatetime(),
        last_at=times.max().to_pydatetime(),
        file=file,
    )


def described(cells: "pd.Series[str]") -> ColumnProfile:
    filled = cells[cells != ""]
    empty = 1 - len(filled) / len(cells)
    if not len(filled):
        return ColumnProfile(kind="empty", empty_ratio=empty)
    values = tuple(str(value) for value in filled.value_counts().index[:10])
    numbers = pd.to_numeric(filled, errors="coerce")
    if numbers.notna().all():
        sizes = numbers.abs()[numbers != 0]
        typical = float(sizes.median()) if len(sizes) else None
        return ColumnProfile(kind="number", empty_ratio=empty, typical=typical, values=values)
    kind = "time" if filled.str.match(TIME).all() else "text"
    return ColumnProfile(kind=kind, empty_ratio=empty, values=values)


class Catalogue:
    """A whole catalogue every day: it grows, titles are edited, a third of the synopses is still to come."""

    table, time, is_daily = "titles", "observed_at", False

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.size = int(self.chance.integers(120, 2500))

    def frame(self, day: int) -> pd.DataFrame:
        self.size += int(self.chance.poisson(self.size * 0.004))
        return self.rows(day, self.size)

    def rows(self, day: int, n: int) -> pd.DataFrame:
        made = self.chance
        ages = np.minimum(made.exponential(30, n), 300) * (np.arange(n) > 0)
        return pd.DataFrame({
            "title_id": [f"t{number}" for number in made.choice(90_000, n, replace=False)],
            "observed_at": [(START + day * DAY - age * DAY).isoformat() for age in ages],
            "name": made.choice(["Night Train", "1917", "The Sea", "Home", "300"], n),
            "genre": made.choice(["drama", "comedy", "crime", "kids"], n, p=[0.4, 0.3, 0.2, 0.1]),
            "runtime": np.where(made.random(n) < 0.02, "", made.normal(100, 25, n).round().astype(int).astype(str)),
            "popularity": made.lognormal(3, 1.5, n).round(2).astype(str),
            "synopsis": np.where(made.random(n) < 0.3, "", "A story."),
            "provider": made.choice(["North", "South"], n),
        })  # fmt: skip

    def file(self, day: int) -> str:
        return "/in/titles.csv"


class Edits(Catalogue):
    """A handful of edits a day, a whole catalogue now and then."""

    def frame(self, day: int) -> pd.DataFrame:
        whole = day % 14 == 0
        return self.rows(day, self.size if whole else 1 + int(self.chance.poisson(5)))


class Log(Catalogue):
    """A day of impressions: weekends, noise, growth."""

    table, time, is_daily = "impressions", "ts", True

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.size = int(self.chance.integers(1500, 4000))
        self.week = np.asarray([1, 1, 1, 1, 1.05, 1.25, 1.2]) ** self.chance.choice([1, -1])

    def frame(self, day: int) -> pd.DataFrame:
        n = int(self.size * 1.004**day * self.week[day % 7] * self.chance.normal(1, 0.04))
        made = self.chance
        return pd.DataFrame({
            "ts": [(START + day * DAY + hour * DAY).isoformat() for hour in made.random(n) * 0.999],
            "member_id": made.integers(0, 9999, n).astype(str),
            "title_id": [f"t{number}" for number in made.integers(0, 500, n)],
            "market": made.choice(["us", "de"], n, p=[0.7, 0.3]),
            "position": (1 + made.geometric(0.15, n)).astype(str),
            "request_id": np.where(made.random(n) < 0.1, "", made.integers(10**8, 10**9, n).astype(str)),
        })  # fmt: skip

    def file(self, day: int) -> str:
        return f"/in/impressions-{START + day * DAY:%Y-%m-%d}.csv"


def judged(source: Catalogue, found: Profile, history: Sequence[Profile], day: int) -> tuple[Drift, ...]:
    now = START + day * DAY + 1.2 * DAY
    at = Circumstances(table=source.table, now=now, is_daily=source.is_daily)
    return drifts(found, history, (), GATES, at)


def history_of(source: Catalogue, n_days: int) -> list[Profile]:
    days = [profile_of(source.frame(day), source.time, source.file(day)) for day in range(n_days)]
    return days[::-1]


def test_of_two_hundred_honest_daily_batches_at_most_two_are_held():
    held: list[str] = []
    n_batches = 0
    for source in (Catalogue(1), Catalogue(2), Edits(3), Edits(4), Log(5), Log(6), Log(7), Log(8)):
        history: list[Profile] = []
        for day in range(25):
            bad = int(source.chance.binomial(len(frame := source.frame(day)), 0.002))
            found = profile_of(frame, source.time, source.file(day), bad)
            held += [f"{type(source).__name__} {day}: {drift.why}" for drift in judged(source, found, history, day)]
            history.insert(0, found)
            n_batches += 1

    print(f"honest batches: {n_batches}, held: {len(held)}", *held, sep="\n")  # noqa: T201 - figures of promise B6
    assert n_batches == 200
    assert len(held) <= 2, held


def renamed(frame, source, chance):
    return frame.rename(columns={chance.choice(list(frame.columns)[2:]): "renamed_by_the_source"})


def retyped(frame, source, chance):
    number = "runtime" if "runtime" in frame else "position"
    return frame.assign(**{number: frame[number].where(frame[number] == "", frame[number] + " units")})


def scaled(factor):
    def scale(frame, source, chance):
        number = chance.choice(["runtime", "popularity"]) if "runtime" in frame else "position"
        cells = pd.to_numeric(frame[number], errors="coerce") * factor
        return frame.assign(**{number: cells.astype("str").where(cells.notna(), "")})

    return scale


def emptied(frame, source, chance):
    name = chance.choice(list(frame.columns)[3:])
    return frame.assign(**{name: frame[name].where(chance.random(len(frame)) > chance.uniform(0.35, 0.9), "")})


def shortened(frame, source, chance):
    return frame.sample(frac=1 - chance.uniform(0.38, 0.7), random_state=1)


def gone(frame, source, chance):
    return frame.drop(columns=chance.choice(list(frame.columns)[2:]))


FAULTS = {
    "gone": gone, "renamed": renamed, "retyped": retyped, "x100": scaled(100), "x60": scaled(60),
    "/1000": scaled(0.001), "emptied": emptied, "shortened": shortened,
}  # fmt: skip


def faulty(fault: str, source: Catalogue, chance: np.random.Generator, day: int) -> Profile:
    """Return what the batch of a day looks like with a fault in it."""
    frame = source.frame(day)
    if fault in FAULTS:
        return profile_of(FAULTS[fault](frame, source, chance), source.time, source.file(day))
    if fault == "bad":
        return profile_of(frame, source.time, source.file(day), int(len(frame) * chance.uniform(0.025, 0.2)))
    honest = profile_of(frame, source.time, source.file(day))
    by = 40 * DAY if source.is_daily else -3 * DAY
    return replace(honest, first_at=honest.first_at + by, last_at=honest.last_at + by)


def test_of_forty_seeded_drifts_at_least_thirty_eight_are_held():
    faults = [*FAULTS, "bad", "moved in time"]
    missed = []
    for number in range(8):
        source, chance = (Catalogue, Log)[number % 2](100 + number), np.random.default_rng(number)
        history = history_of(source, 11)
        for fault in faults[:5] if number % 4 < 2 else faults[5:]:
            found = faulty(fault, source, chance, 11)
            missed += [] if judged(source, found, history, 11) else [f"{fault} of {type(source).__name__} {number}"]

    print(f"seeded drifts: 40, held: {40 - len(missed)}", *missed, sep="\n")  # noqa: T201 - figures of promise B6
    assert len(missed) <= 2, missed
