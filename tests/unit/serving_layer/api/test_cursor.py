"""The cursor: what the next page needs, and nothing that was altered."""

import base64
import hashlib
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_layer.api.bar_request import BarRequest, read_request
from serving_layer.api.refusals import BadRequest

PREFIX = "/v2/aggs/ticker/"
T0 = 1_381_239_000_000


def first_page(**changes: object) -> BarRequest:
    path = {"ticker": "SPY", "multiplier": "7", "timespan": "minute", "start": str(T0), "end": str(T0 + 10**8)}
    query = {"limit": ["100"], "sort": ["asc"], "adjusted": ["false"]}
    for name, value in changes.items():
        if name in path:
            path[name] = str(value)
        else:
            query[name] = [str(value)]
    return read_request(**path, query=query)


def follow(url: str) -> BarRequest:
    parts = urlsplit(url)
    ticker, _, multiplier, timespan, start, end = parts.path.removeprefix(PREFIX).split("/")
    return read_request(
        ticker=ticker, multiplier=multiplier, timespan=timespan, start=start, end=end, query=parse_qs(parts.query)
    )


def plain(cursor: str) -> str:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()


@given(
    sort=st.sampled_from(["asc", "desc"]),
    limit=st.integers(1, 50_000),
    adjusted=st.sampled_from(["true", "false"]),
    multiplier=st.integers(1, 10**9 - 1),
    timespan=st.sampled_from(["minute", "hour"]),
    ticker=st.sampled_from(["SPY", "BRK.A", "BRK/A", "bACpL"]),
    start=st.integers(10**11, 10**13),
    windows=st.integers(0, 100),
    data=st.data(),
)
def test_the_next_page_is_the_same_request_from_another_position(
    start: int, windows: int, data: st.DataObject, **asked: str | int
) -> None:
    width = int(asked["multiplier"]) * (60_000 if asked["timespan"] == "minute" else 3_600_000)
    end = min(start + windows * width, 10**14 - 1)
    asked["ticker"] = str(asked["ticker"]).replace("/", "%2F")
    first = first_page(start=start, end=end, **asked)
    shown = data.draw(st.integers(0, (first.end - first.start) // width - 1))
    position = first.end - shown * width if first.descending else first.start + shown * width
    second = follow(first.path_after(position))
    assert second == BarRequest(
        first.sym,
        first.multiplier,
        first.timespan,
        first.anchor,
        start=first.start if first.descending else position,
        end=position if first.descending else first.end,
        limit=first.limit,
        descending=first.descending,
        adjusted=first.adjusted,
    )


def test_the_cursor_is_url_safe_base64_without_padding_of_a_query_string() -> None:
    url = first_page().path_after(T0 + 7 * 60_000)
    cursor = parse_qs(urlsplit(url).query)["cursor"][0]
    fields = dict(parse_qsl(plain(cursor)))
    assert "=" not in cursor
    assert fields["limit"] == "100"
    assert fields["sort"] == "asc"
    assert urlsplit(url).path == f"{PREFIX}SPY/range/7/minute/{T0 + 7 * 60_000}/{first_page().end - 1}"


def test_with_a_cursor_other_parameters_do_not_matter() -> None:
    url = first_page().path_after(T0 + 7 * 60_000)
    assert follow(f"{url}&limit=0&sort=up&apiKey=x") == follow(url)


def test_ranges_that_begin_in_1970_can_be_followed_too() -> None:
    first = first_page(start="1970-01-01", end="1970-01-02", sort="desc", multiplier=1)
    assert follow(first.path_after(first.end - 60_000)).start == first.start


@given(st.data())
def test_a_cursor_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    url = first_page().path_after(T0 + 7 * 60_000)
    cursor = parse_qs(urlsplit(url).query)["cursor"][0]
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters(codec="ascii", categories=("Lu", "Ll", "Nd")).filter(lambda c: c != cursor[at]))
    with pytest.raises(BadRequest):
        follow(url.replace(cursor, cursor[:at] + other + cursor[at + 1 :]))


@pytest.mark.parametrize(
    ("was", "now"),
    [("SPY", "QQQ"), ("/7/", "/8/"), ("/minute/", "/hour/"), (str(T0 + 7 * 60_000), str(T0 + 14 * 60_000))],
)
def test_a_cursor_of_another_request_is_refused(was: str, now: str) -> None:
    url = first_page().path_after(T0 + 7 * 60_000)
    path, query = url.split("?")
    with pytest.raises(BadRequest):
        follow(f"{path.replace(was, now)}?{query}")


@pytest.mark.parametrize("text", ["", "=", "!", "x", "é", "AAAA", "A" * 5_000, "YT0x", "Y" * 3 + "=="])
def test_what_was_never_a_cursor_is_refused(text: str) -> None:
    path = first_page().path_after(T0 + 7 * 60_000).split("?")[0]
    _, _, multiplier, timespan, start, end = path.removeprefix(PREFIX).split("/")
    with pytest.raises(BadRequest):
        read_request(
            ticker="SPY", multiplier=multiplier, timespan=timespan, start=start, end=end, query={"cursor": [text]}
        )


@pytest.mark.parametrize(
    "change",
    [{"limit": "50001"}, {"limit": "0"}, {"anchor": "1"}, {"position": "7"}, {"sort": "desc"}, {"limit": "-5"}],
)
def test_a_cursor_that_somebody_computed_says_nothing_impossible(change: dict[str, str]) -> None:
    """The check is public, so everything behind it is checked again."""
    url = first_page().path_after(T0 + 7 * 60_000)
    path, query = url.split("?cursor=")
    fields = dict(parse_qsl(plain(query))) | change
    del fields["check"]
    text = urlencode(fields)
    check = hashlib.sha256(f"{path.removeprefix(PREFIX)}?{text}".encode()).hexdigest()[:16]
    forged = base64.urlsafe_b64encode(f"{text}&check={check}".encode()).decode().rstrip("=")
    with pytest.raises(BadRequest):
        follow(f"{path}?cursor={forged}")
