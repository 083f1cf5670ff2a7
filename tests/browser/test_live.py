"""Moving prices: the forming bar follows seconds, a closed bar is what REST says, a break leaves no hole."""

from playwright.sync_api import Page, expect

from tests.browser import market
from tests.browser.conftest import Watched
from tests.browser.platform import KEY, START, FakePlatform
from tests.browser.reading import at_rest, expected, legend, readings, rows, until, wrong_second

ROWS_IN_VIEW = {f"A.{sym}" for sym in [*market.SYMBOLS, market.SILENT]}


def last(page: Page) -> dict[str, str]:
    return {name: legend(page)[name] for name in "ohlc"}


def test_the_forming_bar_follows_every_second(live: Page, platform: FakePlatform) -> None:
    read = at_rest(live, platform)
    before = last(live)
    platform.advance(20)
    ((_, o, h, low, c),) = expected("ALFA", START - 30, platform.clock, 60)
    expect(live.locator("#legend [data-field=c]")).to_have_text(c)
    assert last(live) == {"o": o, "h": h, "l": low, "c": c}
    assert last(live) != before
    expect(live.locator("#title-price")).to_have_text(c)
    expect(live.locator("#row-BRVO .row-price")).to_have_text(expected("BRVO", START, platform.clock, 60)[-1][4])
    expect(live.locator("#clock-time")).to_have_text("10:00:50")
    assert readings(platform) == read, "seconds move the bar, not requests"


def test_a_closed_minute_is_read_again_and_equals_rest(live: Page, platform: FakePlatform) -> None:
    at_rest(live, platform)
    live.locator("#table-button").click()
    platform.push(wrong_second(platform))
    expect(live.locator("#legend [data-field=h]")).to_have_text("999.00")
    platform.advance(95)  # over two ends of minutes
    closing = expected("ALFA", START - START % 60, platform.clock, 60)
    expect(live.locator(f"#table tr[data-t='{closing[0][0]}000'] td").nth(1)).to_have_text(closing[0][2])
    expect(live.locator(f"#table tr[data-t='{closing[2][0]}000'] td").nth(3)).to_have_text(closing[2][4])
    assert rows(live)[-3:] == closing
    minute = market.fold(market.second("ALFA", s) for s in range(closing[1][0], closing[1][0] + 60))
    assert minute is not None
    count = live.locator(f"#table tr[data-t='{closing[1][0]}000'] td").nth(6)
    expect(count).to_have_text(str(minute.n))  # only REST tells how many trades there were


def test_it_subscribes_to_what_is_looked_at_and_no_more(live: Page, platform: FakePlatform) -> None:
    until(live, lambda: platform.subscribed() == ROWS_IN_VIEW | {"AM.ALFA", "S.*", "AL.*"})
    live.locator("#row-ECHO").click()
    expect(live.locator("#title-symbol")).to_have_text("ECHO")
    until(live, lambda: platform.subscribed() == ROWS_IN_VIEW | {"AM.ECHO", "S.*", "AL.*"})


def test_the_key_is_never_in_a_url(live: Page, platform: FakePlatform) -> None:
    assert KEY not in live.url
    assert not [path for path in platform.requests if KEY in path]
    assert KEY not in live.evaluate(
        """JSON.stringify([{...localStorage}, {...sessionStorage},
                           performance.getEntriesByType('resource').map((one) => one.name)])"""
    )


def test_a_restart_of_the_push_service_leaves_no_hole(live: Page, platform: FakePlatform, watched: Watched) -> None:
    watched.failing = True
    live.locator("#table-button").click()
    platform.stop_push()
    expect(live.locator("#connection")).to_have_attribute("data-state", "waiting")
    expect(live.locator("#banner")).to_be_visible()
    expect(live.locator("#banner-text")).to_contain_text("Live updates stopped")
    platform.advance(400)  # nobody hears of these minutes
    platform.pushing = True
    expect(live.locator("#connection")).to_have_attribute("data-state", "live")
    expect(live.locator("#banner")).to_be_hidden()
    platform.advance(5)
    after = expected("ALFA", START - 120, platform.clock, 60)
    assert len(after) == 10
    expect(live.locator("#legend [data-field=c]")).to_have_text(after[-1][4])
    expect(live.locator(f"#table tr[data-t='{after[3][0]}000']")).to_have_count(1)
    assert rows(live)[-10:] == after
    until(live, lambda: platform.subscribed() >= {"A.ALFA", "AM.ALFA", "S.*"})


