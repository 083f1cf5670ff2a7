"""Signals, request by request."""

from collections.abc import Iterator
from typing import Any

import pytest

from serving_layer.api import signals
from shared.models.signal import Signal, StoredSignal
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api
from tests.unit.serving_layer.events import AUTHORIZED, REQUEST_ID, Context, body_of

HOST = "https://bars.example.com"
DAY_MS = 86_400_000
NOW_MS = NOW_S * 1000


def stored(number: int, sym: str = "SPY", known_at: int = NOW_MS, **changes: Any) -> StoredSignal:
    """Signal `number`: of the bar that many minutes after T0."""
    signal = Signal(f"{number:024x}", "rsi_reversal", '{"period":14}', sym, "1m", T0 + number * MINUTE, "buy", "167.42")
    return StoredSignal(*signal, "active", known_at)._replace(**changes)


@pytest.fixture
def api() -> Api:
    """Ten signals of SPY and ten of BAC; those of BAC became known an hour later, one second after the other."""
    api = Api()
    api.signals.put_many(stored(n, known_at=NOW_MS - 2 * 3_600_000 + n * 1000) for n in range(10))
    api.signals.put_many(stored(n, "BAC", known_at=NOW_MS - 3_600_000 + n * 1000) for n in range(10, 20))
    return api


def follow(api: Api, url: str) -> Iterator[list[int]]:
    """Numbers of the signals of every page, by `next_url` alone."""
    while True:
        body = api.get(url)
        assert body["count"] == len(body["results"])
        yield [int(one["id"], 16) for one in body["results"]]
        if "next_url" not in body:
            return
        assert body["next_url"].startswith(f"{HOST}/v1/signals?cursor=")
        url = body["next_url"].removeprefix(HOST)


def test_a_signal_says_all_there_is_and_prices_and_params_are_as_they_were_stored() -> None:
    api = Api()
    api.signals.put_many([stored(3, status="withdrawn", side="sell")])
    assert api.get("/v1/signals?ticker=SPY") == {
        "status": "OK",
        "request_id": REQUEST_ID,
        "count": 1,
        "results": [
            {
                "id": "000000000000000000000003",
                "ticker": "SPY",
                "strategy": "rsi_reversal",
                "params": {"period": 14},
                "timeframe": "1m",
                "t": T0 + 3 * MINUTE,
                "side": "sell",
                "price": "167.42",
                "status": "withdrawn",
                "known_at": NOW_MS,
            }
        ],
    }


def test_without_signals_the_results_are_empty() -> None:
    assert Api().get("/v1/signals")["results"] == []
    assert Api().get("/v1/signals?ticker=ZZZZQ")["results"] == []


@pytest.mark.parametrize(("order", "expected"), [("asc", [*range(10)]), ("desc", [*range(9, -1, -1)])])
@pytest.mark.parametrize("limit", [1, 3, 9, 10, 11])
def test_those_of_a_ticker_come_by_bar_and_pages_hold_each_once(
    api: Api, order: str, expected: list[int], limit: int
) -> None:
    pages = list(follow(api, f"/v1/signals?ticker=SPY&order={order}&limit={limit}"))
    assert [number for page in pages for number in page] == expected
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize(("order", "expected"), [("asc", [*range(20)]), ("desc", [*range(19, -1, -1)])])
@pytest.mark.parametrize("limit", [1, 7, 20])
def test_those_of_all_come_by_the_time_they_were_known_over_the_days(
    api: Api, order: str, expected: list[int], limit: int
) -> None:
    for number in range(10):  # the first ten, long before the others: on days of their own
        row = stored(number, known_at=NOW_MS - (20 - 2 * number) * DAY_MS)
        api.signals.put_many([row])
    pages = list(follow(api, f"/v1/signals?order={order}&limit={limit}"))
    assert [number for page in pages for number in page] == expected


def test_the_newest_come_first_unless_asked_otherwise(api: Api) -> None:
    assert next(follow(api, "/v1/signals?limit=1")) == [19]
    assert next(follow(api, "/v1/signals?limit=1&ticker=SPY")) == [9]


