import string

from hypothesis import given
from hypothesis import strategies as st

from recsysops.domain.finding import finding_key

PARTS = ("expectation_gap", "under", "t1", "de", "home", "reach")
six_texts = st.tuples(*[st.text(max_size=8)] * 6)


def test_a_key_is_32_hexadecimal_characters_and_always_the_same() -> None:
    key = finding_key(*PARTS)

    assert len(key) == 32
    assert set(key) <= set(string.hexdigits.lower())
    assert key == finding_key(*PARTS)


def test_a_key_never_changes_between_releases_since_issues_are_followed_by_it() -> None:
    assert finding_key("d", "r", "t", "m", "s", "f") == "8ee87aeb65bc3b89ac3162e69598380d"


def test_every_part_of_a_key_counts() -> None:
    keys = {finding_key(*PARTS)}

    for place in range(len(PARTS)):
        keys.add(finding_key(*PARTS[:place], "other", *PARTS[place + 1 :]))

    assert len(keys) == 7


@given(six_texts, six_texts)
def test_two_findings_share_a_key_only_when_they_share_every_part(
    first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    assert (finding_key(*first) == finding_key(*second)) == (first == second)


def test_moving_a_character_from_one_part_to_the_next_gives_another_key() -> None:
    assert finding_key("a", "bc", "", "", "", "") != finding_key("ab", "c", "", "", "", "")
    assert finding_key("a", "1:b", "", "", "", "") != finding_key("a1:b", "", "", "", "", "")
