"""The reconciliation page in a browser: on a phone and on a desk, in light and in dark, under its own policy."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from batch_layer.reconcile.page import page as page_of
from tests.unit.batch_layer.reconcile.reports import report


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_fits_its_width_and_breaks_no_policy(
    browser: Browser, tmp_path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    file = tmp_path / "report.html"
    file.write_text(page_of(report(many=30)))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfailed", lambda request: said.append(request.url))
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text("Reconciliation of Tuesday, 8 October 2013")
    rule = page.locator("details", has_text="rule: 30")
    expect(rule.get_by_role("row").nth(3)).to_be_hidden()
    rule.locator("summary").click()
    expect(rule.get_by_role("row").nth(3)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator(".columns rect").first.evaluate("element => element.getBoundingClientRect().height") > 1
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(247, 247, 245)", "dark": "rgb(20, 22, 24)"}[scheme]
    assert said == []
    context.close()
