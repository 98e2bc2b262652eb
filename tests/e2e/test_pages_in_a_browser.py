"""Every page at every size of data and at two widths: its key texts, no exception, nothing beside the window."""

import pytest

pytestmark = pytest.mark.timeout(600)

PAGES = {
    "": {"empty": "Nothing has been judged yet", "filled": "60 upcoming titles", "large": "5,000 upcoming titles"},
    "title": {"empty": "No title is chosen", "filled": "No title is chosen", "large": "No title is chosen"},
    "title?title=t-0000&parts=true&whatif=true": {
        "empty": 'Title "t-0000" is not known', "filled": "Launch announced", "large": "1–25 of ",
    },
    "missing": {
        "empty": "Nothing has been checked yet", "filled": "required fields of upcoming", "large": "1–100 of ",
    },
    "issues": {"empty": "Nothing ran yet", "filled": "Issues, worst first", "large": "1–50 of "},
    "data": {"empty": "Nothing has come in yet", "filled": "Batch to decide on", "large": "1–20 of 3"},
    "model": {
        "empty": "Nothing that was predicted has launched", "filled": "Titles we were most wrong about",
        "large": "1–20 of ",
    },
    "board?page=2&market=us&within=within 7 days": {
        "empty": "Nothing has been judged yet", "filled": "upcoming titles", "large": "51–100 of ",
    },
}  # fmt: skip
"""Address of a page to a text that must stand there, by size of data: one that comes last."""


@pytest.mark.parametrize("size", ["empty", "filled", "large"])
@pytest.mark.parametrize("address", PAGES)
def test_a_page_shows_what_it_should(request, page, size, address):
    url = request.getfixturevalue(size)

    page.goto(f"{url}/{address}")
    page.get_by_text(PAGES[address][size]).first.wait_for()
    settled(page)

    assert page.locator('[data-testid="stException"]').count() == 0
    if "is not known" not in PAGES[address][size]:
        assert page.locator("text=This page cannot be shown").count() == 0
    for width in (1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        beside = page.evaluate("[...document.querySelectorAll('.stMain *')].filter(sticks_out).length"
                               .replace("sticks_out", STICKS_OUT))  # fmt: skip
        assert beside == 0, f"{beside} parts stand beside a window {width} wide"


STICKS_OUT = (
    "(part => part.matches('table, td, .rso-box, .rso-h1, canvas, button') "
    "&& part.getBoundingClientRect().right > window.innerWidth + 1)"
)


def settled(page) -> None:
    """Wait until Streamlit has nothing more to do."""
    page.locator('[data-testid="stStatusWidget"]').wait_for(state="detached")
    page.locator('[data-testid="stSpinner"]').wait_for(state="detached")


def test_pages_of_a_large_board_follow_each_other(large, page):
    page.goto(large)
    table = page.locator('table[aria-label^="Upcoming titles"]')
    table.wait_for()
    first = table.inner_text()

    page.locator(".rso-pager a", has_text="Next").click()
    page.get_by_text("51–100 of 5,000").wait_for()

    assert table.inner_text() != first
    assert "page=2" in page.url