def hear_nothing_for(page: Page, platform: FakePlatform, seconds: int) -> None:
    """Trades come in, of symbols that nobody looks at."""
    page.evaluate(
        "(ms) => { const now = performance.now.bind(performance); performance.now = () => now() + ms; }", seconds * 1000
    )
    platform.clock += seconds


def test_a_connection_that_has_nothing_to_say_is_asked_and_kept(live: Page, platform: FakePlatform) -> None:
    until(live, lambda: platform.subscribed() == ROWS_IN_VIEW | {"AM.ALFA", "S.*", "AL.*"})
    asked, channels = platform.commands["subscribe"], platform.subscribed()
    hear_nothing_for(live, platform, 31)
    until(live, lambda: platform.commands["subscribe"] > asked)
    checks = platform.requests["/v1/health"]
    until(live, lambda: platform.requests["/v1/health"] >= checks + 2)  # more than an answer may take
    assert (platform.commands["subscribe"], platform.requests["/stocks"]) == (asked + 1, 1)
    assert platform.subscribed() == channels


def test_a_connection_that_died_unseen_is_asked_in_silence_and_replaced(live: Page, platform: FakePlatform) -> None:
    until(live, lambda: platform.subscribed() == ROWS_IN_VIEW | {"AM.ALFA", "S.*", "AL.*"})
    asked = platform.commands["subscribe"]
    platform.deaf = True
    hear_nothing_for(live, platform, 31)
    until(live, lambda: platform.commands["subscribe"] > asked)
    platform.deaf = False
    assert platform.requests["/stocks"] == 1
    until(live, lambda: platform.requests["/stocks"] == 2)
    until(live, lambda: "AM.ALFA" in platform.subscribed())
    platform.advance(5)
    ((*_, c),) = expected("ALFA", START + 30, platform.clock, 60)
    expect(live.locator("#legend [data-field=c]")).to_have_text(c)


def test_a_new_signal_appears_at_once_and_a_withdrawn_one_is_struck(live: Page, platform: FakePlatform) -> None:
    expect(live.locator("#signals-rows li")).to_have_count(5)
    t = (START - START % 60 - 120) * 1000
    platform.push(platform.signals.add("rsi_reversal", t, "sell"))
    newest = live.locator("#signals-rows button").first
    expect(newest).to_contain_text("RSI reversal")
    expect(newest).to_have_attribute("data-status", "active")
    expect(live.locator("#chart")).to_have_attribute("data-markers", "5")
    platform.push(platform.signals.add("rsi_reversal", t, "sell", withdrawn=True))
    expect(newest).to_have_attribute("data-status", "withdrawn")
    assert "line-through" in newest.locator(".signal-strategy").evaluate(
        "(one) => getComputedStyle(one).textDecoration"
    )
    live.get_by_label("Withdrawn").uncheck()
    expect(live.locator("#signals-rows li")).to_have_count(4)
    expect(live.locator("#chart")).to_have_attribute("data-markers", "3")


def test_a_signal_of_another_symbol_is_listed_under_market_and_opens_its_chart(
    live: Page, platform: FakePlatform
) -> None:
    platform.push(platform.signals.add("volume_spike", (START - START % 60 - 600) * 1000, "buy", ticker="DLTA"))
    live.get_by_role("radio", name="Market").click()
    found = live.locator("#signals-rows button", has_text="DLTA")
    expect(found).to_have_count(1)
    found.click()
    expect(live.locator("#title-symbol")).to_have_text("DLTA")
    expect(live.locator("#chart")).to_have_attribute("data-markers", "1")


def test_the_pointer_reads_a_bar_and_its_signals(live: Page) -> None:
    box = live.locator("#chart").bounding_box()
    assert box is not None
    tip = live.locator("#tooltip")
    for x in range(int(box["x"]) + 200, int(box["x"] + box["width"]) - 100, 4):
        live.mouse.move(x, box["y"] + box["height"] / 2)
        if tip.is_visible():
            break
    expect(tip).to_contain_text("at 182.40")
    t = int(live.locator("#legend").get_attribute("data-t") or 0) // 1000
    ((_, o, h, low, c),) = expected("ALFA", t, t + 60, 60)
    assert last(live) == {"o": o, "h": h, "l": low, "c": c}
