"""The simulated recommender reads metadata: what is missing or wrong changes what it knows and whom it reaches."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from recsysops.simulation import SimulationReport
from recsysops.simulation import _fields as f
from recsysops.simulation._words import TOPICS
from recsysops.simulation.catalogue import make_people
from recsysops.simulation.descriptions import RATING_LABELS, person_name
from recsysops.simulation.faults import KINDS, PLACEHOLDER_ARTWORK, Fault, corrupt
from recsysops.simulation.members import draw_active
from recsysops.simulation.recommender import NOT_SHOWN, Readings, group_penalties, read
from recsysops.simulation.runner import World
from recsysops.simulation.world import MARKETS, day_start


def one_title(**changes: object) -> pd.DataFrame:
    row: dict[str, object] = {
        "provider": "Kestrel Films", f.FRANCHISE: None,
        f.SYNOPSIS: "A ruthless detective and a corrupt cartel fight over evidence, "
        "a murder, a heist, a precinct, an informant, a verdict, a burglary and a gangster.",
        f.EMBEDDING: None, f.GENRES: "Crime", f.TAGS: "noir|mafia", f.CAST: "|".join(person_name(p) for p in range(4)),
        f.DIRECTOR: person_name(9),
        f.LANGUAGE: "en", f.DUBS: None, f.DUBS_DE: "de", f.SUBTITLES: "en", f.SUBTITLES_DE: "de",
        f.RATING: "12+", f.RATING_DE: None,
        f.ARTWORK: "https://img.example.com/a.jpg", f.ARTWORK_DE: None,
        f.ARTWORK_WIDTH: 1920.0, f.ARTWORK_HEIGHT: 1080.0, f.ARTWORK_QUALITY: 0.65,
        f.TRAILER: "https://video.example.com/a.mp4", f.MARKETS_FIELD: "US|DE",
    }  # fmt: skip
    row |= changes
    frame = pd.DataFrame([row])
    numbers = {f.ARTWORK_WIDTH, f.ARTWORK_HEIGHT, f.ARTWORK_QUALITY}
    return frame.astype({column: "str" for column in frame if column not in numbers})


def readings_of(world: World, **changes: object) -> Readings:
    return read(one_title(**changes), make_people(world.config))


CRIME = next(t for t, topic in enumerate(TOPICS) if topic.genre == "Crime")


def test_content_is_read_from_words_genres_tags_and_cast(small_world: World) -> None:
    readings = readings_of(small_world)

    assert readings.content[0].argmax() == CRIME
    assert readings.content[0, CRIME] > 0.6
    assert readings.evidence[0] == pytest.approx(1.0)


@pytest.mark.parametrize("field", [f.SYNOPSIS, f.GENRES, f.TAGS, f.CAST])
def test_a_missing_content_field_weakens_what_is_known(small_world: World, field: str) -> None:
    full, lacking = readings_of(small_world), readings_of(small_world, **{field: None})

    assert lacking.evidence[0] < full.evidence[0] - 0.1
    assert np.linalg.norm(lacking.content[0]) != pytest.approx(np.linalg.norm(full.content[0]))


def test_a_synopsis_in_another_language_says_as_little_as_none(small_world: World) -> None:
    foreign = readings_of(
        small_world, **{f.SYNOPSIS: "Nadie en la ciudad recuerda aquella noche, pero todos guardan silencio."}
    )
    none = readings_of(small_world, **{f.SYNOPSIS: None})

    np.testing.assert_allclose(foreign.content, none.content)


def test_genres_that_contradict_the_synopsis_are_trusted_less(small_world: World) -> None:
    assert readings_of(small_world, **{f.GENRES: "Family"}).evidence[0] < 0.7


@pytest.mark.parametrize(
    ("changes", "badness"),
    [
        ({}, 0.0),
        ({f.ARTWORK: None}, 1.0),
        ({f.ARTWORK: PLACEHOLDER_ARTWORK}, 1.0),
        ({f.ARTWORK_WIDTH: 1000.0, f.ARTWORK_HEIGHT: 562.0}, 0.3),
        ({f.ARTWORK_WIDTH: 320.0, f.ARTWORK_HEIGHT: 480.0}, 0.8),
        ({f.ARTWORK_WIDTH: None, f.ARTWORK_HEIGHT: None}, 0.8),
    ],
)
def test_artwork_is_judged_by_address_size_and_aspect(
    small_world: World, changes: dict[str, object], badness: float
) -> None:
    assert readings_of(small_world, **changes).bad_artwork[0, 0] == pytest.approx(badness)


def test_a_german_override_counts_in_germany_only(small_world: World) -> None:
    readings = readings_of(small_world, **{f.RATING_DE: "18+", f.ARTWORK_DE: PLACEHOLDER_ARTWORK})

    assert readings.rating[0].tolist() == [2, 4]
    assert readings.bad_artwork[0].tolist() == [0.0, 1.0]


def test_a_missing_rating_is_read_as_the_strictest(small_world: World) -> None:
    missing, strictest = (
        readings_of(small_world, **{f.RATING: None}),
        readings_of(small_world, **{f.RATING: RATING_LABELS[-1]}),
    )

    assert missing.rating.tolist() == strictest.rating.tolist()


def test_a_stricter_rating_shuts_out_more_members(small_world: World) -> None:
    shut = [(group_penalties(readings_of(small_world, **{f.RATING: r}), 0) <= NOT_SHOWN).mean() for r in RATING_LABELS]

    assert shut == sorted(shut)
    assert shut[0] == 0.0
    assert shut[-1] == 0.75


def test_without_dub_or_subtitles_a_foreign_title_fits_fewer_members(small_world: World) -> None:
    dubbed = group_penalties(readings_of(small_world), 1)
    subtitled = group_penalties(readings_of(small_world, **{f.DUBS_DE: None}), 1)
    neither = group_penalties(readings_of(small_world, **{f.DUBS_DE: None, f.SUBTITLES_DE: "en"}), 1)

    assert dubbed.mean() > subtitled.mean() > neither.mean()


def test_a_lost_market_is_read_as_not_available(small_world: World) -> None:
    assert readings_of(small_world, **{f.MARKETS_FIELD: "US"}).in_market.tolist() == [[True, False]]
    assert readings_of(small_world, **{f.MARKETS_FIELD: None}).in_market.tolist() == [[False, False]]


def test_every_word_genre_and_tag_belongs_to_one_topic() -> None:
    words = [word for topic in TOPICS for word in (*topic.nouns, *topic.adjectives)]
    labels = [label for topic in TOPICS for label in (topic.genre, *topic.tags)]

    assert len(set(words)) == len(words)
    assert len(set(labels)) == len(labels)
    assert {(len(topic.nouns), len(topic.adjectives), len(topic.tags)) for topic in TOPICS} == {(10, 6, 5)}


def test_people_have_names_of_their_own() -> None:
    assert len({person_name(p) for p in range(200)}) == 200


@pytest.mark.parametrize("severity", [1, 2, 3])
def test_a_planted_fault_changes_its_title_only(small_world: World, severity: int) -> None:
    clean = small_world.versions.sort_values([f.TITLE, "observed_at"], ignore_index=True)
    title = int(clean[f.TITLE].iloc[-1])
    hidden = {"not_indexed"}

    for kind in KINDS:
        broken = corrupt(small_world.config, clean, [Fault(title, kind, severity)])

        same = (broken == clean) | (broken.isna() & clean.isna())
        assert same[clean[f.TITLE] != title].all(axis=None)
        assert kind.name in hidden or not same.all(axis=None)
        assert list(broken.dtypes) == list(clean.dtypes)


def test_impressions_fall_with_position(small_impressions: pd.DataFrame) -> None:
    by_position = small_impressions["position"].value_counts().sort_index()

    assert by_position.index.tolist() == list(range(1, 14))
    assert by_position.is_monotonic_decreasing


def test_plays_fall_with_position_faster_than_impressions(
    small_service: SimulationReport, small_impressions: pd.DataFrame
) -> None:
    plays = pd.read_parquet(small_service.interactions)
    plays = plays[plays["kind"] == "play"]
    shown = small_impressions.assign(day=small_impressions["ts"].dt.date)
    played = plays.assign(day=plays["ts"].dt.date).drop(columns="ts")
    keys = ["member_id", "item_id", "surface", "day"]
    both = shown.merge(played[[*keys, "kind"]], on=keys, how="left")

    rate = both.groupby("position")["kind"].apply(lambda kinds: kinds.notna().mean())

    assert rate.loc[1] > 1.3 * rate.loc[10]


def test_members_come_at_different_rates_and_never_twice_a_day() -> None:
    rng = np.random.default_rng(0)
    activity = np.array([0.2] * 50 + [3.0] * 50, dtype=np.float32)

    drawn = [draw_active(rng, activity, 30) for _ in range(50)]

    assert all(len(np.unique(members)) == 30 for members in drawn)
    assert np.mean(np.concatenate(drawn) >= 50) > 0.7


def test_a_day_begins_at_nine_in_the_morning_of_the_market(small_world: World) -> None:
    config = small_world.config

    for market, summer, winter in zip(MARKETS, (13, 7), (14, 8), strict=True):
        starts = [day_start(config, market, day) for day in range(config.n_days)]
        assert {start.hour for start in starts} == {summer, winter}
        assert starts[1].date() == config.first_date
        assert all(23 <= (b - a) / timedelta(hours=1) <= 25 for a, b in pairwise(starts))
        assert starts[0].tzinfo is UTC
    assert config.as_of == datetime(2026, 3, 2, tzinfo=UTC)
