"""What a newcomer sees: the parts of the page, its two themes, its three widths, its keyboard."""

import json
import re

from playwright.sync_api import Page, expect

from tests.browser import market
from tests.browser.conftest import Open, Watched
from tests.browser.platform import DASHBOARD, FakePlatform

CONTRAST = """([surface, text]) => {
  const light = (name) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    probe.remove();
    const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [light(surface), light(text)].sort((one, other) => one - other);
  return (high + 0.05) / (low + 0.05);
}"""
TEXTS = ("--text", "--muted", "--up", "--down", "--accent", "--buy", "--sell")


def test_first_paint_shows_candles_prices_signals_and_that_they_are_simulated(
    live: Page, platform: FakePlatform
) -> None:
    expect(live.locator("#simulated")).to_be_visible()
    expect(live.locator("#watch-rows [role=option]")).to_have_count(len(market.SYMBOLS) + 1)
    expect(live.locator("#title-symbol")).to_have_text("ALFA")
    expect(live.locator("#clock-time")).to_have_text("10:00:29")
    expect(live.locator("#clock-session")).to_have_text("Always open")
    expect(live.locator("#chart")).to_have_attribute("data-last", str((platform.clock - 30) * 1000))
    expect(live.locator("#chart")).to_have_attribute("data-markers", "4")
    expect(live.locator("#signals-rows li")).to_have_count(5)
    expect(live.locator("#health-button")).to_have_attribute("data-level", "ok")
    painted = live.locator("#chart canvas").evaluate_all(
        """(all) => all.some((one) => {
             const {data} = one.getContext("2d").getImageData(0, 0, one.width, one.height);
             return data.some((value, index) => index % 4 === 1 && value > data[index - 1] + 60);
           })"""
    )
    assert painted, "no green pixel: no rising candle was drawn"


def test_without_an_address_it_opens_the_first_symbol_in_five_minutes(open_page: Open, platform: FakePlatform) -> None:
    page = open_page(platform.base, "/#%E0%A4%A/nonsense")
    expect(page.locator("#title-symbol")).to_have_text("ALFA")
    expect(page.get_by_role("radio", name="5m", exact=True)).to_have_attribute("aria-checked", "true")
    expect(page.locator("#stage")).to_have_attribute("data-state", "ready")


def test_the_page_is_served_with_a_policy_that_names_no_other_host_and_no_inline_code(
    live: Page, watched: Watched
) -> None:
    policy = json.loads((DASHBOARD / "headers.json").read_text())["Content-Security-Policy"]
    sources = {name: values.split() for name, _, values in (part.strip().partition(" ") for part in policy.split(";"))}
    assert sources["default-src"] == ["'none'"]
    assert {value for values in sources.values() for value in values} <= {"'none'", "'self'", "data:"}
    html = (DASHBOARD / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)
    # and the browser enforces it
    live.evaluate("document.body.appendChild(document.createElement('script')).textContent = 'document.title = 1'")
    expect(live.locator("#stage")).to_be_visible()
    assert live.title() != "1"
    assert len(blocked := watched.errors) == 2, blocked  # the browser's own line, and the event that tests listen for
    assert all("script-src" in line for line in blocked)
    watched.errors.clear()


def test_every_text_can_be_read_in_both_themes(live: Page) -> None:
    pairs = [(surface, text) for surface in ("--panel", "--raised", "--hover", "--chosen") for text in TEXTS]
    pairs += [("--page", "--text"), ("--page", "--muted"), ("--warn-wash", "--warn"), ("--warn-wash", "--text")]
    for theme in ("dark", "light"):
        live.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        ratios = {pair: live.evaluate(CONTRAST, list(pair)) for pair in pairs}
        assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < 4.5} == {}, theme


def test_the_theme_follows_the_system_until_one_is_chosen_and_is_remembered(
    open_page: Open, platform: FakePlatform
) -> None:
    page = open_page(platform.base, color_scheme="dark")
    expect(page.locator("#stage")).to_have_attribute("data-state", "ready")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    assert dark != light
    page.keyboard.press("t")  # auto -> dark
    expect(page.locator("#theme-button")).to_have_text("Dark")
    assert page.evaluate(background) == dark
    page.reload()
    expect(page.locator("#theme-button")).to_have_text("Dark")
    assert page.evaluate(background) == dark


def test_nothing_is_cut_off_at_any_width(live: Page) -> None:
    for width in (1440, 1024, 390):
        live.set_viewport_size({"width": width, "height": 844})
        assert live.evaluate("document.documentElement.scrollWidth") <= width
        for name in ("#watch-rows", "#chart", "#frames", "#health-button", "#connection", "#simulated", "#clock-time"):
            box = live.locator(name).bounding_box()
            assert box is not None, (width, name)
            assert box["x"] >= 0, (width, name)
            assert box["x"] + box["width"] <= width, (width, name)
        chart = live.locator("#chart").bounding_box()
        assert chart is not None
        assert chart["height"] > 300, width


def test_the_keyboard_moves_selects_filters_and_switches(live: Page) -> None:
    live.keyboard.press("ArrowDown")
    live.keyboard.press("ArrowDown")
    live.keyboard.press("Enter")
    expect(live.locator("#title-symbol")).to_have_text("CHRL")
    live.keyboard.press("2")
    expect(live.get_by_role("radio", name="5m", exact=True)).to_have_attribute("aria-checked", "true")
    live.keyboard.press("/")
    live.keyboard.type("fx1t")  # in the filter, 1 and t are letters
    expect(live.locator("#watch-note")).to_have_text("No symbol matches")
    live.keyboard.press("Escape")
    live.keyboard.press("/")
    live.keyboard.type("fx")
    expect(live.locator("#watch-rows [role=option]")).to_have_count(1)
    live.keyboard.press("Enter")
    expect(live.locator("#title-symbol")).to_have_text("FXTR.B")
    live.keyboard.press("?")
    expect(live.locator("#help")).to_be_visible()
    live.keyboard.press("Escape")
    expect(live.locator("#help")).to_be_hidden()


def test_the_watch_list_can_be_ordered_by_change(live: Page) -> None:
    live.get_by_role("button", name="Day").click()
    texts = live.locator(".row-change").all_text_contents()
    changes = [float(text.replace("−", "-").rstrip("%")) for text in texts if text != "–"]
    assert len(changes) == len(market.SYMBOLS)
    assert changes == sorted(changes, reverse=True)
    assert texts[-1] == "–"


def test_health_opens_with_numbers_and_closes(live: Page) -> None:
    live.locator("#health-button").click()
    panel = live.locator("#health")
    expect(panel).to_contain_text("sim · running")
    expect(panel).to_contain_text("Quarantined2")
    expect(panel).to_contain_text("Lost0")
    live.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_the_charts_maker_is_named_with_a_link(live: Page) -> None:
    expect(live.locator("footer a")).to_have_attribute("href", "https://www.tradingview.com/")
    expect(live.locator("footer")).to_contain_text("TradingView Lightweight Charts™")
