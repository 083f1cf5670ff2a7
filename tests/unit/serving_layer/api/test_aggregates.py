"""Custom bars, request by request."""

import base64
import gzip
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.models.bar import Partial
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Forming, minute_of
from tests.unit.serving_layer.events import AUTHORIZED, HEADERS, REQUEST_ID, Context, body_of

TICKER = "/v2/aggs/ticker/SPY/range"
DAY = f"{TICKER}/1/minute/2013-10-08/2013-10-08"
HOST = "https://bars.example.com"


def usual(t: int, count: int = 2) -> Partial:
    return minute_of(t, first=16_742, last=16_750, high=16_800, low=16_700, count=count)


@pytest.fixture
def api() -> Api:
    """Ten minutes of SPY from 09:30."""
    api = Api()
    for i in range(10):
        api.rows.put_base("SPY", T0 + i * MINUTE, usual(T0 + i * MINUTE), NOW_S)
    return api


def follow(api: Api, url: str) -> Iterator[dict[str, Any]]:
    """Every page, by `next_url` alone."""
    while True:
        body = api.get(url)
        yield body
        if "next_url" not in body:
            return
        url = body["next_url"].removeprefix(HOST)


def times(body: dict[str, Any]) -> list[int]:
    """Starts of the bars, in minutes after T0."""
    return [(bar["t"] - T0) // MINUTE for bar in body.get("results", [])]


def test_a_minute_bar_has_polygons_fields_in_plain_decimals() -> None:
    api = Api()
    api.rows.put_base(
        "SPY", T0, minute_of(T0, first=16742, last=16750, high=16800, low=16700, size=250, count=7), NOW_S
    )
    answer = api.send(DAY)
    assert answer["body"] == (
        '{"ticker":"SPY","queryCount":1,"resultsCount":1,"adjusted":false,'
        f'"results":[{{"v":250,"vw":167.46,"o":167.42,"c":167.5,"h":168,"l":167,"t":{T0},"n":7}}],'
        f'"status":"OK","request_id":"{REQUEST_ID}","count":1}}'
    )
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/json"]
    assert answer["multiValueHeaders"]["X-Request-Id"] == [REQUEST_ID]


def test_a_symbol_nobody_has_traded_answers_200_without_results() -> None:
    body = Api().get("/v2/aggs/ticker/ZZZZQ/range/1/minute/2013-10-08/2013-10-08")
    assert body["queryCount"] == body["resultsCount"] == body["count"] == 0
    assert "results" not in body
    assert "next_url" not in body


def test_minutes_are_rolled_up_into_windows_counted_from_the_snapped_start(api: Api) -> None:
    body = api.get(f"{TICKER}/4/minute/{T0 + 3 * MINUTE + 5}/{T0 + 8 * MINUTE}")
    assert times(body) == [3, 7]
    assert [bar["n"] for bar in body["results"]] == [8, 6]
    assert body["queryCount"] == 7


def test_bars_of_an_hour_start_at_the_hour(api: Api) -> None:
    body = api.get(f"{TICKER}/1/hour/{T0}/{T0}")
    assert times(body) == [-30]
    assert body["results"][0]["n"] == 20


def test_the_limit_counts_minutes_and_the_window_it_cuts_off_waits_for_the_next_page(api: Api) -> None:
    """As in Polygon's example: 100 minutes read of two hours give one whole hour."""
    url = f"{TICKER}/4/minute/{T0}/{T0 + 9 * MINUTE}?limit=6"
    pages = list(follow(api, url))
    assert [times(page) for page in pages] == [[0], [4, 8]]
    assert [page["queryCount"] for page in pages] == [4, 6]


def test_a_limit_that_ends_with_a_window_cuts_nothing_off(api: Api) -> None:
    pages = list(follow(api, f"{TICKER}/5/minute/{T0}/{T0 + 9 * MINUTE}?limit=5"))
    assert [times(page) for page in pages] == [[0], [5]]


def test_a_limit_smaller_than_a_window_still_gives_one_whole_window_a_page(api: Api) -> None:
    for sort, expected in (("asc", [[0], [5]]), ("desc", [[5], [0]])):
        pages = list(follow(api, f"{TICKER}/5/minute/{T0}/{T0 + 9 * MINUTE}?limit=1&sort={sort}"))
        assert [times(page) for page in pages] == expected
        assert {bar["n"] for page in pages for bar in page["results"]} == {10}


def test_a_minute_without_an_open_is_merged_upward_and_never_shown_or_a_page_of_its_own(api: Api) -> None:
    volume_only = Partial(volume=5 * 10**6, notional=5 * 167 * 10**15, count=1)
    for i in (10, 11):
        api.rows.put_base("SPY", T0 + i * MINUTE, volume_only, NOW_S)
    api.rows.put_base("SPY", T0 + 12 * MINUTE, usual(T0 + 12 * MINUTE), NOW_S)
    pages = list(follow(api, f"{DAY}?limit=1"))
    assert [times(page) for page in pages] == [[i] for i in (*range(10), 12)]
    assert api.get(f"{TICKER}/13/minute/{T0}/{T0}")["results"][0]["n"] == 24


def test_a_bar_without_volume_has_no_vwap() -> None:
    api = Api()
    api.rows.put_base("SPY", T0, usual(T0)._replace(volume=0, notional=0, count=0), NOW_S)
    [bar] = api.get(DAY)["results"]
    assert "vw" not in bar
    assert (bar["v"], bar["n"], bar["o"]) == (0, 0, 167.42)


def test_a_read_stops_where_the_limit_does(api: Api) -> None:
    api.get(f"{DAY}?limit=3")
    assert api.rows.reads == 4  # one more tells whether there is a next page


def test_the_last_page_has_no_next_url_even_when_the_limit_is_just_met(api: Api) -> None:
    assert "next_url" not in api.get(f"{DAY}?limit=10")
    assert "next_url" in api.get(f"{DAY}?limit=9")


def test_the_next_url_keeps_anchor_sort_limit_and_adjusted_and_never_the_key(api: Api) -> None:
    url = f"{TICKER}/4/minute/{T0 + MINUTE}/{T0 + 9 * MINUTE}?limit=4&sort=desc&adjusted=false&apiKey=cv_secret"
    first, second, third = follow(api, url)
    assert [times(page) for page in (first, second, third)] == [[9], [5], [1]]
    assert first["next_url"].startswith(f"{HOST}{TICKER}/4/minute/{T0 + MINUTE}/{T0 + 9 * MINUTE - 1}?cursor=")
    assert "cv_secret" not in first["next_url"]
    cursor = base64.urlsafe_b64decode(first["next_url"].split("cursor=")[1] + "==").decode()
    assert "adjusted=false" in cursor
    assert "cv_secret" not in cursor


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Host": "127.0.0.1:8000"}, "http://127.0.0.1:8000"),
        ({"host": "localhost:8000"}, "http://localhost:8000"),
        ({"Host": "[::1]:8000"}, "http://[::1]:8000"),
        ({"Host": "abc.execute-api.us-east-1.amazonaws.com"}, "https://abc.execute-api.us-east-1.amazonaws.com"),
        ({"Host": "abc.execute-api.us-east-1.amazonaws.com", "x-cv-host": "bars.example.com"}, HOST),
        ({}, "https://1234567890.execute-api.us-east-1.amazonaws.com"),
    ],
)
def test_the_next_url_leads_to_the_host_that_was_asked(api: Api, headers: dict[str, str], expected: str) -> None:
    assert api.get(f"{DAY}?limit=1", headers=headers)["next_url"].startswith(f"{expected}/v2/aggs/ticker/SPY/")


