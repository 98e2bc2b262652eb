"""What is computed for very many titles at once equals what a plain loop over titles says."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from recsysops.model._baseline import comparable_quantiles
from recsysops.model._history import CellIndex
from recsysops.model._neighbours import Neighbours, Part, Pools, largest
from recsysops.model._parallel import each
from recsysops.model._past import Past, Rows
from recsysops.model._text import TextModel
from recsysops.model._values import Cleaner, clean_fields

DAY = 86_400_000_000
STEPS = 100_000


def texts(prefix, n):
    return np.array([f"{prefix}{at}" for at in range(n)], dtype=object)


def places(rng, n):
    return rng.choice(np.array(["US", "DE"], dtype=object), n), np.full(n, "home", dtype=object)


def make_past(rng, n):
    launch = np.sort(rng.integers(0, 500, n)) * DAY
    known = launch + rng.integers(1, 9, n) * DAY
    return Past(texts("t", n), *places(rng, n), launch, known, rng.normal(size=n), np.ones(n))


def make_rows(rng, n, cut):
    return Rows(texts("t", n), *places(rng, n), cut + DAY, cut, np.ones(n))


def make_vectors(rng, n, width=9):
    vectors = rng.integers(0, 3, (n, width)) * (rng.random((n, width)) < 0.4)  # many titles are equally alike
    return vectors / np.sqrt(np.maximum((vectors**2).sum(axis=1, keepdims=True), 1))


def slow_nearest(rows, at, vectors, past, past_vectors, k):
    """Rank the outcomes of one row's market and surface, one by one."""
    pool = np.flatnonzero((past.market == rows.market[at]) & (past.known <= rows.cut[at]))
    pool = pool[np.argsort(past.known[pool], kind="stable")][-3_000:]
    ranked = [
        (-round(float(vectors[at] @ past_vectors[other]) * STEPS), -order, other)
        for order, other in enumerate(pool)
        if past.title[other] != rows.title[at]
    ]
    return [other for _, _, other in sorted(ranked)[:k]]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n_past", [30, 4_000])
def test_the_nearest_titles_are_those_a_plain_loop_finds_with_and_without_a_part(n_past, threads, monkeypatch):
    monkeypatch.setattr("recsysops.model._neighbours._THREADED", 0)
    rng = np.random.default_rng(1)
    past = make_past(rng, n_past)
    rows = make_rows(rng, 40, rng.integers(0, 520, 40) * DAY)
    own, others = make_vectors(rng, 40), make_vectors(rng, n_past)

    found, without = Pools.of(past, others).nearest(rows, own, 12, [Part("x", 3, 6, 0.5)], threads)

    kept = [0, 1, 2, 6, 7, 8]
    for at in range(40):
        plain = slow_nearest(rows, at, own, past, others, 12)
        assert found.place[at].tolist() == plain + [-1] * (12 - len(plain))
        plain = slow_nearest(rows, at, own[:, kept] * 2, past, others[:, kept], 12)
        assert without.place[at].tolist() == plain + [-1] * (12 - len(plain))


@pytest.mark.parametrize(("n", "k"), [(5, 5), (60, 7), (999, 20), (2_500, 25), (1_001, 25)])
def test_the_largest_numbers_are_those_a_sort_puts_first(n, k):
    rng = np.random.default_rng(n)
    values = np.array([rng.permutation(3 * n)[:n] for _ in range(50)], dtype=np.int32)
    values[:25][rng.random((25, n)) < 0.97] = np.iinfo(np.int32).min
    values[25:30] = np.sort(values[25:30], axis=1)

    found = largest(values, k)

    np.testing.assert_array_equal(found, np.sort(values, axis=1)[:, ::-1][:, :k])


def test_texts_are_read_as_the_library_that_taught_the_words_reads_them():
    rng = np.random.default_rng(2)
    words = ["ab", "Été", "x", "über-mann", "ΣΑΣ", "o'neil", "a_b", "42", "İstanbul", "tab\x1fbed", "日本語", "."]
    given = [" ".join(rng.choice(words, rng.integers(0, 9))) for _ in range(80)] + ["", "ΣΑΣ"]
    model = TextModel.fit(given, 4, 1)
    counts = CountVectorizer(vocabulary=list(model.words)).transform(given).toarray()

    found = model.vectors(given)

    weights = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0.0) * model.idf
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    np.testing.assert_allclose(found, weights @ model.components.T / np.where(lengths > 0, lengths, 1), atol=1e-12)
    assert len(model.words) > 8
    assert np.abs(found).sum() > 1


VALUES = (
    "short", " short ", "short", "x" * 50, "", "  ", "2026-01-01", "[1.5, 2, 3, 4]", "1 2 3 4.0",
    ["b", "a", "a"], ["b", "a", "a"], ["1", "2", "3", "4"], ["1", 2, 3, 4], ["1", True, 3, 4], ["a", None],
    ["a", ["b"]], ["0.5", "2", "3", "4"], [1, 2.5, 3, 4], [True, 2.5, 3, 4], [], ("b", "a"), {"b", "a"},
    np.array([1.5, 2, 3, 4]),
    ["a", 1], ["a", True], ["a", 1.0], 3, 3.0, True, np.float64(2.5), float("nan"), None, b"bytes", {"a": 1},
)  # fmt: skip


@pytest.mark.parametrize("embeddings", [frozenset(), frozenset({"field"})])
def test_values_met_before_are_cleaned_as_if_they_were_met_for_the_first_time(embeddings):
    ignored = frozenset({"secret"})
    cleaner = Cleaner(ignored, embeddings)

    for value in (*VALUES, *reversed(VALUES)):
        given = {"field": value, "other": value, "secret": value}
        assert cleaner.fields(given) == clean_fields(given, ignored, embeddings)
    assert cleaner.fields("no mapping") == {}


def test_rows_that_share_a_group_of_recent_titles_get_the_quantiles_each_would_get_alone():
    rng = np.random.default_rng(3)
    past = make_past(rng, 700)
    past.y[::7] = past.y[0]  # ties
    rows = make_rows(rng, 300, np.full(300, 510 * DAY))
    place = np.array([rng.permutation(700)[:20] for _ in range(300)])
    place[5, 3:], place[6, 12:] = -1, -1
    near = Neighbours(place, np.where(place >= 0, rng.random((300, 20)), np.nan))
    cells = CellIndex.of(past)

    together = comparable_quantiles(rows, near, past, cells)

    for at in range(300):
        one = np.array([at])
        alone = comparable_quantiles(rows.take(one), Neighbours(place[one], near.distance[one]), past, cells)
        np.testing.assert_array_equal(together[one], alone)
    assert np.isnan(together[5]).all()
    assert np.isfinite(np.delete(together, 5, axis=0)).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_every_piece_of_work_is_done_once_and_what_goes_wrong_is_told(threads):
    done = []

    each(done.append, range(50), threads)

    assert sorted(done) == list(range(50))
    with pytest.raises(ZeroDivisionError):
        each(lambda piece: done.append(1 / piece), [2, 0], threads)
