"""Trades, snapshots and days by the vendor's own clients under both names, unmodified, over HTTP."""

from importlib import import_module
from typing import Any

import pytest

from shared.frames import TradeRow
from shared.models.bar import Edges
from shared.models.trade import Trade
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of
from tests.unit.serving_layer.http_shim import serving

NS = 10**6
DAY_MS = 86_400_000
HOUR = 60 * MINUTE


@pytest.fixture(scope="module")
def api() -> Api:
    """SPY, AIG and BAC on two days of 2013; trades of SPY on the second, many of them in one millisecond."""
    api = Api(control=Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": T0}], ["AIG", "BAC", "SPY"]))
    for sym, monday, tuesday in (("SPY", 16_700, 16_750), ("AIG", 4_900, 5_000), ("BAC", 1_400, 1_386)):
        for t, cents in ((T0 - DAY_MS, monday), (T0, tuesday)):
            minute = minute_of(t, first=cents, last=cents, high=cents + 5, low=cents - 5, size=20_000)
            api.rows.put_base(sym, t, minute, NOW_S)
    early = minute_of(T0 - HOUR, first=16_800, last=16_801, high=16_805, low=16_795)._replace(day=Edges())
    api.rows.put_base("SPY", T0 - HOUR, early, NOW_S)
    for n in range(25):
        api.ticks.add("SPY", TradeRow(T0 + n // 10, n, 4, 202, f"t{n}", "167.5", "0.5", (14, 37), 2))
    api.cache.last["SPY"] = Trade("SPY", T0 + 2, 24, 4, 202, "t24", 167_500_000_000, 500_000, (14, 37), 2)
    return api


@pytest.fixture(params=["polygon", "massive"])
def module(request: pytest.FixtureRequest) -> Any:
    """Imported here and not by every worker of a run."""
    return import_module(request.param)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 7, 25, 50_000])
def test_the_client_pages_through_every_trade_once_in_order(api: Api, module: Any, order: str, limit: int) -> None:
    asked: list[str] = []
    with serving(api, asked) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        trades = list(
            client.list_trades("SPY", timestamp_gte=T0 * NS, timestamp_lt="2013-10-09", order=order, limit=limit)
        )
    expected = [f"t{n}" for n in range(25)]
    assert [trade.id for trade in trades] == (expected if order == "asc" else expected[::-1])
    assert len(asked) == -(-25 // limit)
    first = next(trade for trade in trades if trade.id == "t0")
    assert (first.price, first.size, first.exchange, first.trf_id, first.tape) == (167.5, 0.5, 4, 202, 2)
    assert (first.sip_timestamp, first.sequence_number, first.conditions) == (T0 * NS, 0, [14, 37])


def test_the_client_gets_the_last_trade(api: Api, module: Any) -> None:
    with serving(api, []) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        last = client.get_last_trade("SPY")
        with pytest.raises(module.exceptions.BadResponse, match="Ticker not found"):
            client.get_last_trade("ZZZZQ")
    assert (last.ticker, last.price, last.size, last.exchange, last.id) == ("SPY", 167.5, 0.5, 4, "t24")
    assert (last.sip_timestamp, last.sequence_number, last.trf_id) == ((T0 + 2) * NS, 24, 202)


def test_the_client_gets_a_snapshot_of_one_symbol(api: Api, module: Any) -> None:
    with serving(api, []) as base:
        found = module.RESTClient(api_key="cv_1_2", base=base).get_snapshot_ticker("stocks", "SPY")
    assert (found.ticker, found.todays_change, found.todays_change_percent) == ("SPY", 0.5, 0.2994)
    assert found.updated == (T0 + 2) * NS
    assert (found.day.open, found.day.high, found.day.low, found.day.close, found.day.volume) == (
        167.5,
        167.55,
        167.45,
        167.5,
        20_100,
    )
    assert (found.prev_day.close, found.min.timestamp, found.min.accumulated_volume) == (167, T0, 20_100)
    assert (found.last_trade.price, found.last_quote) == (167.5, None)


def test_the_client_gets_snapshots_of_several_symbols_and_of_all(api: Api, module: Any) -> None:
    with serving(api, []) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        assert [one.ticker for one in client.get_snapshot_all("stocks")] == ["AIG", "BAC", "SPY"]
        assert [one.ticker for one in client.get_snapshot_all("stocks", ["SPY", "AIG"])] == ["AIG", "SPY"]


def test_the_client_gets_gainers_and_losers(api: Api, module: Any) -> None:
    with serving(api, []) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        gainers, losers = (client.get_snapshot_direction("stocks", way) for way in ("gainers", "losers"))
    assert [(one.ticker, one.todays_change_percent) for one in gainers] == [("AIG", 2.0408), ("SPY", 0.2994)]
    assert [(one.ticker, one.todays_change_percent) for one in losers] == [("BAC", -1)]


def test_the_client_gets_the_previous_close_and_a_days_open_and_close(api: Api, module: Any) -> None:
    with serving(api, []) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        (before,) = client.get_previous_close_agg("SPY")
        day = client.get_daily_open_close_agg("SPY", "2013-10-08")
        with pytest.raises(module.exceptions.BadResponse, match="NOT_FOUND"):
            client.get_daily_open_close_agg("SPY", "2013-10-12")
    assert (before.ticker, before.close, before.volume) == ("SPY", 167, 20_000)
    assert before.timestamp == T0 - DAY_MS + 6 * HOUR + 30 * MINUTE
    assert (day.symbol, day.from_, day.open, day.close, day.pre_market, day.after_hours) == (
        "SPY",
        "2013-10-08",
        167.5,
        167.5,
        168,
        None,
    )
