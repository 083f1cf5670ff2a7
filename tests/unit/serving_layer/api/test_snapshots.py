"""Snapshots: what is known of symbols now, with and without closed hours at hand."""

import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_layer.api.days import Hours
from shared.bars.algebra import merge_all
from shared.errors import StoreUnavailable
from shared.frames import TradeRow
from shared.models.bar import Edges, Partial
from shared.models.trade import Trade
from tests.effort import examples
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of
from tests.unit.serving_layer.events import AUTHORIZED, REQUEST_ID, Context, body_of

STOCKS = "/v2/snapshot/locale/us/markets/stocks"
SPY = f"{STOCKS}/tickers/SPY"
HOUR = 60 * MINUTE
DAY_MS = 24 * HOUR
YESTERDAY = T0 - DAY_MS
MIDNIGHT = T0 - 9 * HOUR - 30 * MINUTE
"""2013-10-08 in New York."""
RECORDED = {"source": "trades/", "state": "ended"}
EPOCH = {"last_trade_ms": T0 + HOUR}


class Rings:
    """Closed hours by symbol; `asked`: the symbols of each reading, and from where on."""

    def __init__(self, hours: Mapping[str, Hours]) -> None:
        self.hours = hours
        self.asked: list[tuple[list[str], int]] = []

    def closed(self, symbols: Iterable[str], tf: str, through: str | None, since: int) -> dict[str, Hours]:
        assert tf == "1h"
        symbols = list(symbols)
        self.asked.append((symbols, since))
        return {sym: [hour for hour in self.hours[sym] if hour[0] >= since] for sym in symbols if sym in self.hours}


def market(symbols: Iterable[str] = ("SPY",), **parts: Any) -> Api:
    """A recorded feed that has come to 10:30 of 2013-10-08."""
    return Api(control=Control(RECORDED, [EPOCH], list(symbols)), **parts)


def put(api: Api, t: int, cents: int, *, sym: str = "SPY", size: int = 100) -> None:
    api.rows.put_base(sym, t, minute_of(t, first=cents, last=cents, high=cents, low=cents, size=size), NOW_S)


def last(sym: str = "SPY", t: int = T0 + 70_123, price: int = 167_500_000_000) -> Trade:
    return Trade(sym, t, 9, 4, 201, "5", price, 1_500_000, (14, 41), 2)


def test_a_snapshot_has_polygons_objects_with_exact_numbers() -> None:
    api = market()
    api.rows.put_base(
        "SPY", YESTERDAY, minute_of(YESTERDAY, first=16_600, last=16_700, high=16_800, low=16_500, size=1_000), NOW_S
    )
    for t, close in ((T0, 16_742), (T0 + MINUTE, 16_750)):
        minute = minute_of(t, first=16_740, last=close, high=16_760, low=16_730, size=250, count=7)
        api.rows.put_base("SPY", t, minute, NOW_S)
    api.cache.last["SPY"] = last()
    assert api.send(SPY)["body"] == (
        '{"ticker":{"ticker":"SPY","todaysChange":0.5,"todaysChangePerc":0.2994,'
        f'"updated":{T0 + 70_123}000000,'
        '"day":{"o":167.4,"h":167.6,"l":167.3,"c":167.5,"v":500,"vw":167.43},'
        f'"lastTrade":{{"c":[14,41],"i":"5","p":167.5,"s":1.5,"t":{T0 + 70_123}000000,"x":4,"ds":"1.5"}},'
        '"min":{"av":500,"o":167.4,"h":167.6,"l":167.3,"c":167.5,"v":250,"vw":167.45,'
        f'"t":{T0 + MINUTE},"n":7,"dv":"250","dav":"500"}},'
        '"prevDay":{"o":166,"h":168,"l":165,"c":167,"v":1000,"vw":166.5}},'
        f'"status":"OK","request_id":"{REQUEST_ID}"}}'
    )


def test_before_the_open_there_is_no_days_bar_and_the_change_is_that_of_the_last_trade() -> None:
    """Trades of extended hours set prices of minutes and none of the day's."""
    api = market()
    put(api, YESTERDAY, 16_700)
    early = minute_of(T0 - HOUR, first=16_800, last=16_800, high=16_800, low=16_800)._replace(day=Edges())
    api.rows.put_base("SPY", T0 - HOUR, early, NOW_S)
    api.cache.last["SPY"] = last(t=T0 - HOUR + 5, price=168_000_000_000)
    ticker = api.get(SPY)["ticker"]
    assert "day" not in ticker
    assert (ticker["min"]["c"], ticker["min"]["av"], ticker["todaysChange"]) == (168, 100, 1)


