"""The REST side, seen over HTTP."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Any

import pytest

from local_dev.vendor.server import VendorServer
from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.vendor.support import OPEN_MS, MovedClock, line, record, serving_beside, trade, wait_until

TICKERS = "/v2/snapshot/locale/us/markets/stocks/tickers"
NS = 1_000_000


class Http:
    def __init__(self, server: VendorServer) -> None:
        self._port = server.port

    def get(self, target: str, key: str | None = "key", method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(method, target, headers={"Authorization": f"Bearer {key}"} if key else {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def json(self, target: str, key: str | None = "key") -> Any:
        status, _, body = self.get(target, key)
        assert status == 200, body
        return json.loads(body)

    def pages(self, target: str) -> Iterator[list[Any]]:
        """Follow `next_url` as the official client does: path and query only."""
        page = self.json(target)
        yield page["results"]
        while "next_url" in page:
            assert page["next_url"].startswith(f"http://127.0.0.1:{self._port}/v3/trades/")
            assert "?" in page["next_url"]
            page = self.json(page["next_url"].partition(f":{self._port}")[2])
            yield page["results"]


def numbers(results: list[Any]) -> list[int]:
    return [event["sequence_number"] for event in results]


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def http(tmp_path: Path, clock: MovedClock) -> Iterator[Http]:
    """Trades of A and B every 10 ms in turn, one of them twice, two odd lines; the clock stands at the 40th."""
    events: list[dict[str, Any] | bytes] = [trade(number, sym="AB"[number % 2]) for number in range(60)]
    events[30:30] = [trade(4, sym="A"), b"{broken", line(trade(2, sym="A", i="nan")).replace(b"167.42", b"NaN")]
    settings = VendorSettings(api_key="key")
    with serving_beside(record(tmp_path / "a.jsonl", events), settings, clock) as server:
        wait_until(lambda: server.feed.sent == 1)
        clock.now += 0.395
        wait_until(lambda: server.feed.sent == 43)
        yield Http(server)


def test_only_what_the_clock_has_passed_can_be_read_and_each_trade_once(http: Http) -> None:
    page = http.json("/v3/trades/A?order=asc")
    assert numbers(page["results"]) == list(range(0, 40, 2))
    assert (page["status"], page["count"], "next_url" in page, len(page["request_id"])) == ("OK", 20, False, 32)
    assert page["results"][0]["sip_timestamp"] == OPEN_MS * NS


def test_the_newest_come_first_unless_asked_otherwise(http: Http) -> None:
    assert numbers(http.json("/v3/trades/B")["results"]) == list(range(39, 0, -2))


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 3, 7, 10, 50])
def test_pages_hold_every_trade_once_whatever_their_size(http: Http, order: str, limit: int) -> None:
    window = f"timestamp.gte={(OPEN_MS + 50) * NS}&timestamp.lt={(OPEN_MS + 250) * NS}"
    pages = list(http.pages(f"/v3/trades/A?{window}&order={order}&limit={limit}"))
    expected = list(range(6, 25, 2))
    assert [number for page in pages for number in numbers(page)] == (expected if order == "asc" else expected[::-1])
    assert all(len(page) == limit for page in pages[:-1])


def test_a_walk_goes_on_while_the_clock_does(http: Http, clock: MovedClock) -> None:
    first = http.json("/v3/trades/A?order=asc&limit=15")
    clock.now += 10
    wait_until(lambda: bool(http.json("/__feed", key=None)["ended"]))
    rest = http.json(first["next_url"].partition("/v3")[1] + first["next_url"].partition("/v3")[2])
    assert numbers(first["results"] + rest["results"]) == list(range(0, 60, 2))[:30]


def test_an_unknown_ticker_has_no_trades(http: Http) -> None:
    page = http.json("/v3/trades/a")
    assert (page["results"], page["status"], "next_url" in page) == ([], "OK", False)


def test_the_snapshot_holds_the_last_trade_of_each_ticker_that_has_traded(http: Http) -> None:
    tickers = http.json(TICKERS)["tickers"]
    last = [(entry["ticker"], entry["lastTrade"]["i"], entry["updated"]) for entry in tickers]
    assert last == [("A", "38", (OPEN_MS + 380) * NS), ("B", "39", (OPEN_MS + 390) * NS)]
    assert [entry["ticker"] for entry in http.json(f"{TICKERS}?tickers=B,GONE")["tickers"]] == ["B"]
    assert http.json(f"{TICKERS}?tickers=GONE")["tickers"] == []


def test_a_ticker_that_has_not_traded_yet_is_not_in_the_snapshot(tmp_path: Path, clock: MovedClock) -> None:
    path = record(tmp_path / "b.jsonl", [trade(0, sym="A"), trade(1, sym="B")])
    with serving_beside(path, VendorSettings(), clock) as server:
        wait_until(lambda: server.feed.sent == 1)
        assert [entry["ticker"] for entry in Http(server).json(TICKERS)["tickers"]] == ["A"]


def test_the_key_comes_as_bearer_or_in_the_query(http: Http) -> None:
    assert http.get("/v3/trades/A?apiKey=key", key=None)[0] == 200
    for target, key in [("/v3/trades/A", None), ("/v3/trades/A", "wrong"), ("/v3/trades/A?apiKey=wrong", None)]:
        status, headers, body = http.get(target, key)
        error = json.loads(body)
        assert (status, error["status"], error["error"], error["message"]) == (401, "ERROR", *["Unknown API Key"] * 2)
        assert headers["X-Request-Id"] == error["request_id"]


def test_next_url_does_not_hold_the_key(http: Http) -> None:
    status, _, body = http.get("/v3/trades/A?limit=1&apiKey=key", key=None)
    assert status == 200
    assert "key" not in json.loads(body)["next_url"].lower()


def test_errors_have_the_vendors_shape(http: Http) -> None:
    status, _, body = http.get("/v3/trades/A?order=sideways")
    assert (status, json.loads(body)["status"]) == (400, "ERROR")
    assert "order" in json.loads(body)["error"]
    for target, method in [("/v3/quotes/A", "GET"), ("/", "GET"), ("/v3/trades/A", "POST")]:
        status, _, body = http.get(target, method=method)
        assert (status, json.loads(body)["status"]) == (404, "NOT_FOUND")
        assert json.loads(body)["error"] == json.loads(body)["message"] != ""


def test_the_state_of_the_feed_is_open(http: Http) -> None:
    state = http.json("/__feed", key=None)
    assert state == {"clock_ms": OPEN_MS + 395, "sent": 43, "total": 63, "ended": False, "held": False, "clients": 0}


def test_rest_faults_hit_the_next_requests_in_turn(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(0)])
    with serving_beside(path, VendorSettings(faults="http500@1,http429@1:3s,truncate@1")) as server:
        http = Http(server)
        assert http.json("/__feed", key=None)["total"] == 1
        status, _, body = http.get("/v3/trades/SPY")
        assert (status, json.loads(body)["status"]) == (500, "ERROR")
        status, headers, body = http.get("/v3/trades/SPY")
        assert (status, headers["Retry-After"]) == (429, "3")
        assert "maximum requests" in json.loads(body)["error"]
        with pytest.raises(IncompleteRead):
            http.get("/v3/trades/SPY")
        assert len(http.json("/v3/trades/SPY")["results"]) == 1
