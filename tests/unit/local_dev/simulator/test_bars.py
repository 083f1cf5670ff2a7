"""Bars of the simulated market: of its history before the feed, of the trades it has sent since."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from polygon import RESTClient  # type: ignore[import-untyped]  # it ships no type information

from local_dev.simulator.history import load
from local_dev.simulator.market import SYMBOLS, Market
from local_dev.simulator.minutes import Minutes, Spans, parse_spans
from local_dev.simulator.reach import history_start
from local_dev.simulator.trades import LATEST_MS, Trades
from local_dev.vendor.errors import WrongInputError
from local_dev.vendor.settings import VendorSettings
from shared.bars.algebra import merge_all, prepare, present
from shared.bars.sessions import SIMULATED, sessions_named
from shared.bars.windows import HOUR_MS, MINUTE_MS, new_york_date, new_york_midnight_ms
from shared.models.bar import Partial
from shared.polygon.trades import events_decoder, trade_of
from shared.stores.packed import unpack
from tests.unit.local_dev.simulator.support import NOW_MS, SEED, MovedHost, serving
from tests.unit.local_dev.vendor.support import PATIENCE_S, eventually

FIRST_MINUTE = NOW_MS // MINUTE_MS * MINUTE_MS
TODAY = new_york_date(NOW_MS)
RUN_MS = 450_000
"""Longer than the latest trade takes to arrive."""
HOUR_END_MS = (NOW_MS // HOUR_MS + 1) * HOUR_MS
BEGINS_MS = HOUR_END_MS - 100_000


class Feed:
    """What `Minutes` asks of a feed."""

    def __init__(self, begins_ms: int, known_ms: int) -> None:
        self.begins_ms, self.known_ms = begins_ms, known_ms
        self.trades = Trades(Market(SEED))


def minutes_of(feed: Feed, streamed: Spans = ()) -> Minutes:
    return Minutes(Market(SEED), feed, streamed)  # type: ignore[arg-type]  # as much of a feed as it asks for


def of_the_stream(sym: str, first_s: int, until_ms: int) -> dict[int, Partial]:
    """Minutes from the bytes that the stream sends, through the ingester's own reading, trade by trade."""
    sessions = sessions_named(SIMULATED)
    parts: dict[int, list[Partial]] = {}
    for sent in Trades(Market(SEED)).between(first_s, until_ms // 1000 + 1, [SYMBOLS.index(sym)]):
        if sent.due_ms <= until_ms:
            (event,) = events_decoder.decode(b"[" + sent.line + b"]")
            trade, session = trade_of(event), sessions.day_of(event.t)
            assert session is not None
            parts.setdefault(trade.t // MINUTE_MS * MINUTE_MS, []).append(prepare(trade, session))
    return {t: merge_all(partials) for t, partials in parts.items()}


def asked(ask: Callable[[RESTClient], Any], *, run_ms: int = RUN_MS) -> Any:
    """Of a server whose feed has run for a while."""

    async def go() -> Any:
        host = MovedHost()
        async with asyncio.timeout(PATIENCE_S * 3), serving(VendorSettings(), host) as server:
            await eventually(lambda: server.feed.first_sec > 0)
            for _ in range(run_ms // 90_000):  # a host that moves on by more has slept
                host.now_ms += 90_000
                await eventually(lambda: server.feed.sent_ms == host.now_ms)
            return await asyncio.to_thread(ask, RESTClient(api_key="key", base=server.url))

    return asyncio.run(go())


def test_minutes_since_the_start_are_made_of_the_trades_that_were_sent() -> None:
    feed = Feed(BEGINS_MS, HOUR_END_MS + 2 * LATEST_MS)
    minutes = minutes_of(feed)
    for sym in ("SPY", "BRK.B"):
        expected = of_the_stream(sym, feed.begins_ms // 1000, feed.known_ms)
        for _ in range(2):  # made, then from what was kept
            got = dict(minutes.minutes(SYMBOLS.index(sym), BEGINS_MS // MINUTE_MS * MINUTE_MS, feed.known_ms))
            assert got == expected
    assert len(minutes._hours) == 2


def test_a_trade_counts_once_it_has_arrived_though_its_hour_was_asked_for_before() -> None:
    feed = Feed(BEGINS_MS, BEGINS_MS)
    minutes, counts = minutes_of(feed), []
    for known in (BEGINS_MS + 10_000, HOUR_END_MS + 1, HOUR_END_MS + LATEST_MS - 1, HOUR_END_MS + 2 * LATEST_MS):
        feed.known_ms = known
        count = 0
        for sym in ("NVDA", "TSLA", "SPY"):
            since = BEGINS_MS // MINUTE_MS * MINUTE_MS
            got = dict(minutes.minutes(SYMBOLS.index(sym), since, HOUR_END_MS))
            streamed = of_the_stream(sym, BEGINS_MS // 1000, known)
            assert got == {t: partial for t, partial in streamed.items() if t < HOUR_END_MS}
            count += sum(partial.count for partial in got.values())
        counts.append(count)
    assert counts[0] < counts[1] < counts[2] <= counts[3]


def test_minutes_before_the_start_are_those_that_are_loaded_as_history() -> None:
    class Store:
        """What `load` asks of the table of bars."""

        def __init__(self) -> None:
            self.packed: dict[tuple[str, int], bytes] = {}

        def minutes(self, *_: object) -> list[object]:
            return []

        def put_packed(self, hours: list[tuple[str, int, bytes]], _: int) -> None:
            self.packed |= {(sym, hour): data for sym, hour, data in hours}

        def put_minutes(self, *_: object) -> None: ...

    hour = NOW_MS // HOUR_MS * HOUR_MS
    store = Store()
    load(store, hour - 3 * HOUR_MS, hour, 0, seed=SEED, say=lambda line: None)  # type: ignore[arg-type]  # as above
    feed = Feed(NOW_MS, NOW_MS)
    for sym in ("SPY", "F"):
        got = dict(minutes_of(feed).minutes(SYMBOLS.index(sym), hour - 3 * HOUR_MS, hour))
        stored = [unpack(at, data) for (name, at), data in sorted(store.packed.items()) if name == sym]
        assert got == {t: partial for minutes in stored for t, partial in minutes.items()}
        assert len(got) > 170


def test_spans_that_were_streamed_before_are_made_of_trades_and_what_lies_between_is_history() -> None:
    begins = FIRST_MINUTE + 30_000
    first, second = (FIRST_MINUTE - 80 * MINUTE_MS, FIRST_MINUTE - 70 * MINUTE_MS), FIRST_MINUTE - 4 * MINUTE_MS
    feed = Feed(begins, begins + 8 * MINUTE_MS)
    number, start = SYMBOLS.index("BRK.B"), first[0] - HOUR_MS
    plain = dict(minutes_of(feed).minutes(number, start, begins))
    got = dict(minutes_of(feed, (first, (second, None))).minutes(number, start, feed.known_ms))
    for since, until, streamed in (
        (start, first[0], False),
        (*first, True),
        (first[1], second, False),
        (second, feed.known_ms, True),
    ):
        expected = of_the_stream("BRK.B", since // 1000, min(until + HOUR_MS, feed.known_ms)) if streamed else plain
        inside = {t: partial for t, partial in expected.items() if since <= t < until}
        assert len(inside) > 8
        assert {t: partial for t, partial in got.items() if since <= t < until} == inside


def test_a_day_is_its_minutes_and_is_the_same_alone_and_among_the_market() -> None:
    """Merged a second way: SQL over the minutes that the API gave."""
    day = TODAY - timedelta(days=2)

    def ask(rest: RESTClient) -> tuple[Any, ...]:
        minutes = list(rest.list_aggs("XOM", 1, "minute", day, day, limit=50_000))
        return minutes, rest.get_aggs("XOM", 1, "day", day, day), rest.get_grouped_daily_aggs(day)

    minutes, (alone,), market = asked(ask, run_ms=0)
    rows = [(m.timestamp, m.open, m.high, m.low, m.close, m.volume, m.transactions) for m in minutes]
    with duckdb.connect() as sql:
        sql.execute("CREATE TABLE m (t BIGINT, o DOUBLE, h DOUBLE, l DOUBLE, c DOUBLE, v DOUBLE, n BIGINT)")
        sql.executemany("INSERT INTO m VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        (want,) = sql.execute("SELECT arg_min(o, t), max(h), min(l), arg_max(c, t), sum(v), sum(n) FROM m").fetchall()
    assert (alone.open, alone.high, alone.low, alone.close, alone.volume, alone.transactions) == want
    assert alone.timestamp == new_york_midnight_ms(day)
    money = sum(Fraction(str(m.vwap)) * Fraction(str(m.volume)) for m in minutes)
    assert abs(float(money / Fraction(str(alone.volume))) - alone.vwap) < 1e-3
    assert [one.ticker for one in market] == sorted(SYMBOLS)
    (xom,) = [one for one in market if one.ticker == "XOM"]
    assert (xom.open, xom.high, xom.low, xom.close, xom.volume) == want[:5]
    assert xom.timestamp == new_york_midnight_ms(day + timedelta(days=1)) - 1


def test_today_and_the_newest_minute_are_served_as_far_as_the_clock() -> None:
    def ask(rest: RESTClient) -> tuple[Any, ...]:
        return (
            list(rest.list_aggs("SPY", 1, "minute", TODAY, TODAY, limit=500)),
            list(rest.list_aggs("SPY", 1, "day", TODAY - timedelta(days=60), TODAY - timedelta(days=29))),
            list(rest.list_aggs("SPY", 1, "day", TODAY, TODAY + timedelta(days=60))),
            rest.get_grouped_daily_aggs(TODAY + timedelta(days=1)),
        )

    minutes, oldest, newest, tomorrow = asked(ask)
    streamed = of_the_stream("SPY", NOW_MS // 1000 + 1, NOW_MS + RUN_MS)
    got = {m.timestamp: m for m in minutes if m.timestamp >= FIRST_MINUTE}
    bars = {t: bar for t, partial in streamed.items() if (bar := present(t, partial))}
    assert set(got) == set(bars)
    assert max(got) == (NOW_MS + RUN_MS) // MINUTE_MS * MINUTE_MS
    for t, bar in bars.items():
        assert (round(got[t].open * 10**9), round(got[t].vwap * 10**4)) == (bar.open, bar.vwap)
        assert (got[t].transactions, round(got[t].volume * 10**6)) == (bar.count, bar.volume)
    assert [new_york_date(one.timestamp) for one in oldest] == [TODAY - timedelta(days=ago) for ago in (30, 29)]
    assert [new_york_date(one.timestamp) for one in newest] == [TODAY]
    assert tomorrow == []


def test_an_unknown_ticker_has_no_bars() -> None:
    assert asked(lambda rest: rest.get_aggs("GONE", 1, "day", TODAY, TODAY), run_ms=0) == []
    assert asked(lambda rest: rest.get_aggs("GONE", 1, "minute", TODAY, TODAY), run_ms=0) == []


def test_the_hours_that_have_ended_are_made_before_they_are_asked_for() -> None:
    async def go() -> list[int]:
        host = MovedHost()
        async with asyncio.timeout(PATIENCE_S * 3), serving(VendorSettings(from_ms=None), host) as server:
            await eventually(lambda: server.feed.first_sec > 0)
            host.now_ms += 2 * HOUR_MS
            made = server._bars._minutes._hours
            await eventually(lambda: len(made) >= 2)
            return [since for _, since in list(made)]

    hours = asyncio.run(go())
    assert min(hours) == (NOW_MS // 1000 + 1) * 1000


@pytest.mark.parametrize(
    "text",
    [
        "1764083000000",
        "1764082980000-1764082980000",
        "1764082980001-",
        "1764082980000-,1764083040000-",
        "1764083040000-1764083100000,1764082980000-",
    ],
)
def test_a_span_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WrongInputError, match="a span is FROM-TO"):
        parse_spans(text)


def test_spans_are_read_in_order() -> None:
    assert parse_spans("") == ()
    assert parse_spans("1764082980000-1764083040000,1764083100000-") == (
        (1764082980000, 1764083040000),
        (1764083100000, None),
    )


def test_the_market_reaches_back_thirty_sessions() -> None:
    first, last = minutes_of(Feed(NOW_MS, NOW_MS)).reach()
    assert (last - first, new_york_midnight_ms(first)) == (timedelta(days=30), history_start(NOW_MS))