def test_the_days_bar_has_all_volume_and_the_prices_of_its_own_rule() -> None:
    api = market()
    early = minute_of(T0 - MINUTE, first=17_000, last=17_000, high=17_000, low=17_000, size=50)._replace(day=Edges())
    api.rows.put_base("SPY", T0 - MINUTE, early, NOW_S)
    put(api, T0, 16_750, size=200)
    day = api.get(SPY)["ticker"]["day"]
    assert (day["o"], day["h"], day["v"]) == (167.5, 167.5, 250)


def test_what_is_not_known_is_left_out_and_nothing_is_null() -> None:
    api = market()
    api.ticks.add("SPY", TradeRow(T0 - 3 * DAY_MS, 1, 12, 0, "7", "9.5", "1", (), 0))
    body = api.get(SPY)
    t = (T0 - 3 * DAY_MS) * 10**6
    assert body["ticker"] == {
        "ticker": "SPY",
        "updated": t,
        "lastTrade": {"i": "7", "p": 9.5, "s": 1, "t": t, "x": 12},
    }
    put(api, YESTERDAY, 16_700)
    assert "todaysChange" not in api.get(SPY)["ticker"], "it has not traded today"


def test_a_forming_minute_counts() -> None:
    api = market()
    put(api, T0, 16_750)
    t = T0 + MINUTE
    api.cache.minutes["SPY", t] = minute_of(t, first=16_760, last=16_770, high=16_780, low=16_760)
    ticker = api.get(SPY)["ticker"]
    assert (ticker["day"]["v"], ticker["day"]["c"], ticker["min"]["t"]) == (200, 167.7, t)


def test_the_day_before_is_the_last_session_that_has_a_bar() -> None:
    """2013-10-08 was a Tuesday; the symbol did not trade on Monday."""
    api = market()
    put(api, T0 - 4 * DAY_MS, 16_600)
    put(api, T0 - 5 * DAY_MS, 16_500)
    put(api, T0 - DAY_MS - 16 * HOUR, 99)  # on Sunday evening, of no session
    put(api, T0, 16_700)
    ticker = api.get(SPY)["ticker"]
    assert (ticker["prevDay"]["c"], ticker["todaysChange"]) == (166, 1)


def test_a_symbol_that_nobody_knows_is_404() -> None:
    answer = market().send(f"{STOCKS}/tickers/ZZZZQ")
    assert answer["statusCode"] == 404
    assert body_of(answer)["message"] == "Ticker not found."


# -- several -----------------------------------------------------------------------------------------------------------


def test_all_symbols_that_have_data_are_in_the_market() -> None:
    api = market(["AIG", "BAC", "SPY"])
    put(api, T0, 16_700)
    put(api, T0, 1_400, sym="BAC")
    body = api.get(f"{STOCKS}/tickers")
    assert [entry["ticker"] for entry in body["tickers"]] == ["BAC", "SPY"]
    assert body["count"] == 2
    assert body["status"] == "OK"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?tickers=SPY,BAC", ["BAC", "SPY"]),
        ("?tickers=SPY,SPY,nobody", ["SPY"]),
        ("?tickers=", ["AIG", "BAC", "SPY"]),
        ("?include_otc=false", ["AIG", "BAC", "SPY"]),
        ("?tickers=spy", []),
    ],
)
def test_some_symbols_can_be_asked_for(query: str, expected: list[str]) -> None:
    api = market(["AIG", "BAC", "SPY"])
    for sym in ("AIG", "BAC", "SPY"):
        put(api, T0, 1_400, sym=sym)
    assert [entry["ticker"] for entry in api.get(f"{STOCKS}/tickers{query}")["tickers"]] == expected


def test_a_ticker_that_is_none_is_refused() -> None:
    assert market().send(f"{STOCKS}/tickers?tickers=SPY,$")["statusCode"] == 400


def movers_market() -> Api:
    """Symbols A0 .. A29 that went up by their number in cents from 10 dollars, B0 .. B4 that went down."""
    changes = {f"A{n}": n for n in range(30)} | {f"B{n}": -n for n in range(5)} | {"THIN": 500, "NEW": 700}
    api = market(sorted(changes))
    for sym, cents in changes.items():
        if sym != "NEW":
            put(api, YESTERDAY, 1_000, sym=sym)
        put(api, T0, 1_000 + cents, sym=sym, size=9_999 if sym == "THIN" else 10_000)
    return api


