"""The strict client: what is no whole answer is a failure, in bounded time, and the key stays where it belongs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from batch_layer.fetch import rest as module
from batch_layer.fetch.days import decode_bars
from batch_layer.fetch.rest import ATTEMPTS, PATIENCE_S
from shared.errors import AccessRefused, InvalidRecord, SourceUnavailable
from tests.unit.batch_layer.fetch.support import KEY, PassingTime, client
from tests.unit.shared.clients.vendor import Answer, Vendor, vendor


def page(*rows: object, **more: Any) -> Answer:
    return Answer(body=json.dumps({"status": "OK", "resultsCount": len(rows), "results": rows, **more}).encode())


@pytest.fixture
def server() -> Iterator[Vendor]:
    with vendor() as server:
        server.answers = [page(1)]
        yield server


@pytest.fixture
def time() -> PassingTime:
    return PassingTime()


def read(server: Vendor, time: PassingTime) -> list[str]:
    source = client(server.url, time)
    return [bytes(row).decode() for row in source.read(source.url("/v2/x"), decode_bars).rows]


def pages(server: Vendor, time: PassingTime) -> list[list[str]]:
    source = client(server.url, time)
    return [[bytes(row).decode() for row in one.rows] for one in source.pages(source.url("/v2/x"), decode_bars)]


def test_names_of_parameters_may_hold_dots_and_what_is_none_is_left_out() -> None:
    url = urlsplit(client("http://vendor/").url("/v3/x", date__gte="2020-01-02", ticker=None, limit=7))
    assert (url.netloc, url.path) == ("vendor", "/v3/x")
    assert parse_qs(url.query) == {"date.gte": ["2020-01-02"], "limit": ["7"]}


@pytest.mark.parametrize("status", ["OK", "DELAYED"])
def test_a_delayed_answer_is_an_answer(server: Vendor, time: PassingTime, status: str) -> None:
    server.answers = [page(7, status=status)]
    assert read(server, time) == ["7"]
    assert time.slept == []


@pytest.mark.parametrize("failure", [Answer(500), Answer(502), Answer(503), Answer(504), page(1)._replace(cut=50)])
def test_a_failure_is_tried_again_after_pauses_that_grow(server: Vendor, time: PassingTime, failure: Answer) -> None:
    server.answers = [failure, failure, failure, page(7)]
    assert read(server, time) == ["7"]
    assert time.slept == [1, 2, 4]


@pytest.mark.parametrize("failure", [Answer(503), page(1)._replace(cut=50), Answer(200, b"{")])
def test_a_failure_that_stays_leaves_the_source_unavailable(server: Vendor, time: PassingTime, failure: Answer) -> None:
    server.answers = [failure]
    with pytest.raises(SourceUnavailable, match=f"{ATTEMPTS} tries"):
        read(server, time)
    assert len(server.requests) == ATTEMPTS


BROKEN = [
    b"",
    b"{",
    b"<html>busy</html>",
    b"[]",
    b"\xff",
    b"[" * 100_000,
    b'{"status":"OK"}',
    b'{"status":"OK","resultsCount":1}',
    b'{"status":"OK","resultsCount":2,"results":[1]}',
    b'{"status":"OK","resultsCount":0,"results":null}',
    b'{"status":"ERROR","resultsCount":0,"results":[]}',
    b'{"resultsCount":0,"results":[]}',
]


@pytest.mark.parametrize("body", BROKEN)
def test_a_broken_body_with_status_200_is_a_failure_and_not_an_empty_answer(
    server: Vendor, time: PassingTime, body: bytes
) -> None:
    server.answers = [Answer(200, body), page(7)]
    assert read(server, time) == ["7"]
    server.answers = [Answer(200, body)]
    with pytest.raises(SourceUnavailable):
        read(server, time)


def test_nothing_found_is_said_by_a_count_of_zero(server: Vendor, time: PassingTime) -> None:
    server.answers = [Answer(200, b'{"status":"OK","queryCount":0,"resultsCount":0}')]
    assert read(server, time) == []


def test_a_limit_is_waited_out_and_is_no_failure(server: Vendor, time: PassingTime) -> None:
    server.answers = [*[Answer(429, headers=(("Retry-After", "7"),))] * 2 * ATTEMPTS, page(7)]
    assert read(server, time) == ["7"]
    assert time.slept == [7] * 2 * ATTEMPTS


@pytest.mark.parametrize("header", [(), (("Retry-After", "soon"),)])
def test_a_limit_without_a_usable_time_waits_out_the_minute(
    server: Vendor, time: PassingTime, header: tuple[tuple[str, str], ...]
) -> None:
    server.answers = [Answer(429, headers=header), page(7)]
    assert read(server, time) == ["7"]
    assert time.slept == [60]


def test_a_limit_that_says_not_to_wait_is_no_reason_to_hurry(server: Vendor, time: PassingTime) -> None:
    server.answers = [Answer(429, headers=(("Retry-After", "0"),)), page(7)]
    assert read(server, time) == ["7"]
    assert time.slept == [1]


def test_the_time_to_wait_may_be_a_date(server: Vendor, time: PassingTime) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.answers = [Answer(503, headers=(("Retry-After", later),)), page(7)]
    assert read(server, time) == ["7"]
    assert 20 < time.slept[0] <= 30


def test_what_is_held_up_longer_than_patience_lasts_is_given_up(server: Vendor, time: PassingTime) -> None:
    server.answers = [Answer(429, headers=(("Retry-After", "100"),))]
    started = time.now
    with pytest.raises(SourceUnavailable, match="lets no call through"):
        read(server, time)
    assert time.now - started <= PATIENCE_S
    assert len(server.requests) == PATIENCE_S // 100 + 1


def test_calls_keep_to_the_quota(server: Vendor, time: PassingTime) -> None:
    source = client(server.url, time, calls=5)
    started = time.now
    for _ in range(11):
        source.read(source.url("/v2/x"), decode_bars)
    assert time.now - started == 120
    assert source.calls == 11


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_tried_again(server: Vendor, time: PassingTime, status: int) -> None:
    server.answers = [Answer(status, f'{{"error":"Unknown API Key {KEY}"}}'.encode())]
    with pytest.raises(AccessRefused, match="check the key") as caught:
        read(server, time)
    assert KEY not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [204, 301, 400, 404])
def test_any_other_answer_is_invalid_at_once(server: Vendor, time: PassingTime, status: int) -> None:
    server.answers = [Answer(status, headers=(("Location", "/v2/y"),))]
    with pytest.raises(InvalidRecord, match=str(status)):
        read(server, time)
    assert len(server.requests) == 1


def test_the_key_goes_in_a_header_and_never_in_a_url_or_an_error(server: Vendor, time: PassingTime) -> None:
    server.answers = [Answer(500, KEY.encode())]
    with pytest.raises(SourceUnavailable) as caught:
        read(server, time)
    assert KEY not in str(caught.value)
    assert all(headers["Authorization"] == f"Bearer {KEY}" for _, headers in server.requests)
    assert not any(KEY in path for path, _ in server.requests)


def test_pages_follow_one_another_to_the_last(server: Vendor, time: PassingTime) -> None:
    server.answers = [page(1, next_url=f"{server.url}/v2/x?cursor=b"), page(2)]
    assert pages(server, time) == [["1"], ["2"]]
    assert [path for path, _ in server.requests] == ["/v2/x", "/v2/x?cursor=b"]


@pytest.mark.parametrize("host", ["https://elsewhere.example", "//elsewhere.example", ""])
def test_the_next_page_is_asked_of_our_host_whatever_the_answer_says(
    server: Vendor, time: PassingTime, host: str
) -> None:
    server.answers = [page(1, next_url=f"{host}/v2/x?cursor=b"), page(2)]
    assert pages(server, time) == [["1"], ["2"]]
    assert [path for path, _ in server.requests][1] == "/v2/x?cursor=b"


@pytest.mark.parametrize("back", ["/v2/x", "/v2/x?cursor=b", "/v2/x?cursor=c"])
def test_a_page_that_leads_back_is_asked_for_again_and_then_given_up(
    server: Vendor, time: PassingTime, back: str
) -> None:
    before = [page(1, next_url="/v2/x?cursor=b"), page(2, next_url="/v2/x?cursor=c")]
    server.answers = [*before, page(3, next_url=back), page(3)]
    assert pages(server, time) == [["1"], ["2"], ["3"]]
    server.answers = [*before, page(3, next_url=back)]
    with pytest.raises(SourceUnavailable, match="leads back"):
        pages(server, time)


def test_pages_without_end_are_given_up(server: Vendor, time: PassingTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PAGES", 3)
    server.answers = [page(number, next_url=f"/v2/x?cursor={number}") for number in range(9)]
    with pytest.raises(InvalidRecord, match="more than 3 pages"):
        pages(server, time)
    assert len(server.requests) == 3


def test_a_closed_port_is_the_sources_failure() -> None:
    source = client("http://127.0.0.1:1")
    with pytest.raises(SourceUnavailable, match="NewConnectionError"):
        source.read(source.url("/v2/x"), decode_bars)
