"""Daily bars: exact numbers, rows that cannot be used, days that are too short."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_layer.fetch.days import fetch_grouped, fetch_range
from batch_layer.fetch.rows import Texts, daily_bar
from batch_layer.fetch.units import Fetched, ShortAnswer, Unit
from shared.errors import InvalidRecord, SourceUnavailable
from shared.models.daily import DailyBar
from tests.unit.batch_layer.fetch.support import SESSIONS, client, complete
from tests.unit.local_dev.vendor.table_files import midnight_ns
from tests.unit.shared.clients.vendor import Answer, Vendor, vendor

DAY = date(2020, 1, 3)
RANGE = Unit("range", "A", date(2020, 1, 2), date(2020, 1, 8))
GROUPED = Unit("grouped", start=DAY, end=DAY)


@pytest.fixture
def server() -> Iterator[Vendor]:
    with vendor() as server:
        yield server


def row(day: str = "2020-01-03", **fields: str) -> str:
    """A row whose numbers are these texts."""
    values = {"v": "1000", "vw": "10.1234", "o": "10", "c": "10.5", "h": "11.25", "l": "9.75", "n": "7"} | fields
    numbers = ",".join(f'"{name}":{text}' for name, text in values.items() if text)
    return f'{{{numbers},"t":{midnight_ns(day) // 10**6}}}'


def answer(*rows: str, **more: Any) -> Answer:
    head = json.dumps({"status": "OK", "resultsCount": len(rows), **more})[:-1]
    return Answer(body=f'{head},"results":[{",".join(rows)}]}}'.encode())


def of_range(server: Vendor, *rows: str) -> Fetched:
    server.answers = [answer(*rows)]
    return fetch_range(client(server.url), RANGE, SESSIONS, complete())


def test_a_row_becomes_a_bar_without_loss(server: Vendor) -> None:
    (bar,) = of_range(server, row(v="1.029145e+06", o="10.000000001", vw="10.12345")).bars
    assert bar == DailyBar(
        "A", DAY, 10_000_000_001, 11_250_000_000, 9_750_000_000, 10_500_000_000, 1_029_145_000_000, 101_234, 7
    )


def test_what_the_vendor_does_not_tell_is_none(server: Vendor) -> None:
    bars = of_range(server, row(vw="", n=""), row("2020-01-06", vw="null", n="null")).bars
    assert [(bar.vwap, bar.count) for bar in bars] == [(None, None)] * 2


def test_a_range_asks_once_and_never_for_adjusted_prices(server: Vendor) -> None:
    of_range(server, row())
    assert [path for path, _ in server.requests] == [
        "/v2/aggs/ticker/A/range/1/day/2020-01-02/2020-01-08?adjusted=false&sort=asc&limit=50000"
    ]


def test_a_symbol_cannot_change_what_is_asked_for(server: Vendor) -> None:
    server.answers = [answer(row())]
    fetch_range(client(server.url), RANGE._replace(sym="../v1?x"), SESSIONS, complete())
    assert server.requests[0][0].startswith("/v2/aggs/ticker/..%2Fv1%3Fx/range/")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(o="0"), "price"),
        (row(c="-1"), "price"),
        (row(h="9"), "price"),
        (row(l='"9.75"'), "price"),
        (row(o="null"), "price"),
        (row(o="10.0000000001"), "price"),
        (row(o="1e30"), "price"),
        (row(v="-1"), "volume"),
        (row(v="0.0000001"), "volume"),
        (row(vw="0"), "vwap"),
        (row(n="1.5"), "count"),
        (row(n="-1"), "count"),
        (row(o=""), "shape"),
        ("7", "shape"),
        (row().replace('"t":', '"t":9'), "day"),
        (row("2020-01-04"), "no_session"),
        (row("2020-01-09"), "day"),
    ],
)
def test_a_row_that_breaks_a_rule_is_kept_apart_with_its_reason(server: Vendor, bad: str, reason: str) -> None:
    fetched = of_range(server, row("2020-01-02"), bad)
    assert [bar.day for bar in fetched.bars] == [date(2020, 1, 2)]
    assert [(one.row, one.reason) for one in fetched.refused] == [(bad.encode(), reason)]
    assert fetched.refused[0].message


def test_a_row_that_is_there_twice_counts_once_and_rows_that_differ_not_at_all(server: Vendor) -> None:
    fetched = of_range(server, row(), row(), row("2020-01-06"), row("2020-01-06", c="10.75"), row("2020-01-07"))
    assert [bar.day for bar in fetched.bars] == [DAY, date(2020, 1, 7)]
    assert [one.reason for one in fetched.refused] == ["duplicate"] * 2


def test_pages_that_go_back_in_time_are_a_failure(server: Vendor) -> None:
    server.answers = [answer(row("2020-01-06"), next_url="/v2/x?cursor=b"), answer(row("2020-01-02"))]
    with pytest.raises(SourceUnavailable, match="do not follow"):
        fetch_range(client(server.url), RANGE, SESSIONS, complete())


def test_a_symbol_without_any_bar_is_suspicious_unless_that_is_accepted(server: Vendor) -> None:
    with pytest.raises(ShortAnswer, match="no bar of A"):
        of_range(server)
    assert fetch_range(client(server.url), RANGE, SESSIONS, complete(accept_short=True)) == Fetched(bars=[], refused=[])


def grouped(count: int, day: str = "2020-01-03") -> Answer:
    return answer(*(row(day).replace("{", f'{{"T":"S{number}",') for number in range(count)))


@pytest.mark.parametrize(("symbols", "whole"), [(98, True), (97, False), (150, True), (0, False)])
def test_a_day_needs_98_percent_of_the_symbols_of_the_session_before(server: Vendor, symbols: int, whole: bool) -> None:
    server.answers = [grouped(symbols)]
    judge = complete({date(2020, 1, 2): 100}.get)
    if whole:
        assert len(fetch_grouped(client(server.url), GROUPED, SESSIONS, judge).bars) == symbols
    else:
        with pytest.raises(ShortAnswer, match="2020-01-03"):
            fetch_grouped(client(server.url), GROUPED, SESSIONS, judge)
    short = complete(lambda _: 100, accept_short=True)
    assert len(fetch_grouped(client(server.url), GROUPED, SESSIONS, short).bars) == symbols


def test_a_day_is_compared_with_what_came_for_the_session_before(server: Vendor) -> None:
    judge, source = complete(), client(server.url)
    server.answers = [grouped(100)]
    fetch_grouped(source, GROUPED, SESSIONS, judge)
    monday = Unit("grouped", start=date(2020, 1, 6), end=date(2020, 1, 6))
    server.answers = [grouped(90, "2020-01-06")]
    with pytest.raises(ShortAnswer, match="fewer than 98 % of 100"):
        fetch_grouped(source, monday, SESSIONS, judge)


def test_the_market_is_asked_for_raw_prices_and_rows_name_their_symbols(server: Vendor) -> None:
    server.answers = [answer(row().replace("{", '{"T":"BRK.A",'), row(), row().replace("{", '{"T":"no such thing",'))]
    fetched = fetch_grouped(client(server.url), GROUPED, SESSIONS, complete())
    assert [bar.sym for bar in fetched.bars] == ["BRK.A"]
    assert [one.reason for one in fetched.refused] == ["symbol"] * 2
    path = "/v2/aggs/grouped/locale/us/market/stocks/2020-01-03?adjusted=false&include_otc=false"
    assert server.requests[0][0] == path


prices = st.decimals(min_value="0.000000001", max_value="999999", places=9)


@given(st.tuples(prices, prices, prices, prices), st.decimals(min_value=0, max_value=10**10, places=6))
def test_numbers_are_the_ones_that_were_written(four: tuple[Decimal, ...], volume: Decimal) -> None:
    low, first, last, high = sorted(four)
    bar = daily_bar("A", DAY, Texts(f"{first:f}", f"{high:f}", f"{low:f}", f"{last:f}", f"{volume:f}"))
    inside = [bar.open, bar.high, bar.low, bar.close]
    assert [Decimal(number or 0).scaleb(-9) for number in inside] == [first, high, low, last]
    assert Decimal(bar.volume).scaleb(-6) == volume


def test_a_unit_of_several_days_is_no_day_of_the_market() -> None:
    with pytest.raises(InvalidRecord, match="one day"):
        fetch_grouped(
            client("http://127.0.0.1:1"), Unit("grouped", start=DAY, end=date(2020, 1, 6)), SESSIONS, complete()
        )