def test_gainers_are_the_twenty_that_rose_most_of_those_with_enough_volume_and_a_day_before() -> None:
    body = movers_market().get(f"{STOCKS}/gainers")
    assert [entry["ticker"] for entry in body["tickers"]] == [f"A{n}" for n in range(29, 9, -1)]
    assert body["tickers"][0]["todaysChangePerc"] == 2.9


def test_losers_are_those_that_fell_most() -> None:
    body = movers_market().get(f"{STOCKS}/losers?include_otc=false")
    assert [(entry["ticker"], entry["todaysChangePerc"]) for entry in body["tickers"]] == [
        ("B4", -0.4),
        ("B3", -0.3),
        ("B2", -0.2),
        ("B1", -0.1),
    ]


@pytest.mark.parametrize("path", ["tickers", "tickers/SPY", "gainers", "losers"])
def test_snapshots_are_live_data(path: str) -> None:
    answer = market().send(f"{STOCKS}/{path}", authorizer={**AUTHORIZED, "scopes": "bars:read"})
    assert answer["statusCode"] == 403


def test_an_answer_that_cannot_be_made_in_time_is_503_with_time_left() -> None:
    api = movers_market()
    assert api.send(f"{STOCKS}/tickers", Context(remaining_ms=2_999))["statusCode"] == 503


def test_a_control_table_that_does_not_answer_is_503() -> None:
    class Down(Control):
        def feed(self) -> dict[str, Any]:
            raise StoreUnavailable("control table")

    assert Api(control=Down(symbols=["SPY"])).send(SPY)["statusCode"] == 503


# -- closed hours ------------------------------------------------------------------------------------------------------

prints = st.lists(
    st.tuples(
        st.sampled_from([*range(24), *range(24, 34), 33, 33, 34]),
        st.integers(0, 59),
        st.integers(16_700, 16_712),
        st.integers(1, 7),
        st.sampled_from(["both", "minute", "none"]),
    ),
    max_size=25,
)
"""Hour after Monday's midnight (10:00 and 10:30 of Tuesday are in hours 34), minute, cents, shares, what it sets."""


def minutes_of(trades: list[tuple[int, int, int, int, str]]) -> dict[int, Partial]:
    found: dict[int, Partial] = {}
    for n, (hour, minute, cents, shares, sets) in enumerate(trades):
        t = MIDNIGHT - DAY_MS + hour * HOUR + min(minute, 29 if hour == 34 else 59) * MINUTE
        price, size = cents * 10**7, shares * 10**6
        key = f"{t:013d}{n:012d}{price:018d}"
        one = Partial(volume=size, notional=price * size, count=1)
        if sets != "none":
            one = one._replace(first=key, last=key, high=price, low=price, day=Edges() if sets == "minute" else None)
        found[t] = merge_all([found[t], one]) if t in found else one
    return found


def hours_of(minutes: Mapping[int, Partial], before: int) -> Hours:
    """As the signals function keeps them: a window that no trade has opened is none."""
    starts = sorted({t - t % HOUR for t in minutes if t - t % HOUR + HOUR <= before})
    hours = [(start, merge_all(p for t, p in minutes.items() if start <= t < start + HOUR)) for start in starts]
    return [(start, partial) for start, partial in hours if partial.first is not None]


def by_hand(trades: list[tuple[int, int, int, int, str]], start: int, end: int) -> dict[str, Any] | None:
    """The day's bar of the trades of some hours; shares nothing with the code under test."""
    inside = sorted((hour, min(minute, 29 if hour == 34 else 59), n) for n, (hour, minute, *_) in enumerate(trades))
    of_day = [trades[n] for hour, _, n in inside if start <= hour < end]
    priced = [cents for *_, cents, _, sets in of_day if sets == "both"]
    volume = sum(shares for *_, shares, _ in of_day)
    if not priced:
        return None
    paid = Fraction(sum(cents * shares for *_, cents, shares, _ in of_day), 100 * volume)
    prices = {"o": priced[0], "h": max(priced), "l": min(priced), "c": priced[-1]}
    return {name: cents / 100 for name, cents in prices.items()} | {"v": volume, "vw": float(round(paid, 4))}