def test_of_all_symbols_only_the_last_month_is_looked_through() -> None:
    api = Api()
    api.signals.put_many([stored(1, known_at=NOW_MS - 40 * DAY_MS), stored(2, known_at=NOW_MS - 20 * DAY_MS)])
    assert list(follow(api, "/v1/signals")) == [[2]]
    assert list(follow(api, "/v1/signals?ticker=SPY")) == [[2, 1]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("timeframe=5m", [4]),
        ("timeframe=1m&limit=4", [9, 8, 7, 6, 5, 3, 2, 1, 0]),
        ("strategy=macd_cross", [6]),
        ("status=withdrawn", [8]),
        ("status=ACTIVE&strategy=rsi_reversal", [9, 7, 5, 4, 3, 2, 1, 0]),
        (f"timestamp.gte={T0 + 7 * MINUTE}", [9, 8, 7]),
        (f"timestamp.lt={T0 + 2 * MINUTE}", [1, 0]),
        (f"timestamp.gte={T0 + 2 * MINUTE}&timestamp.lt={T0 + 4 * MINUTE}", [3, 2]),
        (f"timestamp.gte={T0 + 4 * MINUTE}&timestamp.lt={T0 + 2 * MINUTE}", []),
        ("timestamp.gte=2013-10-08&timestamp.lt=2013-10-09", [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ("timestamp.gte=2013-10-09", []),
        ("unknown=1&strategy=macd_cross", [6]),
    ],
)
@pytest.mark.parametrize("ticker", ["", "ticker=SPY&"])
def test_filters_hold_together_on_every_page(query: str, expected: list[int], ticker: str) -> None:
    api = Api()
    api.signals.put_many(stored(n, known_at=NOW_MS - 3_600_000 + n) for n in range(10))
    for number, changes in {4: {"tf": "5m"}, 6: {"strategy": "macd_cross"}, 8: {"status": "withdrawn"}}.items():
        api.signals.put_many([stored(number, known_at=NOW_MS - 3_600_000 + number, **changes)])
    pages = list(follow(api, f"/v1/signals?{ticker}{query}"))
    assert [number for page in pages for number in page] == expected


def test_a_page_ends_when_too_much_was_looked_at_for_it_and_the_next_goes_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "MOST_READ", 4)
    pages = list(follow(api, "/v1/signals?ticker=SPY&strategy=none_such"))
    assert pages == [[], [], []]


def test_a_page_ends_early_when_the_functions_time_runs_out_and_the_rest_follows() -> None:
    api = Api()
    api.signals.put_many(stored(n) for n in range(250))
    hurried = body_of(api.send("/v1/signals?ticker=SPY&limit=1000&order=asc", context=Context(remaining_ms=2_000)))
    assert hurried["count"] == 100
    rest = follow(api, hurried["next_url"].removeprefix(HOST))
    assert [number for page in rest for number in page] == [*range(100, 250)]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("ticker=..%2f%00", "ticker"),
        ("timeframe=2m", "timeframe"),
        ("strategy=a%20b", "strategy"),
        ("status=gone", "status"),
        ("order=up", "order"),
        ("limit=1001", "limit"),
        ("limit=0", "limit"),
        ("limit=1&limit=2", "limit"),
        ("timestamp.gte=1381239000", "timestamp.gte"),
        ("timestamp.lt=2013-02-30", "timestamp.lt"),
        ("timestamp.lt=-1", "timestamp.lt"),
        ("cursor=YWJj", "cursor"),
    ],
)
def test_a_bad_parameter_is_400_and_named(api: Api, query: str, named: str) -> None:
    answer = api.send(f"/v1/signals?{query}")
    body = body_of(answer)
    assert answer["statusCode"] == 400
    assert body["error"] == body["message"]
    assert f"'{named}'" in body["error"]


@pytest.mark.parametrize("ticker", ["", "ticker=SPY&"])
@pytest.mark.parametrize("end", ["2999-12-31", "2286-11-21", "10000000000000", "99999999999999"])
def test_a_bound_that_no_bar_ever_reaches_is_one_on_every_page(end: str, ticker: str) -> None:
    api = Api()
    api.signals.put_many(stored(n, known_at=NOW_MS + n) for n in range(5))
    pages = list(follow(api, f"/v1/signals?{ticker}timestamp.lt={end}&limit=2"))
    assert pages == [[4, 3], [2, 1], [0]]
    assert api.get(f"/v1/signals?{ticker}timestamp.gte={end}")["results"] == []


def test_the_store_is_asked_for_no_time_of_more_digits_than_its_keys_have(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api()
    asked: list[tuple[int, int]] = []

    def of_symbol(sym: str, start: int, end: int, **_: Any) -> Iterator[StoredSignal]:
        asked.append((start, end))
        return iter(())

    monkeypatch.setattr(api.signals, "of_symbol", of_symbol)
    api.get("/v1/signals?ticker=SPY&timestamp.gte=2286-11-20&timestamp.lt=2999-12-31")
    api.get("/v1/signals?ticker=SPY&timestamp.gte=2286-11-21")
    assert asked == [(9_999_954_000_000, 10**13)]


def test_a_tampered_cursor_is_400(api: Api) -> None:
    url = api.get("/v1/signals?limit=3")["next_url"].removeprefix(HOST)
    assert api.send(url)["statusCode"] == 200
    assert api.send(url[:-1] + ("A" if url[-1] != "A" else "B"))["statusCode"] == 400


def test_a_key_without_the_scope_is_403_and_a_request_that_met_no_authoriser_401(api: Api) -> None:
    assert api.send("/v1/signals", authorizer={**AUTHORIZED, "scopes": "live:read"})["statusCode"] == 403
    assert api.send("/v1/signals", authorizer=None)["statusCode"] == 401


def test_another_method_is_405(api: Api) -> None:
    assert api.send("/v1/signals", method="POST")["statusCode"] == 405
