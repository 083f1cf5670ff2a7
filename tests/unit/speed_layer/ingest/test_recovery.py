"""What a new ingester learns from the stream."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from shared.errors import StoreUnavailable
from shared.frames import Part, encode
from shared.polygon.trades import event_of
from speed_layer.ingest.recovery import Tail, find_tail, read_tail
from tests.fakes import virtual_time
from tests.fakes.kinesis import Kinesis
from tests.unit.speed_layer.feed import S0, T0, Rig, trade
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor

HOUR = S0 - 1_800
"""9:00 in New York, Unix s."""
NOW = datetime(2013, 10, 8, 14, tzinfo=UTC)


def _beat(sec: int) -> Part:
    return Part(1, "1-0-1", "", sec)


def _part(sec: int, f: str = "1-0-2", sym: str = "SPY", late: int = 0) -> Part:
    rig = Rig(sec * 1000)
    rig.take(trade(sec, sec * 1000, sym=sym))
    (part,) = rig.parts()
    part.f, part.late = f, late
    return part


def _tail(*parts: Part) -> Tail:
    tail = Tail()
    for part in parts:
        tail.read(part)
    return tail


def test_an_empty_stream_teaches_nothing() -> None:
    tail = read_tail(Kinesis(), "trades", live=False, now=NOW)
    assert tail.is_empty
    assert (tail.promise, tail.start, list(tail.parts())) == (0, 0, [])


@pytest.mark.parametrize(
    ("beats", "start"),
    [
        ([HOUR + 3_000, HOUR + 3_001], HOUR),
        ([HOUR + 599, HOUR + 600], HOUR + 600 - 1_260),
        ([HOUR + 3_599, HOUR + 3_600], HOUR),
        ([HOUR + 3_599, HOUR + 3_600, HOUR + 3_601], HOUR + 3_601 - 1_260),
        ([HOUR + 100, HOUR + 20_000], HOUR),
        ([HOUR + 100, HOUR + 20_000, HOUR + 20_000, HOUR + 20_000], HOUR),
        ([HOUR + 100, HOUR + 20_000, HOUR + 20_001], HOUR + 18_000),
        ([HOUR + 100], 0),
    ],
    ids=[
        "the hour of the last but one",
        "21 minutes when that is earlier",
        "closed by the last alone: it may not have gone out",
        "closed by the last but one: it has gone out",
        "a jump of five hours",
        "which is told again and again",
        "and followed by a step",
        "one heartbeat: everything",
    ],
)
def test_the_tail_begins_with_the_hour_of_the_last_promise_but_one_and_21_minutes_ago_at_least(
    beats: list[int], start: int
) -> None:
    tail = _tail(*map(_beat, beats))
    assert tail.promise == max(beats)
    assert tail.start == start


def test_lanes_and_shards_that_lag_do_not_hide_the_last_promise_but_one() -> None:
    tail = Tail()
    for sec in (HOUR + 100, HOUR + 20_000):
        tail.read(_beat(sec))
    tail.next_shard()
    for sec in (HOUR + 100, HOUR + 7_300):
        tail.read(_beat(sec))
    assert (tail.promise, tail.promise_before) == (HOUR + 20_000, HOUR + 7_300)


@pytest.mark.fault("F65")
def test_a_part_that_is_in_the_stream_twice_counts_once() -> None:
    tail = _tail(_part(S0), _part(S0), _part(S0, "1-0-3"), _part(S0 + 1))
    assert [(part.f, part.sec) for part in tail.parts()] == [("1-0-2", S0), ("1-0-3", S0), ("1-0-2", S0 + 1)]


def test_parts_before_the_tail_are_let_go() -> None:
    tail = _tail(_part(HOUR), _beat(HOUR + 10), _part(HOUR + 20), _beat(HOUR + 9_000), _part(HOUR + 9_000, "1-0-9"))
    tail.read(_beat(HOUR + 9_001))
    assert [part.sec for part in tail.parts()] == [HOUR + 9_000]
    assert list(tail.late_parts()) == []
    assert tail.last_t == (HOUR + 9_000) * 1000


def test_the_beginning_of_a_later_shard_is_not_kept() -> None:
    tail = _tail(_beat(HOUR + 9_000), _beat(HOUR + 9_001), _part(HOUR + 9_001))
    tail.next_shard()
    for n in range(100):
        tail.read(_part(HOUR + n, f"1-1-{n + 1}"))
    assert len(tail._parts) == 1
    assert [part.sec for part in tail.parts()] == [HOUR + 9_001]


def test_late_trades_that_arrived_lately_are_remembered_though_their_seconds_are_long_past() -> None:
    tail = _tail(_beat(HOUR + 9_000), _part(HOUR - 5_000, late=5), _beat(HOUR + 9_060), _beat(HOUR + 9_061))
    assert list(tail.parts()) == []
    assert [part.sec for part in tail.late_parts()] == [HOUR - 5_000]

    async def recover() -> Run:
        streams = Streams()
        run = Run(streams, 2, Vendor([]))
        run.ingester._tail = tail
        await run.ingester.recover()
        return run

    run = virtual_time.run(recover())
    again = trade(HOUR - 5_000, (HOUR - 5_000) * 1000)
    run.ingester.intake.take_refill([event_of(again)])
    assert run.ingester.intake.duplicates == 1


@pytest.mark.fault("F65")
def test_what_the_promise_had_closed_is_emitted_again_before_anything_else_and_the_stored_late_decides() -> None:
    streams = Streams()
    for part in (_part(S0), _part(S0 + 1, late=1), _beat(S0 + 70), _part(S0 + 80), _beat(S0 + 71)):
        streams.trades.shards[0].append(("0", encode([part])))

    async def recover() -> Run:
        run = streams.ingester(2, Vendor([]))

        async def nothing(_: Run) -> None: ...

        await run.live_through(nothing)
        return run

    run = virtual_time.run(recover())
    assert [(record.tf, record.t, record.partial.count, record.s) for record in streams.bar_records()] == [
        ("1m", T0, 1, S0 + 71)
    ]
    (five, *_) = run.ingester.engine.close(S0 + 300)[1:]
    assert (five.tf, five.partial.count) == ("5m", 3)
    assert run.ingester.framer.promise == S0 + 71
    assert run.ingester.clock.now_ms == T0 + 80_000


def test_every_page_of_every_shard_is_read_also_past_empty_ones() -> None:
    kinesis = Kinesis(3)
    kinesis.empty_pages = 4
    for n in range(25):
        kinesis.shards[n % 3].append(("0", encode([_part(S0 + n, f"1-0-{n + 1}")])))
    tail = read_tail(kinesis, "trades", live=False, now=NOW)
    assert sorted(part.sec for part in tail.parts()) == [S0 + n for n in range(25)]
    assert kinesis.positions == [{"ShardIteratorType": "TRIM_HORIZON"}] * 3


@pytest.mark.parametrize(
    ("later", "again"),
    [(timedelta(hours=3), True), (timedelta(hours=15), False), (timedelta(days=1), False)],
    ids=["the same date", "past midnight in New York", "another day"],
)
def test_after_a_long_absence_the_tail_is_looked_for_where_a_predecessor_of_the_date_had_come(
    later: timedelta, again: bool
) -> None:
    kinesis, told, reach = Kinesis(1), datetime.fromtimestamp(S0, UTC), timedelta(hours=2, minutes=10)
    now = told + later
    find_tail(kinesis, "trades", lambda: {"promise": S0}, live=True, now=now)
    looked = [position["Timestamp"] for position in kinesis.positions]
    assert looked == [now - reach, *([told - reach] if again else [])]


def test_a_tail_that_holds_a_promise_or_a_replays_is_looked_for_once() -> None:
    for live, frames in ((True, [encode([_beat(S0)])]), (False, [])):
        kinesis = Kinesis(1)
        kinesis.shards[0] += [("0", data) for data in frames]
        find_tail(kinesis, "trades", lambda: {"promise": S0}, live=live, now=NOW)
        assert len(kinesis.positions) == 1


@pytest.mark.parametrize("live", [True, False])
def test_a_promise_of_the_far_future_is_believed_of_a_feed_whose_time_is_not_the_hosts(live: bool) -> None:
    kinesis, far = Kinesis(1), int((NOW + timedelta(days=2)).timestamp()) + 1
    kinesis.shards[0] += [("0", encode([Part(1, f"1-0-{n}", "", sec)])) for n, sec in enumerate((far - 90_000, far))]
    assert read_tail(kinesis, "trades", live=live, now=NOW).promise == (far - 90_000 if live else far)


def test_a_live_feed_is_read_from_as_far_back_as_a_start_can_need() -> None:
    kinesis = Kinesis(1)
    read_tail(kinesis, "trades", live=True, now=NOW)
    assert kinesis.positions == [
        {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": NOW - timedelta(hours=2, minutes=10)}
    ]


@pytest.mark.fault("F67")
def test_a_record_that_cannot_be_read_does_not_keep_an_ingester_from_starting() -> None:
    kinesis = Kinesis(1)
    kinesis.shards[0] += [("0", b"no frame"), ("0", encode([_part(S0)]))]
    assert len(list(read_tail(kinesis, "trades", live=False, now=NOW).parts())) == 1


def test_a_stream_out_of_reach_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="the stream")

    kinesis = Kinesis(1)
    monkeypatch.setattr(kinesis, "get_records", fail)
    with pytest.raises(StoreUnavailable):
        read_tail(kinesis, "trades", live=False, now=NOW)


def test_a_part_without_trades_teaches_no_time() -> None:
    assert _tail(Part(1, "1-0-1", "SPY", S0)).is_empty
