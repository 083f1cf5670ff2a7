"""A vendor whose REST side hangs, under connections that come and go, takes no thread from anybody else."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from shared.polygon.trades import TradesPage
from speed_layer.ingest.gap import Gap
from speed_layer.ingest.refill import AT_ONCE, Refill
from speed_layer.ingest.threads import HangingThreads
from tests.unit.speed_layer.feed import T0
from tests.unit.speed_layer.ingest.test_gap import Sink

MARKET = [f"S{n:02}" for n in range(20)]
RECONNECTS = 5


class Hanging:
    """Names symbols at once, and hangs over each of them until `release`."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.threads: list[threading.Thread] = []

    def first_page(self, sym: str, from_ms: int) -> str:
        return sym

    def trades(self, sym: str, page: str) -> TradesPage:
        self.threads.append(threading.current_thread())
        self.released.wait(60)
        return TradesPage([])

    def traded_since(self, t_ms: int) -> list[str]:
        return MARKET


@pytest.fixture
def source() -> Iterator[Hanging]:
    source = Hanging()
    yield source
    source.released.set()


async def flap(gap: Gap, source: Hanging) -> None:
    for _ in range(RECONNECTS):
        gap.fill(T0)
        async with asyncio.timeout(5):
            while len(source.threads) < AT_ONCE:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)
        gap.open()


@pytest.mark.fault("F01")
def test_refills_that_hang_one_after_another_leave_the_threads_of_puts_and_the_lease_free(source: Hanging) -> None:
    async def play() -> None:
        gap = Gap(Refill(source, MARKET, Sink()))
        await flap(gap, source)
        assert len(source.threads) == AT_ONCE, "however many refills were cancelled"
        async with asyncio.timeout(5):
            assert await asyncio.to_thread(threading.current_thread) not in source.threads
        source.released.set()
        gap.fill(T0)
        await gap.closed()
        assert (gap.filled, len(source.threads)) == (1, AT_ONCE + len(MARKET)), "what was cancelled is asked by nobody"

    asyncio.run(play())


def test_a_process_ends_while_its_refill_hangs(source: Hanging) -> None:
    """`asyncio.run` waits for the default pool, and the interpreter for every thread that is no daemon."""

    async def play() -> None:
        await flap(Gap(Refill(source, MARKET, Sink())), source)

    began = time.monotonic()
    asyncio.run(play())
    assert time.monotonic() - began < 30
    assert source.threads
    assert all(thread.is_alive() and thread.daemon for thread in source.threads)


def test_an_error_of_a_call_reaches_whoever_waits_and_the_thread_goes_on() -> None:
    threads = HangingThreads(1, "test")
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 1, 0).result(5)
    assert threads.submit(divmod, 7, 2).result(5) == (3, 1)
