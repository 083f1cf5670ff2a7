"""Too much for us: what waits is bounded, what is given up is a gap that is known and refilled, nothing is lost."""

import asyncio
from typing import Any, cast

import pytest

from shared.errors import SourceUnavailable
from shared.frames import decode_frame
from speed_layer.ingest import service
from speed_layer.ingest.fill import EVERY_S, FormingCache, fill
from speed_layer.ingest.publisher import ROOM_BYTES
from tests.fakes import virtual_time
from tests.fakes.kinesis import Answer
from tests.fakes.virtual_time import LoopTime
from tests.unit.speed_layer.feed import LANES, T0, Rig, frame, trade
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor


class HostTime(virtual_time.LoopTime):
    time = staticmethod(lambda: T0 / 1000 + 120)


def logged(streams: Streams) -> list[str]:
    parts = [part for data in streams.trades.records() for part in decode_frame(data)]
    return sorted(row.i for part in parts for row in part.trades)


@pytest.mark.fault("F05", "F21")
def test_a_feed_that_is_too_fast_for_the_stream_is_given_up_and_refilled_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stream takes nothing for two minutes; with room for a few trades only, the queue is full at once."""
    monkeypatch.setattr(service, "time", HostTime)
    monkeypatch.setattr("speed_layer.ingest.publisher.ROOM_BYTES", 2_000)
    trades = [trade(n, T0 + 50 * n) for n in range(2_000)]
    vendor, most = Vendor(trades), 0
    streams = Streams(lambda n: Answer([False] * LANES if LoopTime.monotonic() < virtual_time.START_S + 120 else ()))
    lost_at: list[float] = []

    async def scene(run: Run) -> None:
        nonlocal most
        await run.ingester.on_up()
        while vendor.passed < len(trades):
            start = LoopTime.monotonic()
            try:
                await run.send(*trades[vendor.passed : vendor.passed + 20])
            except SourceUnavailable:
                lost_at.append(LoopTime.monotonic() - start)
                run.ingester.on_down()
                await asyncio.sleep(1)
                await run.ingester.on_up()
            most = max(most, run.ingester._queue.qsize())
            await asyncio.sleep(0.3)
        while run.ingester.gap.unfilled_from or run.ingester._queue.qsize():
            await asyncio.sleep(1)
        await asyncio.sleep(5)
        assert run.ingester.given_up == len(lost_at)

    run = streams.ingester(1, vendor, live=True)
    assert virtual_time.run(run.live_through(scene))
    assert lost_at, "the fault happened"
    assert all(seconds == pytest.approx(service.LONGEST_LAG_S) for seconds in lost_at)
    assert most <= service.QUEUED_FRAMES
    assert run.publisher.failures > 10
    assert logged(streams) == sorted(one["i"] for one in trades), "each trade once"


@pytest.mark.fault("F05")
def test_under_pressure_the_cache_is_left_out_first(monkeypatch: pytest.MonkeyPatch) -> None:
    puts: list[float] = []

    class Cache:
        def put_last(self, trades: Any) -> bool:
            puts.append(asyncio.get_running_loop().time())
            return True

        put_minutes = put_last

    async def scene(run: Run) -> None:
        filling = asyncio.create_task(fill(run.ingester, cast(FormingCache, Cache())))
        await asyncio.sleep(1)
        assert len(puts) >= 4
        pressed = True
        monkeypatch.setattr(type(run.ingester), "is_pressed", property(lambda _: pressed))
        await asyncio.sleep(EVERY_S)
        puts.clear()
        await asyncio.sleep(2)
        assert puts == []
        pressed = False
        await asyncio.sleep(1)
        assert len(puts) >= 3
        filling.cancel()

    assert virtual_time.run(Streams().ingester(1, Vendor([])).live_through(scene))


def test_pressure_is_four_fifths_of_what_may_wait() -> None:
    async def play() -> None:
        ingester = Streams().ingester(1, Vendor([])).ingester
        for _ in range(service.PRESSED_FRAMES - 1):
            await ingester.on_frame(b"[]")
        assert not ingester.is_pressed
        await ingester.on_frame(b"[]")
        assert ingester.is_pressed

    virtual_time.run(play())


@pytest.mark.fault("F26")
def test_a_second_of_20_000_trades_in_one_symbol_is_a_few_records_and_fits_the_queue() -> None:
    rig = Rig()
    for tenth in range(10):
        rig.take(*(trade(2_000 * tenth + n, T0 + 100 * tenth + n // 20) for n in range(2_000)))
        rig.framer.flush()
    assert len(rig.trades()) == 20_000, "the fault happened"
    assert len({lane for lane, _, _ in rig.sent}) == 1
    assert len(rig.sent) <= 20, "a shard takes 1,000 records a second"
    bytes_a_second = sum(len(data) for _, data, _ in rig.sent)
    assert bytes_a_second * 6 < ROOM_BYTES, "what a shard of 1 MB/s leaves of it waits; a burst of seconds has room"


@pytest.mark.fault("F08")
def test_refused_channels_are_told_by_name() -> None:
    async def scene(run: Run) -> None:
        for name in ("T.NOPE", "T.BRK.Z"):
            refusal = {"ev": "status", "status": "error", "message": f"not authorized to subscribe to: {name}"}
            await run.ingester.on_frame(frame(refusal))
        await run.send(trade(1))
        await asyncio.sleep(1)
        assert run.ingester.refused_channels == {"T.NOPE", "T.BRK.Z"}
        assert run.publisher.accepted == 1

    assert virtual_time.run(Streams().ingester(1, Vendor([])).live_through(scene))
