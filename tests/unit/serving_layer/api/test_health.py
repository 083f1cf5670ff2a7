"""Health: sums over epochs, the feed's state, and which parts answer."""

from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.stores.control import ingest_state
from tests.unit.serving_layer.doubles import NOW_S, Api, Control, Forming
from tests.unit.serving_layer.events import REQUEST_ID, body_of

EPOCHS = [
    {
        "pk": "ingest",
        "sk": "0000000001",
        "state": "running",
        "trades_in": 100,
        "accepted": 90,
        "frames": 10,
        "parts": 20,
        "bars": 5,
        "late": 1,
        "duplicates": 4,
        "quarantined": 6,
        "last_trade_ms": 1_381_239_000_000,
        "quarantined_by_reason": {"price": 4, "future": 2},
        "ignored": {"status": 1},
    },
    {
        "pk": "ingest",
        "sk": "0000000002",
        "state": "ended",
        "trades_in": 7,
        "accepted": 7,
        "frames": 1,
        "parts": 2,
        "bars": 3,
        "late": 0,
        "duplicates": 0,
        "quarantined": 0,
        "gaps_unfilled": 1,
        "last_trade_ms": 0,
        "quarantined_by_reason": {"price": 1},
        "ignored": {"A": 3, "status": 1},
    },
]


def test_counts_are_summed_over_the_epochs_of_the_ingester() -> None:
    feed = {"pk": "feed", "sk": "state", "source": "trades/", "state": "ended", "lost": 2}
    assert Api(control=Control(feed, EPOCHS)).get("/v1/health", authorizer=None) == {
        "status": "OK",
        "request_id": REQUEST_ID,
        "feed": {
            "source": "trades/",
            "simulated": False,
            "state": "ended",
            "trades_in": 107,
            "last_trade_ms": 1_381_239_000_000,
        },
        "components": {"ingest": "ended", "tables": "ok", "cache": "ok", "database": "none"},
        "counts": {
            "frames": 11,
            "parts": 22,
            "bars": 8,
            "signals": 0,
            "late": 1,
            "duplicates": 4,
            "quarantined": 6,
            "gaps_unfilled": 1,
            "lost": 2,
        },
        "quarantined_by_reason": {"price": 5, "future": 2},
        "ignored": {"status": 2, "A": 3},
    }


def test_a_platform_that_never_had_a_feed_says_so_without_a_key() -> None:
    body = Api().get("/v1/health", authorizer=None)
    assert body["feed"] == {
        "source": None,
        "simulated": False,
        "state": "none",
        "trades_in": 0,
        "last_trade_ms": None,
    }
    assert body["components"]["ingest"] == "none"
    assert body["counts"]["lost"] == 0
    assert "local_key" not in body


def test_a_simulated_market_says_so_and_signals_are_counted_by_the_function_that_stores_them() -> None:
    control = Control({"source": "sim", "state": "running"})
    control.signals = {"stored": 12}
    body = Api(control=control).get("/v1/health", authorizer=None)
    assert body["feed"]["simulated"] is True
    assert body["counts"]["signals"] == 12


def test_the_local_key_is_given_away_only_where_it_is_set() -> None:
    assert Api(local_key="cv_1_2").get("/v1/health", authorizer=None)["local_key"] == "cv_1_2"


def test_a_cache_that_is_gone_is_named_and_fails_nothing() -> None:
    body = Api(forming=Forming(alive=False)).get("/v1/health", authorizer=None)
    assert body["components"]["cache"] == "unavailable"
    assert body["status"] == "OK"


def test_a_control_table_that_does_not_answer_is_503() -> None:
    class Down(Control):
        def feed(self) -> dict[str, Any]:
            raise StoreUnavailable("control table")

    answer = Api(control=Down()).send("/v1/health", authorizer=None)
    assert answer["statusCode"] == 503
    assert body_of(answer)["status"] == "ERROR"


def test_an_ingester_that_says_nothing_any_more_is_not_running() -> None:
    told = {"state": "running", "connection": "up", "told_ms": 1_000_000}
    assert ingest_state(told, 1_015_000) == "running"
    assert ingest_state(told, 1_015_001) == "unavailable"
    assert ingest_state({**told, "state": "stopped"}, 9_000_000) == "stopped"


@pytest.mark.fault("F04")
@pytest.mark.parametrize("connection", ["connecting", "gone", "silent"])
def test_an_ingester_without_a_feed_says_so(connection: str) -> None:
    epochs = [{"state": "running", "connection": connection, "told_ms": NOW_S * 1000}]
    assert Api(control=Control({}, epochs)).get("/v1/health", authorizer=None)["components"]["ingest"] == connection
