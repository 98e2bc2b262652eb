"""What ages and what is new to read: tastes that drift, embeddings that can be stale, the quality of artwork."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsysops.errors import UsageError
from recsysops.simulation import SimulationReport, WorldConfig
from recsysops.simulation import _fields as f
from recsysops.simulation._words import N_TOPICS, TOPICS
from recsysops.simulation.drift import RETRAIN_DAYS, make_drift, moved, trained_on
from recsysops.simulation.embeddings import embed, read_embedding, topics_of, written
from recsysops.simulation.faults import KINDS, Fault, corrupt
from recsysops.simulation.members import make_members
from recsysops.simulation.runner import World
from recsysops.simulation.world import MARKETS

TEXT = "A ruthless detective and a corrupt cartel fight over evidence, a murder, a heist, a precinct and a gangster."


def test_tastes_move_slowly_and_differently_in_each_market() -> None:
    config = WorldConfig.small()
    first, other = (make_drift(config, market) for market in range(len(MARKETS)))

    weekly = np.diff(first[::7], axis=0)

    assert (first[0] == 0.0).all()
    assert weekly.std() == pytest.approx(config.taste_drift, rel=0.25)
    assert np.abs(np.corrcoef(np.diff(first[:, 0]), np.diff(other[:, 0]))[0, 1]) < 0.4


def test_without_drift_tastes_stay() -> None:
    config = replace(WorldConfig.small(), taste_drift=0.0)
    members = make_members(config, 0)

    assert (make_drift(config, 0) == 0.0).all()
    np.testing.assert_allclose(moved(members.known, make_drift(config, 0)[30]), members.known, rtol=1e-5)


def test_moved_tastes_are_tastes_and_lean_to_what_has_come_into_fashion() -> None:
    members = make_members(WorldConfig.small(), 0)
    drift = np.zeros(N_TOPICS, dtype=np.float32)
    drift[3] = 0.5

    after = moved(members.taste, drift)

    np.testing.assert_allclose(after.sum(axis=1), 1.0, rtol=1e-5)
    assert (after[:, 3] >= members.taste[:, 3]).all()
    assert after[:, 3].mean() > 1.2 * members.taste[:, 3].mean()


def test_the_service_is_retrained_once_a_week() -> None:
    days = [trained_on(day) for day in range(3 * RETRAIN_DAYS)]

    assert sorted(set(days)) == [0, 7, 14]
    assert all(0 <= day - trained < RETRAIN_DAYS for day, trained in enumerate(days))


@pytest.mark.parametrize("changes", [{"taste_drift": -0.1}, {"n_repeats": -1}])
def test_drift_and_repeats_below_nothing_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="below 0"):
        replace(WorldConfig.small(), **changes)


def test_an_embedding_says_what_its_text_says() -> None:
    np.testing.assert_allclose(read_embedding(embed(TEXT)), topics_of(TEXT), atol=0.006)
    assert read_embedding(embed(TEXT)).argmax() == next(t for t, topic in enumerate(TOPICS) if topic.genre == "Crime")
    assert len(embed(TEXT).split("|")) == N_TOPICS


def test_texts_of_the_same_kind_lie_closer_than_others() -> None:
    crime = "A hardboiled detective hunts a gangster; a murder, a burglary and an informant."
    family = "A puppy, a treehouse and a mischievous grandfather at a birthday picnic with a kite."

    def near(one: str, other: str) -> float:
        a, b = (np.array([float(x) for x in embed(text).split("|")]) for text in (one, other))
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    assert near(TEXT, crime) > near(TEXT, family) + 0.3


@pytest.mark.parametrize(
    "text", ["", "no numbers", "1|2|3", "|".join(["1e99"] * N_TOPICS), written(np.zeros(N_TOPICS))]
)
def test_what_is_no_embedding_says_nothing(text: str) -> None:
    assert (read_embedding(text) == 0.0).all()


def test_embeddings_are_there_where_a_synopsis_is(small_world: World) -> None:
    healthy = small_world.versions[~small_world.versions[f.TITLE].isin([fault.row for fault in small_world.faults])]

    assert (healthy[f.EMBEDDING].isna() == healthy[f.SYNOPSIS].isna()).all()


def test_a_few_embeddings_are_those_of_an_earlier_draft(small_world: World) -> None:
    faulty = [fault.row for fault in small_world.faults]
    healthy = small_world.versions[~small_world.versions[f.TITLE].isin(faulty)].dropna(subset=f.SYNOPSIS)
    is_stale = healthy[f.EMBEDDING] != healthy[f.SYNOPSIS].map(embed)

    texts = healthy.groupby(f.TITLE)[f.SYNOPSIS].nunique()
    last = is_stale.groupby(healthy[f.TITLE]).last()

    assert 0.08 < (texts == 2).mean() < 0.2
    assert texts.max() == 2
    assert set(healthy.loc[is_stale, f.TITLE]) <= set(texts.index[texts == 2])
    assert 0 < last.mean() < 0.05


@pytest.mark.parametrize("severity", [1, 2, 3])
def test_a_stale_embedding_contradicts_a_synopsis_that_is_right(small_world: World, severity: int) -> None:
    clean = small_world.versions.sort_values([f.TITLE, "observed_at"], ignore_index=True)
    title = int(clean[f.TITLE].iloc[-1])
    kind = next(kind for kind in KINDS if kind.name == "stale_embedding")

    broken = corrupt(small_world.config, clean, [Fault(title, kind, severity)])

    before, after = (table[table[f.TITLE] == title].iloc[-1] for table in (clean, broken))
    assert after[f.SYNOPSIS] == before[f.SYNOPSIS]
    assert np.abs(read_embedding(after[f.EMBEDDING]) - read_embedding(before[f.EMBEDDING])).sum() > 0.2 * severity


@pytest.mark.parametrize("name", ["synopsis_missing", "synopsis_language"])
@pytest.mark.parametrize("severity", [1, 2, 3])
def test_the_embedding_of_a_broken_synopsis_is_that_of_the_broken_text(
    small_world: World, name: str, severity: int
) -> None:
    clean = small_world.versions.sort_values([f.TITLE, "observed_at"], ignore_index=True)
    title = int(clean[f.TITLE].iloc[-1])
    kind = next(kind for kind in KINDS if kind.name == name)

    row = corrupt(small_world.config, clean, [Fault(title, kind, severity)])
    row = row[row[f.TITLE] == title].iloc[-1]

    if pd.isna(row[f.SYNOPSIS]):
        assert pd.isna(row[f.EMBEDDING])
    else:
        assert row[f.EMBEDDING] == embed(row[f.SYNOPSIS])


def test_artwork_has_a_quality_where_there_is_artwork(small_service: SimulationReport) -> None:
    catalogue = pd.read_csv(small_service.catalogue)
    general = catalogue[catalogue["market"].isna()]
    quality = general["artwork_quality"]

    assert quality.dropna().between(0.0, 1.0).all()
    assert 0.55 < quality.mean() < 0.75
    assert quality.std() > 0.1
    assert (quality.isna() == general["artwork_width"].isna()).mean() > 0.99


def test_the_catalogue_carries_embeddings_as_numbers(small_service: SimulationReport) -> None:
    texts = pd.read_csv(small_service.catalogue)["embedding"].dropna()

    assert len(texts) > 300
    assert all(len([float(part) for part in text.split("|")]) == N_TOPICS for text in texts.unique())
