"""Alerts on the page: added, changed, removed, and told of."""

from playwright.sync_api import Page, expect

from shared.models.alert import Crossing, PriceCross
from tests.browser.conftest import Watched
from tests.browser.platform import START, FakePlatform
from tests.unit.serving_layer.alerts.client import NOW_MS

OWNER = "0123456789ab"


def test_an_alert_is_added_changed_and_removed(live: Page, platform: FakePlatform, watched: Watched) -> None:
    live.get_by_role("button", name="Alerts").click()
    expect(live.locator("#alert-symbol")).to_have_value("ALFA")
    level = live.locator("#alert-level")
    level.fill("190.5")
    live.locator("#alert-direction").select_option("up")
    live.locator("#alert-note").fill("<b>breakout</b>")
    level.press("Enter")
    row = live.locator("#alert-rows li")
    expect(row).to_contain_text("ALFA rises to 190.50")
    expect(row).to_contain_text("<b>breakout</b>")
    (held,) = platform.alerts.rows.rows.values()
    assert (held.rule.when, held.rule.repeat) == (PriceCross("190.5", "up"), "once")
    row.get_by_role("button", name="Change").click()
    level.fill("191")
    live.locator("#alert-repeat").select_option("every")
    live.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("ALFA rises to 191.00")
    expect(row).to_contain_text("every time")
    watched.failing = True
    level.fill("a lot")
    live.locator("#alert-save").click()
    expect(live.locator("#alerts-error")).to_contain_text("The field 'level' must be a number")
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    expect(live.locator("#alerts-error")).to_have_text("")


def test_a_fired_alert_counts_on_the_button_until_it_is_looked_at(live: Page, platform: FakePlatform) -> None:
    t = START * 1000
    crossing = Crossing(f"{1:024x}", "r", 1, OWNER, "ALFA", "price", "up", "190.51", t, "breakout")
    platform.alerts.rows.put_crossing(crossing, NOW_MS)
    event = {"ev": "AL", "sym": "ALFA", "id": crossing.id, "alert": "r", "version": 1, "type": "price"}
    event |= {"direction": "up", "value": "190.51", "t": t, "note": "breakout", "k": NOW_MS}
    for _ in range(2):
        platform.push(event)
    expect(live.locator("#alerts-news")).to_have_text("1")
    live.get_by_role("button", name="Alerts").click()
    expect(live.locator("#alerts-news")).to_be_hidden()
    fired = live.locator("#fired-rows li")
    expect(fired).to_have_count(1)
    expect(fired).to_contain_text("ALFA up 190.51")
    expect(fired).to_contain_text("breakout")
