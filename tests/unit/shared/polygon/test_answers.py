"""Answers in Polygon's format: exact numbers, no exponent, nothing that the official client fails on."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.scale import MAX_PRICE
from shared.models.bar import Bar
from shared.polygon.answers import aggregates, bar_text, error, how_many_fit

prices = st.integers(1, MAX_PRICE)
bars = st.builds(
    Bar,
    t=st.integers(0, 10**13 - 1),
    open=prices,
    high=prices,
    low=prices,
    close=prices,
    volume=st.integers(0, 10**20),
    vwap=st.none() | st.integers(0, 10**13),
    count=st.integers(0, 10**9),
)


def read(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


@given(bars)
def test_a_bar_is_written_exactly_and_without_exponents(bar: Bar) -> None:
    text = bar_text(bar)
    expected = {
        "t": Decimal(bar.t),
        "o": Decimal(bar.open).scaleb(-9),
        "h": Decimal(bar.high).scaleb(-9),
        "l": Decimal(bar.low).scaleb(-9),
        "c": Decimal(bar.close).scaleb(-9),
        "v": Decimal(bar.volume).scaleb(-6),
        "n": Decimal(bar.count),
    }
    if bar.vwap is not None:
        expected["vw"] = Decimal(bar.vwap).scaleb(-4)
    assert read(text) == expected
    assert not re.search(r"[eE]", text)
    assert not re.search(r"\.\d*0[,}]", text), "no zeros behind the last decimal"


@given(st.lists(bars, max_size=20), st.integers(0, 4_000))
def test_as_many_bars_go_into_an_answer_as_fit_and_at_least_one(some: list[Bar], limit: int) -> None:
    texts = [bar_text(bar) for bar in some]
    sizes = [len(json.dumps(",".join(texts[:kept]))) for kept in range(len(texts) + 1)]
    kept = how_many_fit(texts, limit)
    assert kept == len(texts) or kept >= 1
    if kept > 1:
        assert sizes[kept] <= limit + 2, "as text inside JSON, but for its own two quotes"
    if kept < len(texts):
        assert sizes[kept + 1] > limit - 17, "one more would not have fitted, but for a reserve of one bar's quotes"


def envelope(texts: list[str], next_url: str | None) -> dict[str, Any]:
    body = aggregates("SPY", texts, query_count=7, adjusted=True, request_id='an "id"', next_url=next_url)
    found: dict[str, Any] = json.loads(body)
    return found


def test_the_envelope_counts_its_bars() -> None:
    found = envelope(['{"t":1}', '{"t":2}'], "https://host/next?cursor=x")
    assert found == {
        "ticker": "SPY",
        "queryCount": 7,
        "resultsCount": 2,
        "count": 2,
        "adjusted": True,
        "status": "OK",
        "request_id": 'an "id"',
        "results": [{"t": 1}, {"t": 2}],
        "next_url": "https://host/next?cursor=x",
    }


def test_without_bars_there_are_no_results_and_without_more_there_is_no_next_url() -> None:
    assert envelope([], None).keys().isdisjoint({"results", "next_url"})
    assert "next_url" not in envelope(['{"t":1}'], None)


def test_an_empty_page_that_others_follow_keeps_its_results_so_that_the_client_goes_on() -> None:
    assert envelope([], "https://host/next")["results"] == []


@pytest.mark.parametrize("text", ["plain", 'with "quotes" and \\', "zwölf"])
def test_a_refusal_says_the_same_in_both_fields_that_clients_read(text: str) -> None:
    assert json.loads(error("ERROR", text, "r1")) == {
        "status": "ERROR",
        "request_id": "r1",
        "error": text,
        "message": text,
    }
