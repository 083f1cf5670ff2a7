"""Bars stream to table."""

from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.frames import VERSION, BarRecord, decode_bars, encode, partial_to_wire
from shared.models.bar import Partial
from shared.stores.bars import LatePart
from speed_layer.engine.python import NAME
from speed_layer.persist import handler
from speed_layer.persist.handler import persist
from speed_layer.revise import ENGINE
from tests.fakes.kinesis import Kinesis
from tests.unit.speed_layer.consumers import NOW_S, Consumers
from tests.unit.speed_layer.feed import S0
from tests.unit.speed_layer.records import lambda_event, record

MINUTE = S0 * 1000


@pytest.fixture
def world() -> Consumers:
    return Consumers(Kinesis(), Kinesis(1))


def _bar(count: int = 1, t: int = MINUTE, tf: str = "1m", engine: str = NAME, sym: str = "SPY") -> BarRecord:
    return BarRecord(VERSION, sym, tf, t, partial_to_wire(_partial(count)), 0, engine, S0 + 60)


def _partial(count: int) -> Partial:
    key = f"{MINUTE:013d}{count:012d}{10**11:018d}"
    return Partial(key, key, 10**11, 10**11, volume=count * 10**6, notional=count * 10**17, count=count)


def test_minutes_of_the_engine_are_stored_and_nothing_else(world: Consumers) -> None:
    persist(
        [record(encode([_bar(1), _bar(2, tf="5m"), _bar(3, engine=ENGINE), _bar(4, sym="BAC")]))], world.edges, NOW_S
    )
    assert world.shown(["SPY", "BAC"]) == {("SPY", MINUTE): _partial(1), ("BAC", MINUTE): _partial(4)}
    assert world.bars.records() == [], "an hour without late parts is not revised"


@pytest.mark.parametrize("order", [(2, 5), (5, 2)])
def test_a_base_gives_way_only_to_one_of_as_many_trades_or_more(order: tuple[int, int], world: Consumers) -> None:
    for count in order:
        persist([record(encode([_bar(count)]))], world.edges, NOW_S)
    assert world.shown(["SPY"]) == {("SPY", MINUTE): _partial(5)}


def test_in_a_marked_hour_the_closed_windows_of_the_minute_are_revised(world: Consumers) -> None:
    world.control.mark_late("SPY", MINUTE, NOW_S)
    world.rows.put_late("SPY", MINUTE + 60_000, "1-0-1#1", LatePart(2, _partial(3)), NOW_S)
    persist([record(encode([_bar(5), _bar(1, MINUTE + 300_000)]))], world.edges, NOW_S)
    sent = [(one.tf, one.t, one.partial.count, one.rev, one.engine) for one in decode_bars(world.bars.records()[0])]
    assert sent == [("5m", MINUTE, 8, 1, ENGINE)], "its own minute holds no late part, nor does the next five"


@pytest.mark.fault("F30")
def test_a_malformed_record_is_quarantined_and_the_batch_goes_on(world: Consumers) -> None:
    persist([record(b"{}"), record(encode([_bar()]), 2)], world.edges, NOW_S)
    assert list(world.s3.objects) == ["quarantine/stage=persist/date=2013-10-08/shardId-000000000000-1.jsonl.gz"]
    assert len(world.shown(["SPY"])) == 1


def test_after_a_batch_it_says_how_far_it_has_come_and_not_before(
    world: Consumers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert world.control.through("persist") is None
    with monkeypatch.context() as down:
        down.setattr(world.rows, "put_base", _fail)
        with pytest.raises(StoreUnavailable):
            persist([record(encode([_bar()]), 5)], world.edges, NOW_S)
    assert world.control.through("persist") is None
    persist([record(encode([_bar()]), 5), record(b"{}", 6)], world.edges, NOW_S)
    assert world.control.through("persist") == "6", "what went to quarantine is done too"


def _fail(*_: Any) -> None:
    raise StoreUnavailable("bars table: down")


@pytest.mark.fault("F34", "F39")
def test_a_table_that_does_not_answer_makes_the_batch_come_again(
    world: Consumers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "wire", lambda: world.edges)
    event = lambda_event(encode([_bar()]), encode([_bar(2)]), first=5)
    with monkeypatch.context() as down:
        down.setattr(world.rows, "put_base", _fail)
        assert handler.lambda_handler(event, None) == {"batchItemFailures": [{"itemIdentifier": "5"}]}
    assert handler.lambda_handler(event, None) == {"batchItemFailures": []}
    assert world.shown(["SPY"]) == {("SPY", MINUTE): _partial(2)}