@pytest.mark.parametrize("host", ["evil.example/path", "a b", "x\r\nSet-Cookie: a=1", "user@host", "host:port"])
def test_a_host_that_is_none_is_refused(api: Api, host: str) -> None:
    assert api.send(f"{DAY}?limit=1", headers={"Host": host})["statusCode"] == 400


def test_the_forming_minute_comes_from_the_cache(api: Api) -> None:
    t = T0 + 10 * MINUTE
    forming = Forming({("SPY", t): usual(t, 9), ("SPY", T0): usual(T0, 1), ("BAC", t): usual(t, 5)})
    assert [bar["n"] for bar in Api(rows=api.rows, forming=forming).get(DAY)["results"]] == [2] * 10 + [9]


def test_an_answer_is_compressed_for_clients_that_take_it_and_is_the_same(api: Api) -> None:
    plain = api.send(DAY)
    packed = api.send(DAY, headers={**HEADERS, "accept-encoding": "deflate, gzip;q=0.8"})
    assert packed["isBase64Encoded"] is True
    assert packed["multiValueHeaders"]["Content-Encoding"] == ["gzip"]
    assert gzip.decompress(base64.b64decode(packed["body"])).decode() == plain["body"]
    assert plain["isBase64Encoded"] is False
    assert "Content-Encoding" not in plain["multiValueHeaders"]
    for answer in (plain, packed):
        assert answer["multiValueHeaders"]["Vary"] == ["Accept-Encoding"]


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br, gzip; q=0.0, *", ""])
def test_an_answer_is_plain_for_clients_that_do_not(api: Api, accepted: str) -> None:
    assert api.send(DAY, headers={**HEADERS, "Accept-Encoding": accepted})["isBase64Encoded"] is False


