"""What a page shows, read back as numbers, and what the made-up market says it should show."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from tests.browser import market
from tests.browser.platform import FakePlatform

Row = tuple[int, str, str, str, str]
"""Start (Unix s) and open, high, low, close as text of the page's table."""


def rows(page: Page) -> list[Row]:
    """Rows of the table of bars in view, oldest first; the table must be open."""
    read: list[list[Any]] = page.locator("#table tbody tr").evaluate_all(
        """(all) => all.map((row) =>
             [Number(row.dataset.t) / 1000, ...[...row.cells].slice(1, 5).map((cell) => cell.textContent)])"""
    )
    return sorted((t, o, h, low, c) for t, o, h, low, c in read)


def expected(sym: str, start: int, end: int, width: int) -> list[Row]:
    """The same of the market, windows of `width` seconds counted from the epoch, up to `end`."""
    windows: dict[int, list[market.Span]] = {}
    for t, minute in market.minutes(sym, start - start % width, end):
        windows.setdefault(t - t % width, []).append(minute)
    found = []
    for t, parts in windows.items():
        whole = market.fold(parts)
        assert whole is not None
        o, h, low, c = (f"{getattr(whole, name) / market.scale(sym):,.2f}" for name in "ohlc")
        found.append((t, o, h, low, c))
    return found


def until(page: Page, true: Callable[[], bool], within_s: float = 15) -> None:
    """Poll what the page alone does not show, while the page goes on."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"waited {within_s} s"
        page.wait_for_timeout(20)


def readings(platform: FakePlatform, frame: str = "1/minute") -> int:
    """How often bars of the first symbol were read."""
    return platform.readings(f"/v2/aggs/ticker/ALFA/range/{frame}/")


def at_rest(page: Page, platform: FakePlatform) -> int:
    """How often a page has read that from now on waits for events: it is live, and has read what came before that."""
    until(page, lambda: platform.readings() > platform.read_before_push)
    return readings(platform)


def wrong_second(platform: FakePlatform) -> dict[str, Any]:
    """A pushed second whose high is none of the market's: only a reading of REST can put it right."""
    start = (platform.clock - 1) * 1000
    return {"ev": "A", "sym": "ALFA", "s": start, "e": start + 1000, "o": 180, "h": 999, "l": 180, "c": 180, "v": 1}


def data(page: Page, name: str) -> str:
    """A data attribute of the chart."""
    return page.locator("#chart").get_attribute(f"data-{name}") or ""


def legend(page: Page) -> dict[str, str]:
    """The legend's fields by letter: o h l c v."""
    fields: dict[str, str] = page.locator("#legend [data-field]").evaluate_all(
        "(all) => Object.fromEntries(all.map((one) => [one.dataset.field, one.textContent]))"
    )
    return fields
