"""Records to the stream: in order by lane, one unacknowledged at a time, until the stream has taken them."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clients.kinesis import PutRecords
from shared.errors import LeaseLost, StoreUnavailable
from speed_layer.ingest.publisher import CALL_BYTES, PUT_BUDGET_S, ROOM_BYTES, Publisher
from tests.effort import examples
from tests.fakes import virtual_time
from tests.fakes.kinesis import Answer, Kinesis

LANES = 4


def _publisher(kinesis: Kinesis) -> Publisher:
    return Publisher(PutRecords(kinesis, "trades", 2), LANES, lambda seconds: None)


def _record(lane: int, number: int) -> bytes:
    return f"{lane}:{number}".encode()


async def _publish(publisher: Publisher, batches: list[list[int]]) -> None:
    """Queue the lanes' records batch by batch, then wait until all are acknowledged."""
    running = asyncio.create_task(publisher.run())
    numbers = [0] * LANES
    for batch in batches:
        for lane in batch:
            publisher.send(lane, _record(lane, numbers[lane]), 1)
            numbers[lane] += 1
        await asyncio.sleep(0.05)
    await publisher.drained()
    running.cancel()


answers = st.lists(
    st.builds(Answer, st.lists(st.booleans(), max_size=LANES), st.sampled_from([False, False, True]), st.just(False)),
    max_size=25,
)
batches = st.lists(st.lists(st.integers(0, LANES - 1), max_size=6), max_size=8)


@pytest.mark.fault("F21", "F22", "F23", "F24")
@settings(max_examples=examples(120), deadline=None)
@given(answers, batches)
def test_each_lane_keeps_its_order_and_loses_nothing_whatever_fails(
    plan: list[Answer], batches: list[list[int]]
) -> None:
    kinesis = Kinesis(2, lambda n: plan[n] if n < len(plan) else Answer())
    publisher = _publisher(kinesis)
    virtual_time.run(_publish(publisher, batches))
    total = sum(map(len, batches))
    assert publisher.accepted == total
    for lane in range(LANES):
        sent = [_record(lane, n) for n in range(sum(batch.count(lane) for batch in batches))]
        stored = kinesis.lane(lane)
        assert list(dict.fromkeys(stored)) == sent
        assert stored == sorted(stored, key=sent.index), "a repeat comes before the lane's next record"
    for put in kinesis.puts:
        lanes = [lane for lane, _ in put]
        assert len(lanes) == len(set(lanes)), "one record of a lane under way"


@pytest.mark.fault("F22")
def test_failed_entries_are_sent_again_before_their_lanes_next_and_others_go_on() -> None:
    kinesis = Kinesis(2, lambda n: Answer([False, True]) if n == 0 else Answer())
    virtual_time.run(_publish(_publisher(kinesis), [[0, 0, 1, 1]]))
    assert [[data for _, data in put] for put in kinesis.puts] == [
        [b"0:0", b"1:0"],
        [b"0:0", b"1:1"],
        [b"0:1"],
    ]


@pytest.mark.fault("F23")
def test_a_lost_answer_repeats_the_record_and_counts_its_trades_once() -> None:
    kinesis = Kinesis(2, lambda n: Answer(lost=n == 0))
    publisher = _publisher(kinesis)
    virtual_time.run(_publish(publisher, [[0]]))
    assert kinesis.lane(0) == [b"0:0", b"0:0"]
    assert (publisher.accepted, publisher.failures) == (1, 1)


@pytest.mark.fault("F21")
def test_failures_are_spaced_out_up_to_2_s() -> None:
    kinesis = Kinesis(2, lambda n: Answer(lost=n < 20))

    async def elapsed() -> float:
        start = asyncio.get_running_loop().time()
        await _publish(_publisher(kinesis), [[0]])
        return asyncio.get_running_loop().time() - start

    assert 10 < virtual_time.run(elapsed()) < 35


def test_no_put_starts_unless_the_lease_outlasts_it() -> None:
    kinesis = Kinesis()
    asked: list[float] = []

    def check(seconds: float) -> None:
        asked.append(seconds)
        raise LeaseLost

    publisher = Publisher(PutRecords(kinesis, "trades", 2), LANES, check)
    publisher.send(0, b"x", 1)
    with pytest.raises(LeaseLost):
        virtual_time.run(publisher.run())
    assert (asked, kinesis.puts, publisher.accepted) == ([PUT_BUDGET_S], [], 0)


def test_drained_waits_for_what_was_queued_before_it_and_for_nothing_after() -> None:
    release: list[bool] = [False]

    def put(entries: Sequence[tuple[int, bytes]]) -> list[bool]:
        return [release[0] or data == b"first" for _, data in entries]

    async def scene() -> None:
        publisher = Publisher(put, LANES, lambda seconds: None)
        running = asyncio.create_task(publisher.run())
        await publisher.drained()
        publisher.send(0, b"first", 1)
        waiting = asyncio.create_task(publisher.drained())
        await asyncio.sleep(0)
        assert not waiting.done()
        publisher.send(0, b"second", 1)
        await asyncio.wait_for(waiting, 5)
        later = asyncio.create_task(publisher.drained())
        await asyncio.sleep(60)
        assert not later.done()
        release[0] = True
        await asyncio.wait_for(later, 5)
        running.cancel()

    virtual_time.run(scene())


@pytest.mark.fault("F21")
def test_the_intake_waits_while_too_much_is_queued() -> None:
    down = [True]

    def put(entries: Sequence[tuple[int, bytes]]) -> list[bool]:
        if down[0]:
            raise StoreUnavailable("stream trades: down")
        return [True] * len(entries)

    async def scene() -> None:
        publisher = Publisher(put, LANES, lambda seconds: None)
        running = asyncio.create_task(publisher.run())
        publisher.send(0, b"x" * ROOM_BYTES, 1)
        await publisher.room()
        publisher.send(1, b"x", 1)
        room = asyncio.create_task(publisher.room())
        await asyncio.sleep(60)
        assert not room.done()
        down[0] = False
        await asyncio.wait_for(room, 5)
        running.cancel()

    virtual_time.run(scene())


def test_lanes_that_do_not_fit_into_one_call_come_first_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.kinesis.RECORD_BYTES", CALL_BYTES)
    kinesis = Kinesis()
    publisher = _publisher(kinesis)
    big = b"x" * (CALL_BYTES // 5)

    async def scene() -> None:
        for _ in range(4):
            for lane in range(LANES):
                publisher.send(lane, big if lane else big * 3, 1)
        running = asyncio.create_task(publisher.run())
        await publisher.drained()
        running.cancel()

    virtual_time.run(scene())
    assert all(sum(len(data) for _, data in put) <= CALL_BYTES for put in kinesis.puts)
    assert kinesis.puts[1][0][0] == "3"
    assert [len(kinesis.lane(lane)) for lane in range(LANES)] == [4] * LANES
