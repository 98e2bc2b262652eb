"""Which metadata a recommender is asked to do without."""

import math

from recsysops.domain.dropping import Dealer, fields_that_matter, is_sampled, is_there

TITLES = [f"t{i}" for i in range(2000)]


def test_the_sample_is_a_share_of_the_titles_and_the_same_one_in_any_order():
    sampled = is_sampled(TITLES, 0.25)

    assert 0.2 < sampled.mean() < 0.3
    assert is_sampled(TITLES[::-1], 0.25).tolist() == sampled.tolist()[::-1]
    assert (is_sampled(TITLES, 0.5) | ~sampled).all()
    assert not is_sampled(TITLES, 0).any()
    assert is_sampled(TITLES, 1).all()
    assert is_sampled([], 0.5).tolist() == []


def test_what_says_nothing_is_not_there():
    assert [value for value in (None, math.nan, "", " ", [], ()) if is_there(value)] == []
    assert [value for value in (0, 0.0, False, "x", ["a"]) if not is_there(value)] == []


def test_fields_that_matter_are_usual_and_required_or_missing_somewhere():
    titles = [{"always": 1, "synopsis": "s", "genres": ["g"], "odd": 1}] + [{"always": 1, "synopsis": "s"}] * 3
    titles += [{"always": 1, "genres": ["g"], "noise": 1, "synopsis": "s"}] * 4

    found = fields_that_matter(titles, required=("synopsis", "nowhere"), ignored=("noise",))

    assert found == ("synopsis", "genres")


def test_where_no_field_is_required_or_missing_all_usual_ones_are_asked_about():
    assert fields_that_matter([{"a": 1, "b": 2}] * 3, required=()) == ("a", "b")
    assert fields_that_matter([], required=("a",)) == ()


def test_of_too_many_fields_the_required_and_the_ones_missing_most_are_kept():
    titles = [{f"f{i:02}": 1 for i in range(40) if i != at} for at in range(40)]
    titles += [{f"f{i:02}": 1 for i in range(40) if i != 7}]

    found = fields_that_matter(titles, required=("f33",))

    assert len(found) == 24
    assert found[:2] == ("f33", "f07")


def test_fields_are_dealt_evenly_two_to_a_title_and_only_where_they_are_there():
    dealer = Dealer(("a", "b", "c", "d"), {"a": 20})

    dealt = [dealer.of(title, {"a", "b", "c"} if title != "t0" else {"a"}) for title in TITLES[:90]]

    assert dealt[0] == ("a",)
    assert all(len(set(fields)) == 2 for fields in dealt[1:])
    count = {name: sum(name in fields for fields in dealt) for name in "abcd"}
    assert count["d"] == 0
    totals = [count["a"] + 20, count["b"], count["c"]]
    assert max(totals) - min(totals) <= 1


def test_a_title_keeps_its_fields_but_for_one_that_is_not_there():
    dealer = Dealer(("a", "b", "c"), {})

    first = dealer.of("t", {"a", "b", "c"})
    dealer.of("u", {"a", "b", "c"})

    assert dealer.of("t", {"a", "b", "c"}) == first == ("a", "b")
    assert dealer.of("t", {"b", "c"}) == ("b",)
