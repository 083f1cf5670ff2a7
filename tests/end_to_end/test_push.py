"""Ten recorded minutes around an open at ten times their pace, held until the vendor's own clients listen.

The push process is ended in the middle: the clients see close code 1012 and come back by themselves.
"""

import gzip
import json
import os
import signal
from collections import Counter
from contextlib import ExitStack
from datetime import date, time
from pathlib import Path
from typing import Any, NamedTuple

import massive  # type: ignore[import-untyped]  # nor under its new name
import polygon  # type: ignore[import-untyped]  # the vendor ships no types
import pytest

from tests.end_to_end.local_platform import running
from tests.end_to_end.subscriber import Subscriber, subscribed
from tests.parity import rewrite
from tests.parity.reference import MINUTE_MS, Bar, Reference, new_york_ms

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]

DAY = date(2013, 10, 8)
SINCE, RESTART, UNTIL = (new_york_ms(DAY, time(9, minute)) for minute in (27, 31, 37))
SYMBOLS = ("AIG", "BAC", "SPY")
SETTLED_MS = 10_000
"""A trade this long before the restart was certainly sent by the first process."""
LISTENING_MS = 5_000
"""The second client comes while the feed runs already: what is this much newer than its first trade it was sent."""

Identity = tuple[str, int, str]


class Pushed(NamedTuple):
    """What two clients were given, and what REST answers for the same minutes afterwards."""

    before_release: int
    first: Subscriber
    second: Subscriber
    restarted_at_ms: int
    restarts: list[int]
    rest: dict[tuple[str, int], Bar]
    recorded: list[dict[str, Any]]
    reference: Reference


@pytest.fixture(scope="module")
def pushed(recorded_trades: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Pushed:
    folder = tmp_path_factory.mktemp("push")
    files = rewrite.cut([file for file in recorded_trades if str(DAY) in file.name], folder / "cut", SINCE, UNTIL)
    with (
        running(folder / "state", "--hold-until-subscriber", feed=folder / "cut", speed="10") as platform,
        ExitStack() as held,
    ):
        before_release = platform.health()["feed"]["trades_in"]
        first = held.enter_context(subscribed(platform, polygon.WebSocketClient, ["T.SPY", "AM.*"]))
        second = held.enter_context(subscribed(platform, massive.WebSocketClient, ["T.*", "AM.*"]))
        first.wait_for(lambda client: ("SPY", RESTART - MINUTE_MS) in client.minutes, 180, "the last bar before")
        second.wait_for(lambda client: ("SPY", RESTART - MINUTE_MS) in client.minutes, 120, "the last bar before")
        old = platform.pids()["push"]
        restarted_at_ms = first.trades[-1].timestamp
        os.kill(old, signal.SIGTERM)
        platform.wait_for(lambda: platform.pids().get("push") not in {None, old}, 20, "to have push again")
        new = platform.pids()["push"]
        platform.wait_until_ended(within_s=500)
        for client in (first, second):
            client.wait_for(lambda client: ("SPY", UNTIL - MINUTE_MS) in client.minutes, 120, "the last bar of all")
        rest = {
            (sym, int(bar["t"])): bar for sym in SYMBOLS for bar in platform.rest.bars(sym, 1, "minute", SINCE, UNTIL)
        }
    trades = [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]
    return Pushed(before_release, first, second, restarted_at_ms, [old, new], rest, trades, Reference(files))


def of(client: Subscriber, since: int, until: int, *symbols: str) -> Counter[Identity]:
    """The trades that a client was given, by identity, each with how often it came."""
    return Counter(
        (got.symbol, got.exchange, got.id)
        for got in client.trades
        if since <= got.timestamp < until and got.symbol in symbols
    )


def wanted(pushed: Pushed, since: int, until: int, *symbols: str) -> Counter[Identity]:
    return Counter(
        (trade["sym"], trade["x"], trade["i"])
        for trade in pushed.recorded
        if since <= trade["t"] < until and trade["sym"] in symbols
    )


def test_the_feed_waited_for_the_first_subscriber(pushed: Pushed) -> None:
    assert pushed.before_release == 0


def test_every_trade_of_a_subscribed_symbol_arrives_once(pushed: Pushed) -> None:
    until = pushed.restarted_at_ms - SETTLED_MS
    want = wanted(pushed, SINCE, until, "SPY")
    assert len(want) > 1_000
    assert of(pushed.first, SINCE, until, "SPY") == want
    assert {got.symbol for got in pushed.first.trades} == {"SPY"}


def test_a_wildcard_brings_every_symbol(pushed: Pushed) -> None:
    since, until = pushed.second.trades[0].timestamp + LISTENING_MS, pushed.restarted_at_ms - SETTLED_MS
    assert wanted(pushed, since, until, *SYMBOLS)
    assert of(pushed.second, since, until, *SYMBOLS) == wanted(pushed, since, until, *SYMBOLS)


def test_prices_and_sizes_arrive_as_they_were_recorded(pushed: Pushed) -> None:
    recorded = {(t["sym"], t["x"], t["i"]): (t["p"], t["s"], t["t"], t["q"]) for t in pushed.recorded}
    for got in pushed.first.trades:
        seen = (got.price, got.size, got.timestamp, got.sequence_number)
        assert seen == recorded[got.symbol, got.exchange, got.id]


def test_every_minute_bar_equals_the_one_read_by_rest(pushed: Pushed) -> None:
    for client in (pushed.first, pushed.second):
        assert len(client.minutes) >= 3 * 6  # a restart costs a slow machine two of the ten
        for key, got in client.minutes.items():
            want = pushed.rest[key]
            fields = (got.open, got.high, got.low, got.close, got.volume, got.vwap)
            assert fields == tuple(float(want[name]) for name in ("o", "h", "l", "c", "v", "vw")), key
            assert got.end_timestamp == got.start_timestamp + MINUTE_MS


def test_accumulated_volume_goes_on_over_a_restart(pushed: Pushed) -> None:
    for sym in SYMBOLS:
        last = pushed.first.minutes[sym, UNTIL - MINUTE_MS]
        assert last.accumulated_volume == float(pushed.reference.volume()[sym])


def test_the_official_open_is_that_of_the_regular_session(pushed: Pushed) -> None:
    regular_open = new_york_ms(DAY, time(9, 30))
    for sym in SYMBOLS:
        want = float(pushed.reference.requested(sym, 1, "minute", regular_open, regular_open)[0]["o"])
        assert pushed.first.minutes[sym, UNTIL - MINUTE_MS].official_open_price == want
    early = [bar for (_, start), bar in pushed.first.minutes.items() if start < regular_open]
    assert early
    assert not any(bar.official_open_price for bar in early)


def test_the_clients_outlive_a_restart_of_push(pushed: Pushed) -> None:
    old, new = pushed.restarts
    assert old != new
    for client in (pushed.first, pushed.second):
        assert client.failure is None
        assert max(start for _, start in client.minutes) == UNTIL - MINUTE_MS