@settings(max_examples=examples(150))
@given(prints, st.integers(0, 40), st.data())
def test_with_rings_or_without_a_snapshot_is_the_same_and_right(
    trades: list[tuple[int, int, int, int, str]], kept: int, data: st.DataObject
) -> None:
    minutes = minutes_of(trades)
    closed_until = data.draw(st.sampled_from([MIDNIGHT + n * HOUR for n in (-20, 0, 9, 10)]))
    rings = Rings({"SPY": hours_of(minutes, closed_until)[-kept:] if kept else []})
    answers = []
    for api in (market(), market(rings=rings)):
        for t, partial in minutes.items():
            api.rows.put_base("SPY", t, partial, NOW_S)
        answers.append(body_of(api.send(SPY)).get("ticker", {}))
    assert answers[0] == answers[1]
    assert answers[0].get("day") == by_hand(trades, 24, 48)
    assert answers[0].get("prevDay") == by_hand(trades, 0, 24)


def test_closed_hours_spare_the_reading_of_their_minutes() -> None:
    minutes = {t: minute_of(t, first=9, last=9, high=9, low=9) for t in range(YESTERDAY, T0 + HOUR, MINUTE)}
    api = market(rings=Rings({"SPY": hours_of(minutes, T0 + 30 * MINUTE)}))
    for t, partial in minutes.items():
        api.rows.put_base("SPY", t, partial, NOW_S)
    api.rows.put_base("SPY", T0 + HOUR, minute_of(T0 + HOUR, first=9, last=9, high=9, low=9), NOW_S)
    ticker = api.get(SPY)["ticker"]
    assert ticker["min"]["t"] == T0 + HOUR
    assert api.rows.reads == 31, "of the hour that is open"


@pytest.mark.parametrize("kept", [0, 1, 2, 9])
def test_an_hour_of_odd_lots_alone_counts_whether_or_not_the_hours_beside_it_are_closed_ones(kept: int) -> None:
    """No trade of 06:00 to 08:00 set a price: rings leave those hours out, and their volume is of the day."""
    minutes = {}
    for base in (MIDNIGHT - DAY_MS, MIDNIGHT):
        for hour, shares in ((4, 100), (5, 20), (8, 3), (9, 4_000)):
            t = base + hour * HOUR + 7 * MINUTE
            minutes[t] = minute_of(t, first=16_700, last=16_700, high=16_700, low=16_700, size=shares)
        for t, shares in ((base + 6 * HOUR, 50_000), (base + 7 * HOUR + 59 * MINUTE, 600_000)):
            minutes[t] = Partial(volume=shares * 10**6, notional=16_700 * 10**7 * shares * 10**6, count=1)
    hours = hours_of(minutes, MIDNIGHT + 10 * HOUR)
    assert len(hours) == 8
    api = market(rings=Rings({"SPY": hours[len(hours) - kept :]}))
    for t, partial in minutes.items():
        api.rows.put_base("SPY", t, partial, NOW_S)
    ticker = api.get(SPY)["ticker"]
    assert (ticker["day"]["v"], ticker["min"]["av"], ticker["prevDay"]["v"]) == (654_123, 654_123, 654_123)
    assert ticker["min"]["t"] == MIDNIGHT + 9 * HOUR + 7 * MINUTE


def test_closed_hours_are_read_of_a_hundred_symbols_at_a_time_from_the_session_before_on() -> None:
    symbols = sorted(f"S{n}" for n in range(250))
    rings = Rings({})
    api = market(symbols, rings=rings)
    api.get(f"{STOCKS}/tickers")
    assert rings.asked == [(symbols[first : first + 100], MIDNIGHT - DAY_MS) for first in (0, 100, 200)]


def test_without_time_left_no_closed_hours_are_read() -> None:
    rings = Rings({})
    answer = market(["AIG", "SPY"], rings=rings).send(f"{STOCKS}/tickers", Context(remaining_ms=2_999))
    assert (answer["statusCode"], rings.asked) == (503, [])


def test_a_market_of_hundreds_is_answered_whole_and_in_order() -> None:
    symbols = sorted(f"S{n}" for n in range(300))
    api = market(symbols)
    for sym in symbols:
        put(api, T0, 1_000, sym=sym)
    body = json.loads(api.send(f"{STOCKS}/tickers")["body"])
    assert [entry["ticker"] for entry in body["tickers"]] == symbols
