"""When there is nothing to show, or something is wrong: what the page says, and how it comes out of it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Watched
from tests.browser.platform import KEY, FakePlatform

BARS = "/v2/aggs/"


@pytest.fixture
def guarded() -> Iterator[FakePlatform]:
    """A platform that does not tell its key, as on AWS."""
    fake = FakePlatform(local_key=False, simulated=False)
    fake.start()
    yield fake
    fake.stop()


def test_a_symbol_that_never_traded_is_said_to_be_empty(live: Page) -> None:
    live.locator("#row-ZULU").click()
    expect(live.locator("#stage")).to_have_attribute("data-state", "empty")
    expect(live.locator("#message-title")).to_have_text("No bars of ZULU")
    expect(live.locator("#message-retry")).to_be_hidden()
    live.locator("#row-ALFA").click()
    expect(live.locator("#stage")).to_have_attribute("data-state", "ready")
    expect(live.locator("#message")).to_be_hidden()


def test_a_failed_reading_says_why_and_can_be_tried_again(live: Page, platform: FakePlatform, watched: Watched) -> None:
    watched.failing = True
    platform.failing[BARS] = 500
    live.locator("#row-BRVO").click()
    expect(live.locator("#stage")).to_have_attribute("data-state", "error")
    expect(live.locator("#message-title")).to_have_text("The bars of BRVO could not be read")
    expect(live.locator("#message-text")).to_have_text("Something went wrong on our side")
    platform.failing.clear()
    live.get_by_role("button", name="Try again").click()
    expect(live.locator("#stage")).to_have_attribute("data-state", "ready")
    expect(live.locator("#title-symbol")).to_have_text("BRVO")


def test_while_bars_are_read_a_skeleton_stands_for_them(live: Page, platform: FakePlatform) -> None:
    platform.hold(BARS)
    live.locator("#row-ECHO").click()
    expect(live.locator("#stage")).to_have_attribute("data-state", "loading")
    expect(live.locator("#skeleton")).to_be_visible()
    platform.release()
    expect(live.locator("#stage")).to_have_attribute("data-state", "ready")
    expect(live.locator("#skeleton")).to_be_hidden()


def test_without_push_prices_are_read_every_few_seconds(live: Page, platform: FakePlatform, watched: Watched) -> None:
    watched.failing = True
    platform.stop_push()
    expect(live.locator("#connection")).to_have_text("Disconnected")
    before = live.locator("#title-price").inner_text()
    platform.advance(37)
    expect(live.locator("#title-price")).not_to_have_text(before)
    expect(live.locator("#stage")).to_have_attribute("data-state", "ready")


def test_health_that_does_not_answer_is_shown(live: Page, platform: FakePlatform, watched: Watched) -> None:
    watched.failing = True
    platform.failing["/v1/health"] = 503
    expect(live.locator("#health-button")).to_have_attribute("data-level", "bad")
    platform.failing.clear()
    expect(live.locator("#health-button")).to_have_attribute("data-level", "ok")


def test_where_health_tells_no_key_people_are_asked_for_one(
    open_page: Open, guarded: FakePlatform, watched: Watched
) -> None:
    watched.failing = True
    page = open_page(guarded.base)
    dialog = page.locator("#key-dialog")
    expect(dialog).to_be_visible()
    page.get_by_label("Key", exact=True).fill("cv_wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-error")).to_have_text("Unknown API Key")
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_role("button", name="Use this key").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#stage")).to_have_attribute("data-state", "ready")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("#simulated")).to_be_hidden()
    assert page.evaluate("[Object.values({...sessionStorage}), Object.values({...localStorage}), document.cookie]") == [
        [KEY],
        [],
        "",
    ]
    page.reload()
    expect(page.locator("#stage")).to_have_attribute("data-state", "ready")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Forget the key").click()
    expect(dialog).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_key_that_is_revoked_is_asked_for_again(open_page: Open, guarded: FakePlatform, watched: Watched) -> None:
    watched.failing = True
    page = open_page(guarded.base)
    page.get_by_label("Key", exact=True).fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator("#stage")).to_have_attribute("data-state", "ready")
    guarded.failing[BARS] = 401
    page.keyboard.press("2")
    expect(page.locator("#key-dialog")).to_be_visible()
    expect(page.locator("#key-error")).to_have_text("Something went wrong on our side")
    guarded.failing.clear()
    page.get_by_label("Key", exact=True).fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator("#key-dialog")).to_be_hidden()
    expect(page.locator("#stage")).to_have_attribute("data-state", "ready")
