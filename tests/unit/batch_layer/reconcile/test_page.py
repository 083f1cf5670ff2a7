"""The page of a report: whole in itself, and true to the report."""

import base64
import re
from hashlib import sha256
from html.parser import HTMLParser

from batch_layer.reconcile.charts import WIDTH, columns, share
from batch_layer.reconcile.page import MOST_ROWS, page
from batch_layer.reconcile.report import KINDS
from tests.unit.batch_layer.reconcile.reports import REASON, report


class Read(HTMLParser):
    """Tags with their attributes, and the text of the body."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def test_the_page_asks_for_nothing_and_its_policy_allows_only_its_own_style() -> None:
    text = page(report())
    read = Read(text)
    assert not {tag for tag, _ in read.tags} & {"script", "link", "img", "iframe", "object", "a", "form"}
    for _, attributes in read.tags:
        assert not {name for name in attributes if name in {"style", "src", "href"} or name.startswith("on")}
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    assert "url(" not in style[1]
    (policy,) = (tag["content"] for _, tag in read.tags if tag.get("http-equiv") == "Content-Security-Policy")
    hashed = base64.b64encode(sha256(style[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"


def test_what_comes_from_outside_is_text() -> None:
    read = Read(page(report()))
    assert "b" in {tag for tag, _ in read.tags}  # ours, in the legend
    assert read.text.count(REASON) == len(KINDS)
    assert "those of vendor & sons." in read.text
    assert "A&B" in read.text


def test_the_page_says_what_the_report_says() -> None:
    text = Read(page(report(many=3))).text
    assert "Reconciliation of Tuesday, 8 October 2013" in text
    assert "3 unexplained Rebuilt from the raw log and compared at 2013-10-08 21:00 New York." in text
    assert "98.04 %900 of 918 bars are equal" in text
    assert "3 late, 3 correction, 3 gap, 3 rule, 3 ours, 3 unexplained" in text
    assert "12:02A&B" in text.replace(" ", "")
    assert "high1213 vendor" in text
    assert "trades23 vendor" in text
    assert "12:00 speed view" in text
    for kind, words in KINDS.items():
        assert f"{kind} {4 if kind == 'late' else 3}: {words}" in text


def test_a_day_without_anything_unexplained_says_so() -> None:
    quiet = report()
    for one in quiet.comparisons:
        one.kinds.pop("unexplained", None)
    assert "Nothing is unexplained" in page(quiet)


def test_of_very_many_differences_the_page_shows_some_and_says_how_many_more() -> None:
    read = Read(page(report(many=MOST_ROWS + 50)))
    assert "50 more; report.json has most of them" in read.text
    assert len([tag for tag, _ in read.tags if tag == "tr"]) < (MOST_ROWS + 5) * len(KINDS) + 60
    assert "and 21 more" in read.text  # symbols: 61, of which 40 are shown


def test_a_share_is_divided_by_counts_and_shows_what_is_there_however_small() -> None:
    widths = [float(width) for width in re.findall(r' width="([\d.]+)"', share([("a", 750), ("b", 250), ("c", 0)]))]
    assert widths == [WIDTH * 3 / 4, WIDTH / 4]
    small = [float(width) for width in re.findall(r' width="([\d.]+)"', share([("a", 10**6), ("b", 1)]))]
    assert sum(small) == WIDTH
    assert small[1] == WIDTH / 100
    assert "<rect" not in share([("a", 0)])


def test_the_highest_column_fills_the_picture_and_the_others_are_in_proportion() -> None:
    counts = {"rule": [0] * 48, "late": [0] * 48}
    counts["rule"][19], counts["late"][19], counts["rule"][20] = 3, 1, 2
    drawn = columns(counts)  # type: ignore[arg-type]  # the keys are kinds
    boxes = re.findall(r'class="(\w+)" x="([\d.]+)" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', drawn)
    first, second = {box[1] for box in boxes if box[0] == "late"}, {box[1] for box in boxes if box[3] == "50"}
    assert len(first) == len(second) == 1
    assert sorted((name, float(y), float(height)) for name, _, y, height in boxes) == [
        ("late", 75.0, 25.0),
        ("rule", 0.0, 75.0),
        ("rule", 50.0, 50.0),
    ]


def test_a_market_that_never_closes_has_columns_for_the_whole_day() -> None:
    open_hours, always = report(), report()
    always.comparisons[1].half_hours["rule"][3] = 1
    assert "04:0008:0012:0016:0020:00" in Read(page(open_hours)).text
    text = page(always)
    assert "00:0006:0012:0018:0024:00" in Read(text).text
    assert "<title>01:30 rule: 1</title>" in text