def test_a_page_that_would_outgrow_an_answer_is_shortened_and_followed() -> None:
    """Sizes and prices with every digit they may have make bars of about 190 bytes."""
    api = Api()
    for i in range(40_000):
        t = T0 + i * MINUTE
        price = 987_654_321_123_456_789
        api.rows.put_base(
            "SPY",
            t,
            Partial(
                f"{t:013d}{1:012d}{price:018d}",
                f"{t:013d}{2:012d}{price:018d}",
                price,
                price,
                volume=123_456_789_123_456,
                notional=price * 123_456_789_123_456,
                count=1_000_000,
            ),
            NOW_S,
        )
    seen = 0
    for page in follow(api, f"{TICKER}/1/minute/{T0}/{T0 + 40_000 * MINUTE}?limit=50000"):
        assert page["queryCount"] == page["count"] == len(page["results"])
        assert times(page) == list(range(seen, seen + len(page["results"])))
        seen += len(page["results"])
    assert seen == 40_000
    assert len(json.dumps(api.send(f"{TICKER}/1/minute/{T0}/{T0 + 40_000 * MINUTE}?limit=50000"))) < 6 * 1024 * 1024


def test_a_page_ends_early_when_the_functions_time_runs_out_and_the_rest_follows() -> None:
    api = Api()
    for i in range(3_500):
        api.rows.put_base("SPY", T0 + i * MINUTE, usual(T0 + i * MINUTE), NOW_S)
    url = f"{TICKER}/1/minute/{T0}/{T0 + 3_499 * MINUTE}?limit=50000"
    hurried = body_of(api.send(url, context=Context(remaining_ms=2_000)))
    assert hurried["count"] == 1_000
    rest = api.get(hurried["next_url"].removeprefix(HOST))
    assert times(hurried) + times(rest) == list(range(3_500))


@pytest.mark.parametrize(
    "url",
    [
        f"{TICKER}/1/day/2013-10-08/2013-10-08",
        f"{TICKER}/0/minute/2013-10-08/2013-10-08",
        f"{TICKER}/1/minute/2013-10-09/2013-10-08",
        f"{TICKER}/1/minute/1381239000/1381239060",
        f"{DAY}?limit=50001",
        f"{DAY}?limit=1&limit=2",
        f"{DAY}?cursor=YWJj",
        "/v2/aggs/ticker/..%2f..%2fetc%00/range/1/minute/2013-10-08/2013-10-08",
    ],
)
def test_a_bad_request_is_400_in_polygons_envelope(api: Api, url: str) -> None:
    answer = api.send(url)
    body = body_of(answer)
    assert answer["statusCode"] == 400
    assert body["status"] == "ERROR"
    assert body["error"] == body["message"]
    assert body["request_id"] == REQUEST_ID
    assert set(body) == {"status", "request_id", "error", "message"}


def test_a_tampered_cursor_is_400(api: Api) -> None:
    url = api.get(f"{DAY}?limit=3")["next_url"].removeprefix(HOST)
    assert api.send(url)["statusCode"] == 200
    assert api.send(url[:-1] + ("A" if url[-1] != "A" else "B"))["statusCode"] == 400


def test_a_key_without_the_scope_is_403_and_a_request_that_met_no_authoriser_401(api: Api) -> None:
    other = api.send(DAY, authorizer={**AUTHORIZED, "scopes": "alerts:write live:read"})
    assert (other["statusCode"], body_of(other)["status"]) == (403, "NOT_AUTHORIZED")
    for authorizer in (None, {}, {"principalId": "x"}):
        nobody = api.send(DAY, authorizer=authorizer)
        assert (nobody["statusCode"], body_of(nobody)["error"]) == (401, "Unknown API Key")


class Broken:
    """Rows that cannot be read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def minutes(self, *_: Any, **__: Any) -> Iterator[Any]:
        """Fails at the first minute, as the store does, not when asked."""
        return map(self._fail, range(1))

    def _fail(self, _: int) -> Any:
        raise self._error


def test_a_table_that_does_not_answer_is_503_with_a_time_to_wait(api: Api) -> None:
    answer = Api(rows=Broken(StoreUnavailable("bars table: ThrottlingException in account 123456789012"))).send(DAY)
    assert answer["statusCode"] == 503
    assert answer["multiValueHeaders"]["Retry-After"] == ["1"]
    assert "123456789012" not in answer["body"]


def test_an_error_of_ours_is_500_and_its_text_goes_to_the_log_and_not_to_the_client(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("api").propagate = True
    try:
        with caplog.at_level(logging.ERROR, "api"):
            answer = Api(rows=Broken(ZeroDivisionError("a secret of ours"))).send(DAY)
    finally:
        logging.getLogger("api").propagate = False
    assert answer["statusCode"] == 500
    assert "secret" not in answer["body"]
    assert body_of(answer)["status"] == "ERROR"
    assert "a secret of ours" in str(caplog.records[0].exc_info)
