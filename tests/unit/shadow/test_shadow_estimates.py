"""Stratified estimates and their standard error, thresholds, quantiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsysops.domain.shadow import MIN_PER_STRATUM, MemberSample, allocate
from recsysops.shadow._estimate import Weights, weighted_quantiles
from recsysops.shadow._thresholds import rank_grid


def drawn(rng, sizes, shares, probabilities, n):
    """Draw a sample from a made population, and its answers; the truth is of that population."""
    stratum, answers, truth = [], [], 0.0
    for h, (size, share, p) in enumerate(zip(sizes, shares, probabilities, strict=True)):
        people = rng.random(size) < p
        truth += share * people.mean()
        taken = min(size, max(2, round(n * share)))
        stratum += [h] * taken
        answers += list(rng.choice(people, taken, replace=False))
    members = tuple(map(str, range(len(stratum))))
    sample = MemberSample(members=members, stratum=np.array(stratum), shares=np.array(shares), sizes=np.array(sizes))
    return sample, np.array(answers, dtype=float)[:, None], truth


def test_the_standard_error_is_that_of_repeated_sampling():
    rng = np.random.default_rng(3)
    sizes, shares, probabilities = (3000, 800), (0.6, 0.4), (0.05, 0.4)
    errors, said = [], []
    for _ in range(600):
        sample, answers, truth = drawn(rng, sizes, shares, probabilities, 400)
        weights = Weights.of(sample, np.ones(len(answers), dtype=bool))
        sums = weights.sums(answers, np.arange(len(answers)))
        errors.append(weights.mean(sums)[0] - truth)
        said.append(weights.standard_error(sums)[0])

    assert np.mean(errors) == pytest.approx(0, abs=0.002)
    assert np.mean(said) == pytest.approx(np.std(errors), rel=0.1)


def test_where_all_members_were_asked_sampling_moves_nothing():
    sample, answers, truth = drawn(np.random.default_rng(1), (50, 30), (0.5, 0.5), (0.3, 0.3), 1000)
    weights = Weights.of(sample, np.ones(80, dtype=bool))
    sums = weights.sums(answers, np.arange(80))

    assert weights.mean(sums)[0] == pytest.approx(truth)
    assert weights.standard_error(sums)[0] == 0


@pytest.mark.parametrize(("reach", "members"), [(0.01, 9_900), (0.05, 1_900), (0.2, 400)])
def test_members_needed_for_a_tenth_of_relative_error_are_those_of_the_table(reach, members):
    sample = MemberSample(
        members=tuple(map(str, range(members))), stratum=np.zeros(members, dtype=int), shares=np.array([1.0]),
        sizes=np.array([10**9]),
    )  # fmt: skip
    weights = Weights.of(sample, np.ones(members, dtype=bool))

    error = weights.standard_error(np.array([[reach * members]]))[0]

    assert error / reach == pytest.approx(0.1, rel=0.02)


def test_a_stratum_without_an_answer_is_left_out_of_the_whole():
    sample = MemberSample(
        members=("a", "b", "x"), stratum=np.array([0, 0, 1]), shares=np.array([0.5, 0.5]), sizes=np.array([10, 10])
    )

    weights = Weights.of(sample, np.array([True, True, False]))

    assert weights.member.tolist() == [0.5, 0.5, 0]
    assert weights.mean(weights.sums(np.array([[1.0], [0.0]]), np.array([0, 1])))[0] == 0.5


def test_nobody_answered_is_nothing():
    sample = MemberSample(members=("a",), stratum=np.array([0]), shares=np.array([1.0]), sizes=np.array([1]))

    assert Weights.of(sample, np.array([False])).member.tolist() == [0]


def test_weighted_quantiles_of_equal_weights_are_the_plain_ones():
    values = np.random.default_rng(2).random((101, 3))

    found = weighted_quantiles(values, np.full(101, 1 / 101), (0.1, 0.5, 0.9))

    assert found == pytest.approx(np.quantile(values, (0.1, 0.5, 0.9), axis=0, method="inverted_cdf"))


def test_missing_values_do_not_count_in_quantiles():
    values = np.array([[np.nan, np.nan], [1.0, np.nan], [3.0, np.nan]])

    found = weighted_quantiles(values, np.array([0.8, 0.1, 0.1]), (0.5, 0.9))

    assert found[:, 0].tolist() == [1, 3]
    assert np.isnan(found[:, 1]).all()


def test_ranks_are_exact_to_the_last_slot_and_end_at_the_last_title():
    ranks = rank_grid(10_000, 10)

    assert ranks[:10].tolist() == list(range(1, 11))
    assert ranks[-1] == 10_000
    assert (np.diff(ranks) > 0).all()
    assert len(ranks) <= 40
    assert rank_grid(4, 10).tolist() == list(range(1, 11))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 90)), min_size=1, max_size=30),
    st.integers(50, 20_000),
)
def test_no_stratum_gives_more_than_it_has_nor_all_more_than_was_wanted(strata, n):
    sizes, days = (np.array(values) for values in zip(*strata, strict=True))

    taken = allocate(sizes, days, n)

    assert (taken <= sizes).all()
    assert (taken >= np.minimum(sizes, MIN_PER_STRATUM)).all()
    assert taken.sum() <= max(n, 0) + MIN_PER_STRATUM * len(sizes)
    assert taken.sum() >= min(sizes.sum(), n - len(sizes))
