"""Trades and the last of them, request by request."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from serving_layer.api.trade_request import read_request
from serving_layer.api.trades import read_page
from shared.frames import TradeRow
from shared.models.trade import Trade
from tests.unit.serving_layer.doubles import T0, Api
from tests.unit.serving_layer.events import AUTHORIZED, REQUEST_ID, Context, body_of

URL = "/v3/trades/SPY"
HOST = "https://bars.example.com"
NS = 10**6


def row(n: int, t: int, **changes: Any) -> TradeRow:
    fields: dict[str, Any] = {
        "t": t,
        "q": n,
        "x": 12,
        "trfi": 0,
        "i": str(n),
        "p": "167.42",
        "s": "210",
        "c": (14, 41),
        "z": 2,
    }
    return TradeRow(**(fields | changes))


@pytest.fixture
def api() -> Api:
    """Ten trades of SPY, a second apart, from 09:30."""
    api = Api()
    for n in range(10):
        api.ticks.add("SPY", row(n, T0 + n * 1_000))
    return api


def ids(api: Api, query: str = "") -> list[int]:
    return [int(trade["id"]) for trade in api.get(f"{URL}?{query}&order=asc")["results"]]


def test_a_trade_has_polygons_fields_with_exact_numbers_and_none_without_a_value() -> None:
    api = Api()
    api.ticks.add("SPY", row(7, T0, x=4, trfi=202, i='5"6\\é', p="0.000000001", s="0.5", c=(37,)))
    api.ticks.add("SPY", row(8, T0 + 1, c=(), z=0, s="100", p="5"))
    answer = api.send(f"{URL}?order=asc")
    assert answer["body"] == (
        '{"results":[{"conditions":[37],"exchange":4,"id":"5\\"6\\\\\\u00e9","price":0.000000001,"sequence_number":7,'
        f'"sip_timestamp":{T0}000000,"size":0.5,"tape":2,"trf_id":202,"decimal_size":"0.5"}},'
        f'{{"exchange":12,"id":"8","price":5,"sequence_number":8,"sip_timestamp":{T0 + 1}000000,"size":100}}],'
        f'"status":"OK","request_id":"{REQUEST_ID}"}}'
    )
    assert json.loads(answer["body"], parse_float=Decimal)["results"][0]["id"] == '5"6\\é'


def test_the_newest_trades_come_first_unless_asked_otherwise(api: Api) -> None:
    assert [trade["id"] for trade in api.get(URL)["results"]] == [str(n) for n in range(9, -1, -1)]
    assert ids(api) == list(range(10))


def test_a_symbol_nobody_has_traded_has_an_empty_page() -> None:
    body = Api().get("/v3/trades/ZZZZQ")
    assert body == {"results": [], "status": "OK", "request_id": REQUEST_ID}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"timestamp={(T0 + 3_000) * NS}", [3]),
        (f"timestamp={(T0 + 3_000) * NS + 1}", []),
        (f"timestamp.gte={(T0 + 7_000) * NS}", [7, 8, 9]),
        (f"timestamp.gte={(T0 + 7_000) * NS + 1}", [8, 9]),
        (f"timestamp.gt={(T0 + 7_000) * NS}", [8, 9]),
        (f"timestamp.gt={(T0 + 7_000) * NS - 1}", [7, 8, 9]),
        (f"timestamp.lte={(T0 + 2_000) * NS}", [0, 1, 2]),
        (f"timestamp.lte={(T0 + 2_000) * NS - 1}", [0, 1]),
        (f"timestamp.lt={(T0 + 2_000) * NS}", [0, 1]),
        (f"timestamp.lt={(T0 + 2_000) * NS + 1}", [0, 1, 2]),
        (f"timestamp.gt={T0 * NS}&timestamp.lt={(T0 + 3_000) * NS}", [1, 2]),
        (f"timestamp.gte={(T0 + 5_000) * NS}&timestamp.lte={(T0 + 4_000) * NS}", []),
        (f"timestamp.gte={T0 + 8_000}", [8, 9]),
        (f"timestamp.gte={T0 // 1000 + 8}", [8, 9]),
        (f"timestamp.gte={(T0 + 8_000) * 1000}", [8, 9]),
        ("timestamp=2013-10-08", list(range(10))),
        ("timestamp=2013-10-07", []),
        ("timestamp.gt=2013-10-08", []),
        ("timestamp.gt=2013-10-07", list(range(10))),
        ("timestamp.lte=2013-10-08", list(range(10))),
        ("timestamp.lt=2013-10-08", []),
        ("sort=timestamp&unknown=1", list(range(10))),
    ],
)
def test_filters_keep_the_trades_that_their_bounds_say(api: Api, query: str, expected: list[int]) -> None:
    assert ids(api, query) == expected


def test_a_date_is_a_new_york_day() -> None:
    """2013-10-08 there is from 04:00Z to 04:00Z."""
    api = Api()
    midnight = T0 - 9 * 3_600_000 - 1_800_000
    for n, t in enumerate((midnight - 1, midnight, midnight + 86_399_999, midnight + 86_400_000)):
        api.ticks.add("SPY", row(n, t))
    assert ids(api, "timestamp=2013-10-08") == [1, 2]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limit=0", "limit"),
        ("limit=50001", "limit"),
        ("limit=x", "limit"),
        ("order=up", "order"),
        ("sort=price", "sort"),
        ("timestamp=yesterday", "timestamp"),
        ("timestamp.gte=2013-13-01", "timestamp.gte"),
        ("timestamp.lt=-1", "timestamp.lt"),
        ("timestamp.lt=1.5", "timestamp.lt"),
        ("timestamp.lt=1&timestamp.lt=2", "timestamp.lt"),
        ("timestamp.gt=99999999999999999999", "timestamp.gt"),
        ("cursor=abc", "cursor"),
        ("cursor=", "cursor"),
    ],
)
def test_a_parameter_that_breaks_its_rule_is_named(api: Api, query: str, text: str) -> None:
    answer = api.send(f"{URL}?{query}")
    assert answer["statusCode"] == 400
    assert f"'{text}'" in body_of(answer)["error"]


def test_a_cursor_belongs_to_its_ticker(api: Api) -> None:
    following = api.get(f"{URL}?limit=2")["next_url"].removeprefix(HOST)
    assert re.fullmatch(r"/v3/trades/SPY\?cursor=[\w-]+", following)
    assert api.send(following.replace("SPY", "BAC"))["statusCode"] == 400
    assert [trade["id"] for trade in api.get(following)["results"]] == ["7", "6"]


def test_a_page_reads_no_further_than_one_trade_behind_its_last(api: Api) -> None:
    api.get(f"{URL}?limit=3")
    assert api.ticks.reads == 4


def test_the_last_page_has_no_next_url(api: Api) -> None:
    assert "next_url" not in api.get(f"{URL}?limit=10")
    assert "next_url" in api.get(f"{URL}?limit=9")


def test_a_page_is_cut_where_the_answer_would_be_too_large_or_too_late_and_never_before_a_trade() -> None:
    request = read_request("SPY", {"order": ["asc"], "limit": ["50000"]})
    rows = [row(n, T0 + n) for n in range(3_000)]
    small = read_page(iter(rows), request, most=1)
    assert len(small.texts) == 1
    assert small.last == (T0, 0, 12, 0, "0")
    some = read_page(iter(rows), request, most=10_000)
    assert 1 < len(some.texts) < 100
    assert len(json.dumps(",".join(some.texts))) <= 10_000
    late = read_page(iter(rows), request, late=lambda: True)
    assert len(late.texts) == 1_000


def test_fifty_thousand_trades_fit_into_a_functions_answer_or_go_on() -> None:
    api = Api()
    for n in range(40_000):
        api.ticks.add("SPY", row(n, T0 + n, c=(14, 37, 41), x=4, trfi=202, i=f"{n:020d}"))
    answer = api.send(f"{URL}?limit=50000", Context())
    assert len(json.dumps(answer)) <= 6 * 2**20
    assert "next_url" in body_of(answer)


@pytest.mark.parametrize("path", [URL, "/v2/last/trade/SPY"])
def test_live_data_needs_a_key_with_its_scope(api: Api, path: str) -> None:
    answer = api.send(path, authorizer={**AUTHORIZED, "scopes": "bars:read"})
    assert answer["statusCode"] == 403
    assert api.send(path, authorizer=None)["statusCode"] == 401


@pytest.mark.parametrize("path", [URL, "/v2/last/trade/SPY"])
def test_a_ticks_table_that_does_not_answer_is_503(api: Api, path: str) -> None:
    api.ticks.down = True
    assert api.send(path)["statusCode"] == 503


# -- last trade --------------------------------------------------------------------------------------------------------


def test_the_last_trade_comes_from_the_cache() -> None:
    api = Api()
    api.cache.last["SPY"] = Trade("SPY", T0, 9, 4, 201, "5", 167_425_000_000, 1_500_000, (14, 41), 2)
    api.ticks.down = True
    assert api.send("/v2/last/trade/SPY")["body"] == (
        '{"results":{"T":"SPY","c":[14,41],"i":"5","p":167.425,"q":9,"s":1.5,'
        f'"t":{T0}000000,"x":4,"z":2,"r":201,"ds":"1.5"}},"status":"OK","request_id":"{REQUEST_ID}"}}'
    )


def test_without_the_cache_the_last_trade_is_the_newest_tick(api: Api) -> None:
    results = api.get("/v2/last/trade/SPY")["results"]
    assert results == {
        "T": "SPY",
        "c": [14, 41],
        "i": "9",
        "p": 167.42,
        "q": 9,
        "s": 210,
        "t": (T0 + 9_000) * NS,
        "x": 12,
        "z": 2,
    }


def test_a_symbol_without_any_trade_is_404_in_polygons_words(api: Api) -> None:
    answer = api.send("/v2/last/trade/ZZZZQ")
    assert answer["statusCode"] == 404
    assert body_of(answer) | {"request_id": ""} == {
        "status": "NOT_FOUND",
        "request_id": "",
        "error": "Ticker not found.",
        "message": "Ticker not found.",
    }
