"""Past minutes: the same for the same range, exact partials, a path that the live trades go on from."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from moto import mock_aws

from local_dev.simulator import history
from local_dev.simulator.history import load
from local_dev.simulator.instruments import INSTRUMENTS
from local_dev.simulator.market import SYMBOLS, Market
from local_dev.simulator.past import Past
from local_dev.simulator.reach import history_start
from local_dev.simulator.trades import Trades
from shared.bars.algebra import prepare, present, price_of
from shared.bars.sessions import SIMULATED, sessions_named
from shared.clients.aws import client
from shared.models.bar import Partial
from shared.polygon.trades import event_of, events_decoder, trade_of
from shared.stores.bars import BarStore
from shared.stores.packed import pack_lines, unpack

MINUTE, HOUR = 60_000, 3_600_000
NOW_MS = 1_764_083_000_400
UNTIL = NOW_MS - NOW_MS % MINUTE
NOW_S = NOW_MS // 1000
SEED = 7
MARKET = Market(SEED)


def drawn(symbol: int, first: int, end: int, seed: int = SEED) -> dict[int, Partial]:
    """Minutes numbered [first, end) as the packed hours have them."""
    hours = Past(Market(seed)).hours(symbol, first, end)
    return {t: one for hour, lines in hours for t, one in unpack(hour, pack_lines(lines)).items()}


@pytest.fixture(scope="module")
def day() -> dict[int, dict[int, Partial]]:
    """A day of every symbol, by its number."""
    end = UNTIL // MINUTE
    return {number: drawn(number, end - 1_440, end) for number in range(len(SYMBOLS))}


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client.cache_clear()
        dynamodb = client("dynamodb")
        dynamodb.create_table(
            TableName="bars",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "sym", "AttributeType": "S"},
                {"AttributeName": "t", "AttributeType": "N"},
            ],
            KeySchema=[{"AttributeName": "sym", "KeyType": "HASH"}, {"AttributeName": "t", "KeyType": "RANGE"}],
        )
        yield dynamodb
    client.cache_clear()


@pytest.fixture
def fill(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], list[str]]:
    """Load a range; what it said. Symbol by symbol: tables of moto are not read while another thread writes."""
    monkeypatch.setattr(history, "PARALLEL", 1)

    def fill(since: int, until: int) -> list[str]:
        said: list[str] = []
        assert load(BarStore(dynamodb, "bars"), since, until, NOW_S, seed=SEED, say=said.append) == SYMBOLS
        return said

    return fill


def stored(dynamodb: Any, sym: str = "SPY") -> dict[int, Partial]:
    items = BarStore(dynamodb, "bars").minutes(sym, 0, 10**13, NOW_S)
    return {item.t: item.base for item in items if item.base is not None}


def test_thirty_sessions_before_today_begin_at_a_new_york_midnight() -> None:
    start = datetime.fromtimestamp(history_start(NOW_MS) / 1000, UTC)
    assert start == datetime(2025, 10, 26, 4, 0, tzinfo=UTC), "summer time, while today is in winter time"
    table = sessions_named(SIMULATED)
    today = table.day_of(NOW_MS)
    assert today is not None
    assert (today.date - start.date()).days == 30


def test_a_minute_does_not_depend_on_the_range_that_it_is_drawn_in(day: dict[int, dict[int, Partial]]) -> None:
    end = UNTIL // MINUTE
    for cut in (1, 59, 700):
        pieces = drawn(3, end - 1_440, end - cut) | drawn(3, end - cut, end)
        assert pieces == day[3]


def test_another_seed_has_another_past(day: dict[int, dict[int, Partial]]) -> None:
    end = UNTIL // MINUTE
    other = drawn(0, end - 10, end, SEED + 1)
    assert len(other) == 10
    assert all(day[0][t] != one for t, one in other.items())


def test_every_partial_is_one_that_trades_can_make(day: dict[int, dict[int, Partial]]) -> None:
    for minutes in day.values():
        for t, one in minutes.items():
            assert one.first is not None
            assert one.last is not None
            assert one.high is not None
            assert one.low is not None
            assert len(one.first) == len(one.last) == 43
            assert t <= int(one.first[:13]) <= int(one.last[:13]) < t + MINUTE
            assert (one.first == one.last) == (one.count == 1)
            prices = [price_of(one.first), price_of(one.last)]
            assert 0 < one.low <= min(prices) <= max(prices) <= one.high
            assert all(price % 10**7 == 0 for price in (*prices, one.low, one.high)), "whole cents"
            assert one.count > 0
            assert one.volume >= one.count * 10**6
            assert one.low * one.volume <= one.notional <= one.high * one.volume
            assert one.day is None


def test_a_bar_shows_a_vwap_between_its_low_and_high(day: dict[int, dict[int, Partial]]) -> None:
    for t, one in day[0].items():
        bar = present(t, one)
        assert bar is not None
        assert bar.vwap is not None
        assert bar.low <= bar.vwap * 10**5 <= bar.high


def test_the_path_has_no_leaps_between_minutes(day: dict[int, dict[int, Partial]]) -> None:
    for number, minutes in day.items():
        bars = [bar for t, one in minutes.items() if (bar := present(t, one)) is not None]
        for before, after in pairwise(bars):
            if after.t - before.t == MINUTE:
                assert abs(after.open - before.close) / before.close < 0.003, SYMBOLS[number]


def test_minutes_are_missing_only_where_a_halt_touches_them() -> None:
    first, end = UNTIL // MINUTE - 20 * 1_440, UNTIL // MINUTE
    seconds = np.arange(first * 60, end * 60)
    halted = MARKET.is_halted(np.zeros(len(seconds), np.int64), seconds * 1000).reshape(-1, 60)
    assert halted.any(), "else this shows nothing"
    there = drawn(0, first, end)
    for minute, seconds_halted in zip(range(first, end), halted.sum(axis=1).tolist(), strict=True):
        assert seconds_halted < 60 or minute * MINUTE not in there
        assert seconds_halted or minute * MINUTE in there
    whole = first + int(np.flatnonzero(halted.all(axis=1))[0])
    assert drawn(0, whole, whole + 1) == {}


def test_history_is_as_busy_as_the_live_market_and_goes_on_into_it(day: dict[int, dict[int, Partial]]) -> None:
    session = sessions_named(SIMULATED).day_of(NOW_MS)
    assert session is not None
    live = Trades(MARKET).between(UNTIL // 1000, UNTIL // 1000 + 600)
    trades = [trade_of(event) for event in events_decoder.decode(b"[" + b",".join(t.line for t in live) + b"]")]
    last_ten = [one for minutes in day.values() for t, one in minutes.items() if t >= UNTIL - 10 * MINUTE]
    count, volume = sum(one.count for one in last_ten), sum(one.volume for one in last_ten)
    assert count == pytest.approx(len(trades), rel=0.25)
    assert volume == pytest.approx(sum(trade.size for trade in trades), rel=0.4)
    for number, instrument in enumerate(INSTRUMENTS):
        first = next(t for t in trades if t.sym == instrument.sym and prepare(t, session).first is not None)
        (_, before), last = list(day[number].items())[-1], day[number][max(day[number])]
        assert before is last
        assert last.last is not None
        assert abs(first.price - price_of(last.last)) / first.price < 0.003


def test_loading_stores_every_minute_of_the_range_packed_or_single(
    dynamodb: Any, fill: Callable[[int, int], list[str]], day: dict[int, dict[int, Partial]]
) -> None:
    since = UNTIL - 3 * HOUR + 7 * MINUTE
    said = fill(since, UNTIL)
    assert len(said) == len(SYMBOLS)
    for number, sym in enumerate(SYMBOLS):
        assert stored(dynamodb, sym) == {t: one for t, one in day[number].items() if t >= since}
    items = dynamodb.query(
        TableName="bars", KeyConditionExpression="sym = :sym", ExpressionAttributeValues={":sym": {"S": "SPY"}}
    )["Items"]
    packed = [int(item["t"]["N"]) for item in items if "packed" in item]
    whole = [hour for hour in range(since - since % HOUR, UNTIL, HOUR) if hour >= since and hour + HOUR <= UNTIL]
    assert packed == [hour + 1 for hour in whole]
    assert len(items) == len(packed) + sum(t - t % HOUR not in whole for t in stored(dynamodb))


def test_a_minute_that_has_begun_before_the_range_is_left_out(
    dynamodb: Any, fill: Callable[[int, int], list[str]]
) -> None:
    fill(UNTIL - 5 * MINUTE - 1, UNTIL - MINUTE)
    assert list(stored(dynamodb)) == [UNTIL - n * MINUTE for n in (5, 4, 3, 2)]


def test_a_range_without_a_whole_minute_stores_nothing(dynamodb: Any, fill: Callable[[int, int], list[str]]) -> None:
    fill(UNTIL + 1, UNTIL + 30_000)
    fill(UNTIL, UNTIL)
    assert dynamodb.scan(TableName="bars")["Items"] == []


def test_loading_again_and_in_pieces_gives_the_same_minutes(
    dynamodb: Any, fill: Callable[[int, int], list[str]]
) -> None:
    fill(UNTIL - 2 * HOUR, UNTIL - HOUR - 11 * MINUTE)
    fill(UNTIL - HOUR - 20 * MINUTE, UNTIL)
    pieces = stored(dynamodb)
    fill(UNTIL - 2 * HOUR, UNTIL)
    assert stored(dynamodb) == pieces
    end = UNTIL // MINUTE
    assert pieces == drawn(SYMBOLS.index("SPY"), end - 120, end)


def test_minutes_that_were_really_streamed_are_left_alone(dynamodb: Any, fill: Callable[[int, int], list[str]]) -> None:
    bars = BarStore(dynamodb, "bars")
    event = event_of({"ev": "T", "sym": "SPY", "x": 11, "i": "1", "p": 1.5, "s": 100, "t": UNTIL - HOUR, "q": 1})
    session = sessions_named(SIMULATED).day_of(UNTIL)
    assert session is not None
    streamed = prepare(trade_of(event), session)
    for t in (UNTIL - MINUTE, UNTIL - 2 * HOUR):
        bars.put_base("SPY", t, streamed, NOW_S)
    fill(UNTIL - 4 * HOUR, UNTIL)
    found = stored(dynamodb)
    assert [t for t, one in found.items() if one == streamed] == [UNTIL - 2 * HOUR, UNTIL - MINUTE]
    assert len(found) == 240
