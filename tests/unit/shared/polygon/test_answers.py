"""Polygon's envelope and bars as JSON text."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.bars.scale import format_scaled
from shared.models.bar import Bar
from shared.polygon.answers import BODY_LIMIT, aggregates, bar_text, error, how_many_fit

prices = st.integers(1, 10**18 - 1)
sizes = st.integers(0, 10**24)


bars = st.builds(
    Bar,
    t=st.just(1_381_239_000_000),
    open=prices,
    high=prices,
    low=prices,
    close=prices,
    volume=sizes,
    vwap=st.none() | st.integers(0, 10**13),
    count=st.integers(0, 10**9),
)


@given(bars)
def test_a_bar_is_exact_plain_decimals_whatever_its_size(bar: Bar) -> None:
    text = bar_text(bar)
    assert "e" not in text.lower()
    found = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    expected = {
        "v": Decimal(bar.volume).scaleb(-6),
        "vw": None if bar.vwap is None else Decimal(bar.vwap).scaleb(-4),
        "o": Decimal(bar.open).scaleb(-9),
        "c": Decimal(bar.close).scaleb(-9),
        "h": Decimal(bar.high).scaleb(-9),
        "l": Decimal(bar.low).scaleb(-9),
        "t": Decimal(1_381_239_000_000),
        "n": Decimal(bar.count),
    }
    assert found == {name: value for name, value in expected.items() if value is not None}
    if bar.vwap is not None:
        assert f'"vw":{format_scaled(bar.vwap, 4)},' in text
    assert f'"v":{format_scaled(bar.volume, 6)},' in text


def test_whole_numbers_carry_no_point_so_that_integer_parsers_can_read_volumes() -> None:
    text = bar_text(Bar(60_000, 10**9, 10**9, 10**9, 10**9, 1_029_145 * 10**6, 10_000, 1))
    assert text == '{"v":1029145,"vw":1,"o":1,"c":1,"h":1,"l":1,"t":60000,"n":1}'


def test_without_bars_there_are_no_results_and_on_the_last_page_no_next_url() -> None:
    body = json.loads(aggregates("SPY", [], query_count=0, adjusted=False, request_id="r", next_url=None))
    assert body == {
        "ticker": "SPY",
        "queryCount": 0,
        "resultsCount": 0,
        "adjusted": False,
        "status": "OK",
        "request_id": "r",
        "count": 0,
    }


def test_a_page_without_bars_that_others_follow_has_an_empty_list_because_clients_stop_at_its_absence() -> None:
    body = json.loads(aggregates("SPY", [], query_count=0, adjusted=True, request_id="r", next_url="https://x/?c=1"))
    assert (body["results"], body["next_url"]) == ([], "https://x/?c=1")


def test_a_refusal_says_the_same_in_error_and_message() -> None:
    assert json.loads(error("NOT_FOUND", "No such thing.", "r")) == {
        "status": "NOT_FOUND",
        "request_id": "r",
        "error": "No such thing.",
        "message": "No such thing.",
    }


def test_as_many_bars_are_kept_as_fit_once_the_answer_is_text_within_text() -> None:
    texts = [bar_text(Bar(60_000, 10**9, 10**9, 10**9, 10**9, 10**6, 10_000, 1))] * 100
    whole = len(json.dumps(",".join(texts))) - 1  # the two quotes around it, less the comma that a last bar saves
    assert how_many_fit(texts, whole) == 100
    assert how_many_fit(texts, whole - 1) == 99
    assert how_many_fit(texts, 1) == 1
    assert how_many_fit([], 1) == 0


def test_fifty_thousand_usual_bars_fit_into_one_answer() -> None:
    longest_usual = Bar(
        1_381_239_000_000,
        167_425_000_000,
        167_435_000_000,
        167_415_000_000,
        167_421_000_000,
        12_345_678_000_000,
        1_674_234,
        54_321,
    )
    assert how_many_fit([bar_text(longest_usual)] * 50_000) == 50_000
    assert BODY_LIMIT < 6 * 1024 * 1024
