"""The address of the page shown: it holds every filter and page number, so that a view can be shared."""

from collections.abc import Callable, Sized
from typing import TypeVar

import streamlit as st

PAGE = "page"
Found = TypeVar("Found")


def address_now() -> dict[str, list[str]]:
    """Return every parameter of the address."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def page_number(name: str = PAGE) -> int:
    """Return the page the address asks for, from 0; what is no number asks for the first."""
    given = st.query_params.get(name, "1")
    return max(int(given) - 1, 0) if given.isascii() and given.isdigit() and len(given) < 6 else 0


def turn_to(fetch: Callable[[int], Found], rows: Callable[[Found], Sized], name: str = PAGE) -> tuple[int, Found]:
    """Return the page the address asks for and its number; the first where it lies beyond the end.

    Args:
        fetch: Returns a page by its number, from 0.
        rows: Returns what a page shows.
        name: Of the page number in the address.
    """
    page = page_number(name)
    found = fetch(page)
    return (0, fetch(0)) if page and not rows(found) else (page, found)


def first_page(*names: str) -> None:
    """Go back to the first page: another filter has another one."""
    for name in names or (PAGE,):
        st.query_params.pop(name, None)
