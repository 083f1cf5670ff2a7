"""Pages of trades against one unlimited read, with many trades in one millisecond and more coming meanwhile."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.frames import TradeRow
from tests.effort import examples
from tests.unit.serving_layer.doubles import T0, Api

HOST = "https://bars.example.com"
NS = 10**6

rows = st.builds(
    lambda after, q, x, trfi, n: TradeRow(T0 + after, q, x, trfi, str(n), "167.42", "1", (), 0),
    after=st.integers(0, 2) | st.integers(0, 120_000),
    q=st.integers(0, 2),
    x=st.integers(4, 5),
    trfi=st.sampled_from([0, 201]),
    n=st.integers(0, 30),
)
tables = st.lists(rows, max_size=40)


def filled(table: list[TradeRow]) -> Api:
    api = Api()
    for row in table:
        api.ticks.add("SPY", row)
    return api


def pages(api: Api, url: str) -> Iterator[list[dict[str, Any]]]:
    for _ in range(1_000):
        body = api.get(url)
        yield body["results"]
        if "next_url" not in body:
            return
        url = body["next_url"].removeprefix(HOST)
    pytest.fail("paging does not end")


@st.composite
def queries(draw: st.DrawFn) -> str:
    start, end = T0 * NS + draw(st.integers(-5, 130_000)) * NS, T0 * NS + draw(st.integers(-5, 130_000)) * NS
    query = f"order={draw(st.sampled_from(['asc', 'desc']))}"
    query += draw(st.sampled_from(["", f"&timestamp.gte={start}", f"&timestamp.gt={start}"]))
    return query + draw(st.sampled_from(["", f"&timestamp.lte={end}", f"&timestamp.lt={end}"]))


@settings(max_examples=examples(200))
@given(tables, queries(), st.integers(1, 7))
def test_pages_give_every_trade_of_one_unlimited_read_once_in_its_order(
    table: list[TradeRow], query: str, limit: int
) -> None:
    api = filled(table)
    whole = api.get(f"/v3/trades/SPY?{query}&limit=50000")
    paged = list(pages(api, f"/v3/trades/SPY?{query}&limit={limit}"))
    assert "next_url" not in whole
    assert [trade for page in paged for trade in page] == whole["results"]
    assert all(len(page) == limit for page in paged[:-1])
    assert len(paged) == 1 or paged[-1], "a page that follows has trades"


@settings(max_examples=examples(100))
@given(tables, tables, st.sampled_from(["asc", "desc"]), st.integers(1, 5))
def test_trades_that_come_between_two_pages_make_none_come_twice_or_be_skipped(
    before: list[TradeRow], meanwhile: list[TradeRow], order: str, limit: int
) -> None:
    api = filled(before)
    known = api.get(f"/v3/trades/SPY?order={order}&limit=50000")["results"]
    turning = pages(api, f"/v3/trades/SPY?order={order}&limit={limit}")
    found = list(next(turning))
    for row in meanwhile:
        api.ticks.add("SPY", row)
    found += [trade for page in turning for trade in page]
    seen = [(trade["sip_timestamp"], trade["exchange"], trade.get("trf_id"), trade["id"]) for trade in found]
    assert len(seen) == len(set(seen))
    assert [trade for trade in found if trade in known] == known
