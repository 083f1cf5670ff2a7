"""Looking back: older pages down to the first bar, and every timeframe cut at the same windows as REST cuts them."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.platform import FakePlatform
from tests.browser.reading import at_rest, data, expected, readings, rows, wrong_second

WIDTHS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14_400}


def test_scrolling_back_reaches_the_first_bar_and_stops_there(live: Page, platform: FakePlatform) -> None:
    at_rest(live, platform)
    box = live.locator("#chart").bounding_box()
    assert box is not None
    live.mouse.move(box["x"] + 200, box["y"] + 200)
    for _ in range(40):
        if live.locator("#history").inner_text():
            break
        live.mouse.wheel(-6000, 0)
        live.wait_for_timeout(60)
    expect(live.locator("#history")).to_have_text("First bar: Mar 4, 04:00")
    assert data(live, "first") == str(platform.first * 1000)
    assert int(data(live, "bars")) == (platform.clock - platform.first) // 60 + 1, "each minute once"
    pages = readings(platform)
    live.mouse.wheel(-6000, 0)
    live.wait_for_timeout(300)
    assert readings(platform) == pages
    live.locator("#table-button").click()
    first = rows(live)[:60]
    assert first == expected("ALFA", platform.first, platform.first + 3600, 60)
    live.locator("#table-button").click()
    live.locator("#latest").click()
    expect(live.locator("#latest")).to_be_hidden()


@pytest.mark.parametrize("frame", ["5m", "1h", "4h"])
def test_a_timeframe_shows_the_windows_of_rest_and_settles_the_forming_one(
    live: Page, platform: FakePlatform, frame: str
) -> None:
    width = WIDTHS[frame]
    at_rest(live, platform)
    live.get_by_role("radio", name=frame, exact=True).click()
    expect(live.locator("#stage")).to_have_attribute("data-state", "ready")
    live.locator("#table-button").click()
    platform.push(wrong_second(platform))
    expect(live.locator("#legend [data-field=h]")).to_have_text("999.00")
    platform.advance(65)
    shown = expected("ALFA", max(platform.first, platform.clock - 12 * width), platform.clock, width)
    expect(live.locator(f"#table tr[data-t='{shown[-1][0]}000'] td").nth(1)).to_have_text(shown[-1][2])
    assert rows(live)[-len(shown) + 1 :] == shown[1:]
    assert live.url.endswith(f"#ALFA/{frame}")


def test_symbol_and_timeframe_come_back_after_a_reload(live: Page) -> None:
    live.locator("#row-FXTR\\.B").click()
    live.keyboard.press("3")
    expect(live.get_by_role("radio", name="15m", exact=True)).to_have_attribute("aria-checked", "true")
    live.reload()
    expect(live.locator("#title-symbol")).to_have_text("FXTR.B")
    expect(live.get_by_role("radio", name="15m", exact=True)).to_have_attribute("aria-checked", "true")


def test_the_axis_is_cut_at_new_york_days_on_both_sides_of_a_clock_change(live: Page) -> None:
    """2026-03-08 07:00 UTC: New York goes from UTC-5 to UTC-4."""
    offsets, sessions = live.evaluate(
        """async () => {
             const {offsetSeconds, sessionAt} = await import("/dashboard/new_york.js");
             const change = Date.UTC(2026, 2, 8, 7) / 1000;
             return [[change - 1, change].map(offsetSeconds),
               ["2026-03-06T14:29:59Z", "2026-03-06T14:30:00Z", "2026-03-09T13:29:59Z", "2026-03-09T13:30:00Z",
                "2026-03-07T15:00:00Z", "2026-03-09T20:00:00Z", "2026-03-10T00:00:00Z"]
                 .map((text) => sessionAt(Date.parse(text)))];
           }"""
    )
    assert offsets == [-18_000, -14_400]
    assert sessions == ["Pre-market", "Regular hours", "Pre-market", "Regular hours", "Closed", "After hours", "Closed"]
