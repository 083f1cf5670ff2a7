"""The vendor's REST side: each of its failures is one of ours, in bounded time, and the key stays secret."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from shared.clients import polygon_rest
from shared.clients.polygon_rest import PolygonRest
from shared.errors import AccessRefused, InvalidRecord, SourceUnavailable
from tests.unit.shared.clients.vendor import Answer, Vendor, vendor

KEY = "pk_secret_123"
T = 1381239000123
ROW = {"sip_timestamp": T * 10**6, "sequence_number": 7, "exchange": 4, "id": "1", "price": 167.42, "size": 100}


def page(*rows: dict[str, Any], **more: Any) -> Answer:
    return Answer(body=json.dumps({"status": "OK", "results": rows, **more}).encode())


EMPTY_PAGE = page()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """The vendor, asked again without a pause."""
    monkeypatch.setattr(polygon_rest, "RETRIES", polygon_rest.RETRIES.new(backoff_factor=0))
    with vendor() as server:
        server.answers = [EMPTY_PAGE]
        yield server


@pytest.fixture
def source(server: Vendor) -> PolygonRest:
    return PolygonRest(server.url, KEY)


def ask(source: PolygonRest) -> Any:
    return source.trades("SPY", source.first_page("SPY", T))[:2]


def test_the_first_page_asks_for_the_oldest_trades_from_a_time_in_nanoseconds(source: PolygonRest) -> None:
    url = urlsplit(source.first_page("BRK.A", T))
    assert url.path == "/v3/trades/BRK.A"
    assert parse_qs(url.query) == {
        "timestamp.gte": [str(T * 1_000_000)],
        "order": ["asc"],
        "sort": ["timestamp"],
        "limit": ["50000"],
    }


def test_a_symbol_cannot_change_what_is_asked_for(source: PolygonRest) -> None:
    assert urlsplit(source.first_page("../v1?x#y", T)).path == "/v3/trades/..%2Fv1%3Fx%23y"


def test_rows_become_trade_events_of_the_symbol(server: Vendor, source: PolygonRest) -> None:
    server.answers = [page(ROW)]
    (event,), following = ask(source)
    assert (event.sym, event.t, event.q, event.p, event.s) == ("SPY", T, 7, 167.42, 100.0)
    assert following is None


def test_a_compressed_page_is_read(server: Vendor, source: PolygonRest) -> None:
    server.answers = [page(ROW)._replace(body=gzip.compress(page(ROW).body), headers=(("Content-Encoding", "gzip"),))]
    assert len(ask(source)[0]) == 1


def test_the_key_goes_in_a_header_and_never_in_a_url(server: Vendor, source: PolygonRest) -> None:
    server.answers = [page(ROW, next_url=f"{server.url}/v3/trades/SPY?cursor=abc"), EMPTY_PAGE]
    _, following = ask(source)
    assert following is not None
    source.trades("SPY", following)
    assert [urlsplit(path).query for path, _ in server.requests][1] == "cursor=abc"
    assert all(headers["Authorization"] == f"Bearer {KEY}" for _, headers in server.requests)
    assert not any(KEY in path for path, _ in server.requests)


@pytest.mark.parametrize(
    "following",
    [
        "https://elsewhere.example/v3/trades/SPY?cursor=abc",
        "https://elsewhere.example//third.example/v3/trades/SPY?cursor=abc",
        "//elsewhere.example/v3/trades/SPY?cursor=abc",
        "https://user:password@elsewhere.example:444/v3/trades/SPY?cursor=abc",
        "/v3/trades/SPY?cursor=abc",
    ],
)
def test_the_next_page_is_asked_of_the_same_host_whatever_the_answer_says(
    server: Vendor, source: PolygonRest, following: str
) -> None:
    server.answers = [page(ROW, next_url=following)]
    _, url = ask(source)
    assert url is not None
    assert url.startswith(f"{server.url}/")
    assert url.endswith("/v3/trades/SPY?cursor=abc")


def test_a_next_page_that_is_no_url_is_a_broken_page(server: Vendor, source: PolygonRest) -> None:
    server.answers = [page(ROW, next_url="https://[")]
    with pytest.raises(InvalidRecord) as caught:
        ask(source)
    assert caught.value.reason == "page"


def test_a_redirect_to_another_host_does_not_carry_the_key(server: Vendor, source: PolygonRest) -> None:
    with vendor() as elsewhere:
        elsewhere.answers = [EMPTY_PAGE]
        target = elsewhere.url.replace("127.0.0.1", "localhost")
        server.answers = [Answer(302, headers=(("Location", f"{target}/stolen"),))]
        ask(source)
        assert [path for path, _ in elsewhere.requests] == ["/stolen"]
        assert "Authorization" not in elsewhere.requests[0][1]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failure_of_the_vendor_is_tried_again_and_forgotten(server: Vendor, source: PolygonRest, status: int) -> None:
    server.answers = [Answer(status), Answer(status), page(ROW)]
    assert len(ask(source)[0]) == 1
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failure_that_stays_leaves_the_source_unavailable(server: Vendor, source: PolygonRest, status: int) -> None:
    server.answers = [Answer(status)]
    with pytest.raises(SourceUnavailable, match=str(status)):
        ask(source)
    assert len(server.requests) == 5


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_tried_again(server: Vendor, source: PolygonRest, status: int) -> None:
    server.answers = [Answer(status, b'{"status":"NOT_AUTHORIZED"}')]
    with pytest.raises(AccessRefused, match="check the key") as caught:
        ask(source)
    assert len(server.requests) == 1
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("status", [204, 400, 404, 414])
def test_any_other_answer_is_invalid(server: Vendor, source: PolygonRest, status: int) -> None:
    server.answers = [Answer(status)]
    with pytest.raises(InvalidRecord) as caught:
        ask(source)
    assert caught.value.reason == "status"


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"{}", b"[]", b'{"status":"OK","results":null}', b"\xff"])
def test_a_broken_body_is_invalid_and_not_an_empty_page(server: Vendor, source: PolygonRest, body: bytes) -> None:
    server.answers = [Answer(200, body)]
    with pytest.raises(InvalidRecord) as caught:
        ask(source)
    assert caught.value.reason == "page"


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"{}", b"[]", b'{"tickers":[{"updated":1}]}', b"[" * 100_000])
def test_a_broken_snapshot_is_invalid_and_not_a_silent_market(server: Vendor, source: PolygonRest, body: bytes) -> None:
    server.answers = [Answer(200, body)]
    with pytest.raises(InvalidRecord) as caught:
        source.traded_since(T)
    assert caught.value.reason == "snapshot"


def test_the_snapshot_tells_who_has_traded_since_a_time_included(server: Vendor, source: PolygonRest) -> None:
    tickers = [
        {"ticker": "B", "updated": T * 10**6, "day": {}},
        {"ticker": "OLD", "updated": T * 10**6 - 1},
        {"ticker": "A", "updated": T * 10**6 + 1},
        {"ticker": "NEVER"},
    ]
    server.answers = [Answer(200, json.dumps({"tickers": tickers}).encode())]
    assert source.traded_since(T) == ["A", "B"]


def test_a_body_that_ends_early_leaves_the_source_unavailable(server: Vendor, source: PolygonRest) -> None:
    server.answers = [page(ROW)._replace(cut=100)]
    with pytest.raises(SourceUnavailable, match="did not answer"):
        ask(source)


def test_a_body_that_once_ended_early_is_asked_for_again(server: Vendor, source: PolygonRest) -> None:
    server.answers = [page(ROW)._replace(cut=100), page(ROW)]
    assert len(ask(source)[0]) == 1
    assert len(server.requests) == 2


def test_a_corrupt_compressed_body_leaves_the_source_unavailable(server: Vendor, source: PolygonRest) -> None:
    server.answers = [Answer(200, b"not gzip", (("Content-Encoding", "gzip"),))]
    with pytest.raises(SourceUnavailable, match="DecodeError"):
        ask(source)


def test_a_closed_port_leaves_the_source_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polygon_rest, "RETRIES", polygon_rest.RETRIES.new(backoff_factor=0))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="did not answer"):
        ask(PolygonRest(f"http://127.0.0.1:{port}", KEY))


def test_a_vendor_that_never_answers_is_given_up_in_bounded_time(
    server: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polygon_rest, "TIMEOUT", urllib3.Timeout(connect=0.1, read=0.1))
    released = threading.Event()
    server.answers = [EMPTY_PAGE._replace(never=released)]
    started = time.monotonic()
    with pytest.raises(SourceUnavailable, match="did not answer"):
        ask(PolygonRest(server.url, KEY))
    assert time.monotonic() - started < 30, "the official client would wait for ever"
    released.set()


def test_every_wait_has_an_end() -> None:
    """connect + read, and all pauses between five tries."""
    assert (polygon_rest.TIMEOUT.connect_timeout, polygon_rest.TIMEOUT.read_timeout) == (2.0, 10.0)
    retries = polygon_rest.RETRIES
    assert retries.total == 4
    assert sum(retries.backoff_factor * 2**n for n in range(4)) <= 5


def test_the_vendors_wish_to_wait_is_honoured_up_to_a_limit(
    server: Vendor, source: PolygonRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour would hold a gap open long after the promise has moved on."""
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    server.answers = [
        Answer(429, headers=(("Retry-After", "2"),)),
        Answer(503, headers=(("Retry-After", "3600"),)),
        page(ROW),
    ]
    assert len(ask(source)[0]) == 1
    assert [pause for pause in slept if pause > 0.5] == [2, 5], "the server thread polls in shorter sleeps"
