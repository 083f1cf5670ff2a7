"""The page over the whole platform and its simulator, as `make run` starts them."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, Watched
from tests.browser.reading import legend
from tests.end_to_end.local_platform import running

BUSY_MS = 180_000
"""The past is still being loaded when the page opens, and takes the machine's time."""

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]


def test_a_newcomer_sees_a_simulated_market_move_and_its_past_signals(
    tmp_path: Path, open_page: Open, watched: Watched
) -> None:
    watched.failing = True  # a busy platform may answer 503, which the page has to outlive
    with running(tmp_path / "state", feed="sim", speed="1") as platform:
        page = open_page(platform.base)
        expect(page.locator("#stage")).to_have_attribute("data-state", "ready", timeout=BUSY_MS)
        expect(page.locator("#simulated")).to_be_visible()
        expect(page.locator("#clock-session")).to_have_text("Always open")
        expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=BUSY_MS)
        assert page.locator("#watch-rows [role=option]").count() >= 10

        before = legend(page)
        platform.wait_for(lambda: legend(page) != before, BUSY_MS / 1000, "to move the page's candle")

        page.get_by_role("radio", name="Market").click()
        signal = page.locator("#signals-rows button").first
        expect(signal).to_be_visible(timeout=BUSY_MS)
        signal.click()
        expect(page.locator("#stage")).to_have_attribute("data-state", "ready", timeout=BUSY_MS)
        expect(page.locator("#chart")).to_have_attribute("data-markers", re.compile("[1-9]"), timeout=BUSY_MS)
        page.close()
