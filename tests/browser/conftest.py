"""A browser, the fake platform, and a page that is watched: whatever a test does, at its end the page must not have
logged an error, broken its content-security policy or asked any other host for anything."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import NoChromium, find
from tests.browser.platform import FakePlatform

LOOPBACK = "127.0.0.1"
_REPORT_VIOLATIONS = """addEventListener("securitypolicyviolation",
  ({violatedDirective, blockedURI}) => console.error(`CSP violated: ${violatedDirective} ${blockedURI}`))"""
_FAILED_ON_PURPOSE = ("Failed to load resource", "WebSocket connection to")
expect.set_options(timeout=15_000)  # two busy cores; nothing waits longer than it must


class Watched:
    """What a page did that it must not do; `failing`: the test makes requests fail, which browsers log as errors."""

    def __init__(self) -> None:
        self.hosts: set[str | None] = set()
        self.errors: list[str] = []
        self.failing = False

    def follow(self, page: Page) -> None:
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))
        page.on("console", lambda message: self._logged(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(f"{error}\n{error.stack}"))

    def check(self) -> None:
        mine = [error for error in self.errors if not (self.failing and error.startswith(_FAILED_ON_PURPOSE))]
        assert mine == []
        assert self.hosts == {LOOPBACK}

    def _asked(self, url: str) -> None:
        if not url.startswith("data:"):
            self.hosts.add(urlsplit(url).hostname)

    def _logged(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.errors.append(text)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of a module, not of the session: Playwright keeps an event loop in this thread, which other tests use too."""
    try:
        chromium = find()
    except NoChromium as why:
        pytest.skip(str(why))
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium.program,
            args=["--no-sandbox", "--no-zygote"],  # tests may run as root, and load our own page alone
            env={**os.environ, **chromium.environment},
        )
        yield launched
        launched.close()


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    fake = FakePlatform()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def watched() -> Iterator[Watched]:
    watching = Watched()
    yield watching
    watching.check()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, watched: Watched, platform: FakePlatform) -> Iterator[Open]:
    """Opens the page of a base URL in a new context; keywords go to the context. Closed before the platform stops."""
    del platform
    contexts = []

    def opened(base: str, path: str = "/", **options: Any) -> Page:
        context = browser.new_context(
            **{"viewport": {"width": 1200, "height": 720}, "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        context.add_init_script(_REPORT_VIOLATIONS)
        page = context.new_page()
        watched.follow(page)
        page.goto(base + path)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def live(open_page: Open, platform: FakePlatform) -> Page:
    """The page of the fake platform, with minute bars and a live connection."""
    page = open_page(platform.base, "/#ALFA/1m")
    expect(page.locator("#stage")).to_have_attribute("data-state", "ready")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    deadline = time.monotonic() + 15
    while "S.*" not in platform.subscribed():  # it asks once it is let in
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)
    return page
