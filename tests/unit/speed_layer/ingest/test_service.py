"""The ordering laws of promise, heartbeats and bars, and how a feed ends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bars.windows import STREAM_TIMEFRAMES
from shared.frames import decode_frame
from speed_layer.ingest import service
from tests.effort import examples
from tests.fakes import virtual_time
from tests.fakes.kinesis import Answer
from tests.unit.speed_layer.feed import LANES, MINUTE, S0, T0, trade
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor, check_laws

MIDNIGHT = S0 + 14 * 3_600 + 1_800
"""New York midnight after T0, Unix s."""


def _play(
    scene: Callable[[Run], Coroutine[Any, Any, None]], streams: Streams | None = None, **options: Any
) -> tuple[Streams, Run]:
    streams = streams or Streams()

    async def play() -> Run:
        run = streams.ingester(1, Vendor([]), **options)
        assert await run.live_through(scene)
        return run

    run = virtual_time.run(play())
    check_laws(streams.log)
    return streams, run


def _heartbeats(streams: Streams, lane: int = 0) -> list[int]:
    return [part.sec for data in streams.trades.lane(lane) for part in decode_frame(data) if not part.sym]


runs = st.tuples(st.integers(1, 9), st.lists(st.booleans(), max_size=LANES), st.sampled_from([False, False, True]))
answers = st.lists(runs, max_size=6).map(
    lambda runs: [Answer(stored, lost) for repeats, stored, lost in runs for _ in range(repeats)]
)
"""The same failure several times in a row: a lane that is stuck while others go on."""


@pytest.mark.fault("F22", "F24")
@settings(max_examples=examples(150), deadline=None)
@given(answers, answers, st.lists(st.tuples(st.integers(0, 90_000), st.floats(0, 0.9), st.booleans()), max_size=25))
def test_heartbeats_and_bars_keep_their_order_whatever_the_streams_do(
    trades: list[Answer], bars: list[Answer], steps: list[tuple[int, float, bool]]
) -> None:
    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        t = T0
        for n, (step, pause, bad) in enumerate(steps):
            t += step
            pair = [trade(2 * n + k, t, sym=("SPY", "AIG")[k], **({"p": -1} if bad and k else {})) for k in (0, 1)]
            await run.send(*pair, trade(n, t, sym="BAC"))
            await asyncio.sleep(pause)
        await run.end()

    streams = Streams(
        lambda n: trades[n] if n < len(trades) else Answer(), lambda n: bars[n] if n < len(bars) else Answer()
    )
    _, run = _play(scene, streams)
    for lane in range(LANES):
        beats = _heartbeats(streams, lane)
        assert beats == sorted(beats)
        assert not steps or beats[-1] == MIDNIGHT
    ids = {(record.sym, record.tf, record.t) for record in streams.bar_records()}
    assert len(ids) == run.ingester.bars_out.bars, "a window closes once"


def test_the_promise_is_the_whole_second_2_s_behind_the_clock_and_is_told_once_a_second() -> None:
    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(trade(1, T0 + 4_999))
        await asyncio.sleep(3.5)

    streams, run = _play(scene)
    assert [_heartbeats(streams, lane) for lane in range(LANES)] == [[S0 + 2] * 3] * LANES
    assert run.ingester.framer.promise == S0 + 2


def test_nothing_is_told_before_there_is_a_clock() -> None:
    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await asyncio.sleep(5)

    assert _play(scene)[0].trades.records() == []


def test_parts_open_at_the_decision_are_framed_under_the_old_promise() -> None:
    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(trade(1, T0))
        await asyncio.sleep(1.95)
        await run.send(trade(2, T0 + 30_000, sym="BAC"), trade(3, T0 + 30_000, sym="BAC"))
        await run.send(*(trade(10 + n, T0 + 30_000 * n, sym="BAC") for n in range(1, 4)), trade(4, T0 + 2))
        await run.send(trade(20, T0 + 90_000, sym="BAC"))
        await asyncio.sleep(3)

    streams, _ = _play(scene)
    lates = [part.late for data in streams.trades.records() for part in decode_frame(data) if part.sym == "SPY"]
    assert lates == [0, 0]


def test_while_the_feed_is_gone_the_promise_stands_and_is_told_all_the_same() -> None:
    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(trade(1, T0))
        await asyncio.sleep(1.5)
        run.ingester.on_down()
        await run.send(trade(2, T0 + 10_000), trade(3, T0 + 10_000))
        await asyncio.sleep(5)
        assert run.ingester.clock.now_ms == T0 + 10_000

    streams, _ = _play(scene)
    assert _heartbeats(streams) == [S0 - 2] * 6


def test_the_end_of_the_feed_closes_every_window_at_new_york_midnight() -> None:
    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(trade(1, T0), trade(2, T0 + 61_000), trade(3, T0 + 90_000, sym="BAC"))
        await run.end()

    streams, run = _play(scene)
    assert run.ingester.framer.promise == MIDNIGHT
    assert {_heartbeats(streams, lane)[-1] for lane in range(LANES)} == {MIDNIGHT}
    assert sorted((record.tf, record.sym) for record in streams.bar_records()) == sorted(
        [*((tf, "SPY") for tf in (*STREAM_TIMEFRAMES, "1m")), *((tf, "BAC") for tf in STREAM_TIMEFRAMES)]
    )
    assert run.publisher.accepted == run.ingester.intake.accepted == 3


def test_at_the_end_of_the_feed_what_waited_is_accepted() -> None:
    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(trade(1, T0))
        await run.send(trade(2, T0 + MINUTE))
        await run.end()

    _, run = _play(scene)
    assert (run.publisher.accepted, run.ingester.intake.waiting) == (2, 0)


def test_a_feed_that_ends_without_a_trade_ends() -> None:
    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await run.end()

    assert _play(scene)[0].trades.records() == []


@pytest.mark.fault("F19")
def test_on_a_live_feed_silence_moves_the_promise_only_while_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    class HostTime(virtual_time.LoopTime):
        time = staticmethod(lambda: T0 / 1000)

    monkeypatch.setattr(service, "time", HostTime)

    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(trade(1, T0))
        await asyncio.sleep(30)
        now = run.ingester.clock.now_ms
        assert now is not None
        assert T0 + 27_000 <= now <= T0 + 29_250
        run.ingester.on_down()
        await asyncio.sleep(30)
        assert run.ingester.clock.now_ms == now

    _play(scene, live=True)


def test_a_replay_does_not_move_in_silence() -> None:
    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(trade(1, T0))
        await asyncio.sleep(30)
        assert run.ingester.clock.now_ms == T0

    _play(scene)
