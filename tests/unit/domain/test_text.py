import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsysops.domain.text import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A title", "A title"),
        ("  two\n\tlines\r\n", "two lines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("nul\x00", "nul\\x00"),
        ("Amélie – 天気の子 🎬", "Amélie – 天気の子 🎬"),
        ("family 👨‍👩‍👧", "family 👨‍👩‍👧"),
        ("", ""),
    ],
)
def test_text_is_shown_on_one_line_without_controls_and_otherwise_as_written(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efg", 6, "abcd…"),
        ("a" * 1_000_000, 5, "aaaa…"),
        ("a" + " " * 1000 + "b", 5, "a…"),
        ("abc", 1, "…"),
    ],
)
def test_a_cut_is_shown_and_counts(text: str, limit: int, shown: str) -> None:
    assert plain(text, limit) == shown


@given(st.text(), st.integers(1, 50))
def test_the_result_is_never_longer_than_its_limit_and_never_harmful(text: str, limit: int) -> None:
    shown = plain(text, limit)

    assert len(shown) <= limit
    assert "\n" not in shown
    assert not {"Cc", "Cs", "Zl", "Zp"} & {unicodedata.category(character) for character in shown}


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P", "Zs"])))
def test_ordinary_text_loses_nothing_but_surplus_space(text: str) -> None:
    assert plain(text) == " ".join(text.split())
