"""Pages against one unlimited read, and both against bars computed from trades by other means."""

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bars.algebra import merge_all
from shared.models.bar import Partial
from tests.effort import examples
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Forming

HOST = "https://bars.example.com"
SPAN = 200
"""Minutes in which trades happen."""


class Print(NamedTuple):
    """A trade as the test knows it: second after T0, cents, shares, and what it may update."""

    second: int
    cents: int
    shares: int
    sets_prices: bool
    adds_volume: bool


class Asked(NamedTuple):
    start: int
    end: int
    multiplier: int
    timespan: str
    descending: bool
    limit: int

    def url(self, limit: int) -> str:
        sort = "desc" if self.descending else "asc"
        path = f"/v2/aggs/ticker/SPY/range/{self.multiplier}/{self.timespan}/{self.start}/{self.end}"
        return f"{path}?sort={sort}&limit={limit}"


prints = st.lists(
    st.builds(
        Print,
        second=st.integers(0, SPAN * 60 - 1),
        cents=st.integers(16_700, 16_712),
        shares=st.integers(1, 7),
        sets_prices=st.booleans(),
        adds_volume=st.booleans() | st.just(value=True),
    ),
    max_size=60,
)


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    start = T0 + draw(st.integers(-30 * MINUTE, SPAN * MINUTE))
    return Asked(
        start,
        start + draw(st.integers(0, (SPAN + 30) * MINUTE)),
        draw(st.integers(1, 20) | st.integers(1, 400)),
        draw(st.sampled_from(["minute", "minute", "minute", "hour"])),
        draw(st.booleans()),
        draw(st.integers(1, 3) | st.integers(1, 12)),
    )


def partial_of(index: int, trade: Print) -> Partial:
    price, size = trade.cents * 10**7, trade.shares * 10**6
    key = f"{T0 + trade.second * 1000:013d}{index:012d}{price:018d}"
    prices = {"first": key, "last": key, "high": price, "low": price} if trade.sets_prices else {}
    volume = {"volume": size, "notional": price * size, "count": 1} if trade.adds_volume else {}
    return Partial(**prices, **volume)  # type: ignore[arg-type]  # two kinds of fields in two dictionaries


def platform(trades: list[Print], cached: st.DataObject) -> Api:
    """Every minute is stored, or only cached, or stored with fewer trades than cached."""
    api, forming = Api(), Forming()
    by_minute: dict[int, list[Partial]] = {}
    for index, trade in enumerate(trades):
        by_minute.setdefault(T0 + trade.second // 60 * MINUTE, []).append(partial_of(index, trade))
    for t, partials in by_minute.items():
        whole = merge_all(partials)
        where = cached.draw(st.sampled_from(["stored", "cached", "both", "behind"]))
        if where != "cached":
            known = merge_all(partials[:1]) if where == "behind" else whole
            if known.count == whole.count:
                known = whole
            api.rows.put_base("SPY", t, known, NOW_S)
        if where != "stored":
            forming.minutes["SPY", t] = whole
    return Api(rows=api.rows, forming=forming)


def pages(api: Api, url: str) -> Iterator[dict[str, Any]]:
    for _ in range(1_000):
        body = api.get(url)
        yield body
        if "next_url" not in body:
            return
        url = body["next_url"].removeprefix(HOST)
    pytest.fail("paging does not end")


def bars_by_hand(trades: list[Print], asked: Asked) -> list[dict[str, Any]]:
    """Window by window over the trades, in decimals; shares nothing with the code under test."""
    unit = MINUTE if asked.timespan == "minute" else 60 * MINUTE
    begin, width, found = asked.start // unit * unit, unit * asked.multiplier, []
    while begin <= asked.end:
        inside = sorted(
            ((trade.second, index), trade)
            for index, trade in enumerate(trades)
            if begin <= T0 + trade.second * 1000 < begin + width
        )
        priced = [Decimal(trade.cents) / 100 for _, trade in inside if trade.sets_prices]
        counted = [trade for _, trade in inside if trade.adds_volume]
        volume = sum(trade.shares for trade in counted)
        if priced:
            bar: dict[str, Any] = {"t": begin, "o": priced[0], "c": priced[-1], "h": max(priced), "l": min(priced)}
            bar |= {"v": volume, "n": len(counted)}
            if volume:
                paid = Decimal(sum(trade.cents * trade.shares for trade in counted)) / 100
                bar["vw"] = (paid / volume).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
            found.append(bar)
        begin += width
    return found[::-1] if asked.descending else found


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(prints, requests(), st.data())
def test_pages_give_the_bars_of_one_unlimited_read_and_both_are_right(
    trades: list[Print], asked: Asked, data: st.DataObject
) -> None:
    api = platform(trades, data)
    whole = api.get(asked.url(50_000))
    paged = list(pages(api, asked.url(asked.limit)))
    assert "next_url" not in whole
    assert [bar for page in paged for bar in page.get("results", [])] == whole.get("results", [])
    assert all(page["results"] for page in paged[:-1]), "every page that others follow shows a bar"
    assert all(page["count"] == page["resultsCount"] == len(page.get("results", [])) for page in paged)
    expected = [
        {name: float(value) if isinstance(value, Decimal) else value for name, value in bar.items()}
        for bar in bars_by_hand(trades, asked)
    ]
    assert whole.get("results", []) == expected


@settings(max_examples=examples(50), deadline=None)
@given(prints, requests(), st.data())
def test_a_page_reads_no_more_than_its_limit_unless_one_window_needs_more(
    trades: list[Print], asked: Asked, data: st.DataObject
) -> None:
    api = platform([trade._replace(sets_prices=True) for trade in trades], data)
    for page in pages(api, asked.url(asked.limit)):
        assert page["queryCount"] <= asked.limit or page["count"] == 1
