"""What people do with the dashboard: open a title, filter, share, download, decide."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(600)

BOARD = 'table[aria-label^="Upcoming titles"]'


def rows(page) -> list[str]:
    page.wait_for_selector(f"{BOARD} tbody tr")
    return page.locator(f"{BOARD} tbody tr").all_inner_texts()


def test_the_board_shows_titles_and_a_row_opens_its_title(filled, page):
    page.goto(filled)
    shown = rows(page)

    page.locator(f"{BOARD} a").first.click()
    page.wait_for_selector("text=Where and when")

    assert len(shown) == 50
    assert "Failing" in shown[0]
    assert "/title?title=t-" in page.url
    assert page.locator(".rso-h1").inner_text() in shown[0]
    page.wait_for_selector('table[aria-label="Every check of this title"]')
    page.wait_for_selector("canvas, svg.marks")


def test_a_filter_changes_address_and_rows_and_the_address_gives_the_same_view(filled, page):
    page.goto(filled)
    before = rows(page)

    page.get_by_label("Title", exact=True).fill("Harbour")
    page.get_by_label("Title", exact=True).press("Enter")
    page.wait_for_url("**/?text=Harbour*")
    page.wait_for_function("document.querySelectorAll('table.rso tbody tr').length < 50")
    page.locator(".rso-tile", has_text="Failing").click()
    page.wait_for_selector('.rso-tile[aria-current="true"]')
    after = rows(page)
    shared = page.url
    page.goto("about:blank")
    page.goto(shared)
    again = rows(page)

    assert "text=Harbour" in shared
    assert "status=failing" in shared
    assert again == after
    assert 0 < len(after) < len(before)
    assert all("Harbour" in row and "Failing" in row for row in after)


def test_hostile_names_are_shown_as_text(filled, page):
    page.goto(filled)

    shown = rows(page)

    assert "<img src=http://example.com/x.png" in shown[0]
    assert page.locator("table.rso img").count() == 0


def test_missing_fields_are_downloaded_for_one_provider(filled, page):
    page.goto(f"{filled}/missing")
    page.wait_for_selector('table[aria-label^="Missing fields"]')

    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()

    body = Path(download.value.path()).read_text(encoding="utf-8")
    assert download.value.suggested_filename == "missing-fields.csv"
    assert body.startswith("provider,title_id,name,field")
    assert "team-trailer" in body


def test_a_prediction_is_taken_apart_when_asked_and_the_address_remembers(filled, page):
    page.goto(f"{filled}/title?title=t-0001")
    page.wait_for_selector("text=Which fields raised the prediction")
    assert page.locator('table[aria-label^="What raised"]').count() == 0

    page.get_by_text("Take the prediction apart").click()
    page.wait_for_selector('table[aria-label^="What raised"]')

    assert "parts=true" in page.url
    assert "lowers it much" in page.locator('table[aria-label^="What raised"]').inner_text()


def test_the_timeline_is_filtered_by_kind(filled, page):
    page.goto(f"{filled}/title?title=t-0000")
    story = page.locator('table[aria-label^="What changed"]')
    story.wait_for()
    assert "Release 40 of the ranker." in story.inner_text()

    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**changed=Launch*")
    page.wait_for_function(
        "!document.querySelector('table[aria-label^=\"What changed\"]').innerText.includes('Release 40')"
    )

    assert "Launch announced" in story.inner_text()


def test_kept_out_rows_of_one_batch_are_downloaded(filled, page):
    page.goto(f"{filled}/data?table=Titles")
    page.wait_for_selector('table[aria-label^="Published batches"]')

    page.locator('table[aria-label^="Published batches"] a').first.click()
    page.wait_for_selector("text=Of batch sample-0")
    page.wait_for_selector('table[aria-label^="Rows that were kept out"]')
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()

    body = Path(download.value.path()).read_text(encoding="utf-8")
    assert "batch=sample-0" in page.url
    assert len(body.splitlines()) == 7
    assert "\n=" not in body
    assert "'=1+1" in body


def test_a_held_batch_is_decided_on_with_name_and_reason(filled, page):
    page.goto(f"{filled}/data")
    page.get_by_role("button", name="Release").click()
    page.wait_for_selector("text=Nothing was decided")

    page.get_by_label("Your name").fill("Ada <b>")
    page.get_by_label("Reason").fill("The source was cleaned up.")
    page.get_by_label("Reason").press("Tab")
    page.get_by_role("button", name="Release").click()
    page.wait_for_selector("text=held-0 is released.")

    held = page.locator('table[aria-label^="Batches that were held"]').inner_text()
    assert "released by Ada <b>: The source was cleaned up." in held
    assert "1 batch is held and not published" in page.locator('[role="status"]').first.inner_text()


def test_issues_are_filtered_and_the_address_gives_the_same_view(filled, page):
    page.goto(f"{filled}/issues")
    table = page.locator('table[aria-label^="Issues, worst first"]')
    table.wait_for()

    page.get_by_label("About").fill("t-0003")
    page.get_by_label("About").press("Enter")
    page.wait_for_url("**about=t-0003*")
    page.wait_for_function("document.querySelector('table[aria-label^=\"Issues\"]').rows.length < 20")
    after, shared = table.inner_text(), page.url
    page.goto("about:blank")
    page.goto(shared)
    table.wait_for()

    assert "Trailer is missing" in after
    assert table.inner_text() == after
