"""One market from socket to tables, in memory and in virtual time: the product's own ingester, engine and consumers.

Only the edges are stand-ins: vendor, streams, tables, bucket, cache. Ingesters live one after another and die of what
they are told to.
"""

import asyncio
import json
from collections import deque
from collections.abc import Coroutine
from typing import Any, cast

import pytest

from shared.errors import SourceUnavailable
from shared.frames import decode_frame
from shared.polygon.trades import TradesPage
from shared.stores.gaps import Gap, gaps_of
from speed_layer.ingest.fill import Filler, FormingCache
from speed_layer.ingest.report import report
from tests.fakes.kinesis import Answer
from tests.fakes.virtual_time import VirtualLoop, in_place
from tests.model.readers import Readers
from tests.unit.speed_layer.epochs import Epochs
from tests.unit.speed_layer.feed import frame
from tests.unit.speed_layer.one_ingester import ENDED, Run, Streams, Vendor

AN_HOUR_S = 3_600.0


class ModelVendor(Vendor):
    """`down`: its REST side does not answer."""

    down = False

    def trades(self, sym: str, page: str) -> TradesPage:
        if self.down:
            raise SourceUnavailable("REST is down")
        return super().trades(sym, page)

    def traded_since(self, t_ms: int) -> list[str]:
        if self.down:
            raise SourceUnavailable("REST is down")
        return super().traded_since(t_ms)


class World:
    """`start` brings an ingester to life; a put that kills, or `crash`, ends it."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(asyncio, "to_thread", in_place)
        self.vendor = ModelVendor([])
        self.plan: dict[str, deque[Answer]] = {"trades": deque(), "bars": deque()}
        self.happened: dict[str, int] = {}
        self.streams = Streams(lambda _: self._answer("trades"), lambda _: self._answer("bars"))
        self.readers = Readers(self.streams)
        self.epoch = 0
        self.run: Run | None = None
        self.connected = False
        self.last: dict[str, tuple[int, int]] = {}
        """(t, q) of each symbol's last trade in the cache."""
        self.epochs = Epochs()
        self.delivered: list[dict[str, Any]] = []
        """Trades that an ingester has been sent."""
        self.excused: set[str] = set()
        """Trades that no refill asks for: older than what it begins with when they were missed."""
        self._tasks: list[asyncio.Task[None]] = []

    def close(self) -> None:
        self.crash()
        self._patch.undo()
        self._runner.close()

    def _answer(self, stream: str) -> Answer:
        answer = self.plan[stream].popleft() if self.plan[stream] else Answer()
        if answer != Answer():
            self.note("kill" if answer.kills else "lost ack" if answer.lost else "refusal")
        return answer

    def note(self, what: str) -> None:
        self.happened[what] = self.happened.get(what, 0) + 1

    def play(self, scene: Coroutine[Any, Any, None]) -> None:
        """Let time go on through a scene, or until a put kills the ingester."""
        self._runner.run(self._through(scene))

    async def _through(self, scene: Coroutine[Any, Any, None]) -> None:
        acting = asyncio.create_task(scene)
        await asyncio.wait([acting, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        dead = [task for task in self._tasks if task.done()]
        if dead:
            acting.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(acting, *self._tasks, return_exceptions=True)
            self._bury()
        else:
            await acting

    def start(self) -> None:
        """The next ingester: it reads the stream's tail, connects and refills."""
        self.epoch += 1
        self.run = run = self.streams.ingester(self.epoch, self.vendor)
        self.filler = Filler(run.ingester, cast(FormingCache, self))

        async def begin() -> None:
            ingester = run.ingester
            self._tasks = [asyncio.create_task(task) for task in (run.publisher.run(), run.bars.run())]
            await ingester.recover()
            self._tasks += [asyncio.create_task(task) for task in (ingester.frame(), ingester.decide())]
            taking = asyncio.create_task(ingester.take_frames())
            self._telling = asyncio.create_task(report(ingester, run.publisher, self.epochs.table, self.epoch))
            self._tasks += [taking, self._telling]
            await self.up()

        async def beginning() -> None:
            acting = asyncio.create_task(begin())
            while not acting.done():
                if any(task.done() for task in self._tasks):  # a put killed it while it recovered
                    acting.cancel()
                await asyncio.sleep(0.01)

        self._runner.run(beginning())
        if any(task.done() for task in self._tasks):
            self.crash()

    def crash(self) -> None:
        """Without a word: what was in hand is gone."""

        async def end() -> None:
            if self.run is not None:
                self.run.ingester.gap.open()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._runner.run(end())
        self._bury()

    def _bury(self) -> None:
        if self.run is not None:
            self.run.ingester.gap.open()
        self.run, self._tasks, self.connected = None, [], False

    async def up(self) -> None:
        assert self.run is not None
        await self.run.ingester.on_up()
        self.connected = True

    def down(self) -> None:
        if self.run is not None and self.connected:
            self.run.ingester.on_down()
        self.connected = False

    def stall(self, seconds: float) -> None:
        """The host does nothing for a while; then all that became due is due at once."""
        loop = cast(VirtualLoop, self._runner.get_loop())
        loop._jumping.now += seconds

    def pass_trades(self, *trades: dict[str, Any], late: bool = False) -> None:
        """The vendor has them from now on; the ingester gets them if it listens."""
        self.vendor.trades_of_feed += trades
        self.vendor.passed = len(self.vendor.trades_of_feed)
        if late:
            self.excused |= {one["i"] for one in trades}
        if self.run is not None and self.connected:
            self.delivered += trades
            self.play(self.run.ingester.on_frame(frame(*trades)))

    def put_last(self, trades: Any) -> bool:
        """The cache, with its rule: greatest (t, q) wins."""
        for trade in trades:
            self.last[trade.sym] = max(self.last.get(trade.sym, (0, 0)), (trade.t, trade.q))
        return True

    def put_minutes(self, minutes: Any) -> bool:
        return True

    def finish(self) -> None:
        """Every fault is over: a living ingester sees the end of the feed, and every reader comes to its end."""
        self.vendor.down = self.epochs.down = False
        for answers in self.plan.values():
            answers.clear()
        if self.run is None:
            self.start()
        elif not self.connected:
            self.play(self.up())
        run = self.run
        assert run is not None
        self.play(run.ingester.on_frame(frame(ENDED)))

        async def ended() -> None:
            async with asyncio.timeout(AN_HOUR_S):
                await run.ingester.ended.wait()
                await self._telling
            await self.filler.put_trades()

        self._runner.run(ended())
        self.readers.finish()

    @property
    def holes(self) -> list[Gap]:
        """What the control table says of all ingesters: nobody can ask one that is dead."""
        return list(gaps_of(self.epochs.epochs()))

    def in_streams(self) -> tuple[set[str], set[str]]:
        """Ids of trades that the stream took as accepted, and as refused with their bytes."""
        parts = [part for data in self.streams.trades.records() for part in decode_frame(data)]
        refused = {str(json.loads(entry.data).get("i")) for part in parts for entry in part.quarantine}
        return {row.i for part in parts for row in part.trades}, refused

    def is_told_missing(self, t: int) -> bool:
        """Whether a hole says that trades of this time may be missing."""
        return any(hole.start <= t < max(hole.end, hole.start + 1) for hole in self.holes if hole.end is not None)
