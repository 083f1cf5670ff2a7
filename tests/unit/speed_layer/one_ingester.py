"""The ingester between streams in memory and a vendor whose REST side holds what its socket has passed."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.bars.sessions import new_york_sessions
from shared.clients.kinesis import PutRecords
from shared.frames import decode_bars, decode_frame
from shared.polygon.trades import TradesPage, event_of
from speed_layer.ingest.publisher import Publisher
from speed_layer.ingest.recovery import read_tail
from speed_layer.ingest.service import Ingester
from tests.fakes.kinesis import Answer, Killed, Kinesis
from tests.unit.speed_layer.feed import LANES, frame

SHARDS = 2
PAGE = 7
ENDED = {"ev": "status", "status": "feed_ended"}


class Vendor:
    """REST over a list of trades in order of arrival; `passed` of them have been sent. Pages are small."""

    def __init__(self, trades: Sequence[dict[str, Any]]) -> None:
        self.trades_of_feed = list(trades)
        self.passed = 0
        self.asked: list[tuple[str, int]] = []

    def first_page(self, sym: str, from_ms: int) -> str:
        self.asked.append((sym, from_ms))
        return f"{from_ms}:0"

    def trades(self, sym: str, page: str) -> TradesPage:
        from_ms, start = map(int, page.split(":"))
        rows = [one for one in self.trades_of_feed[: self.passed] if one["sym"] == sym and one["t"] >= from_ms]
        rows.sort(key=lambda one: (one["t"], one["q"]))
        following = f"{from_ms}:{start + PAGE}" if start + PAGE < len(rows) else None
        return TradesPage([event_of(one) for one in rows[start : start + PAGE]], following)

    def traded_since(self, t_ms: int) -> list[str]:
        return sorted({one["sym"] for one in self.trades_of_feed[: self.passed] if one["t"] >= t_ms})


class Streams:
    """Both streams, and what happened, in order: (framed | emitted, promise, data), (trades | bars, lane, data)."""

    def __init__(
        self,
        trades: Callable[[int], Answer] = lambda n: Answer(),
        bars: Callable[[int], Answer] = lambda n: Answer(),
    ) -> None:
        self.log: list[tuple[str, int, bytes]] = []
        self.trades = Kinesis(SHARDS, trades, lambda key, data: self.log.append(("trades", int(key), data)))
        self.bars = Kinesis(1, bars, lambda key, data: self.log.append(("bars", 0, data)))

    def ingester(self, epoch: int, vendor: Vendor, *, live: bool = False) -> "Run":
        return Run(self, epoch, vendor, live=live)

    def bar_records(self) -> list[Any]:
        return [record for data in self.bars.records() for record in decode_bars(data)]


class _Logged(Publisher):
    """Notes what is queued, with the promise of that moment."""

    def attach(self, log: list[tuple[str, int, bytes]], kind: str, run: "Run") -> None:
        self._log, self._kind, self._run = log, kind, run

    def send(self, lane: int, data: bytes, trades: int) -> None:
        self._log.append((self._kind, self._run.ingester.framer.promise, data))
        super().send(lane, data, trades)


class Run:
    """One life of an ingester."""

    def __init__(self, streams: Streams, epoch: int, vendor: Vendor, *, live: bool = False) -> None:
        self.streams, self.vendor, self.live = streams, vendor, live
        streams.log.append(("started", epoch, b""))
        self.publisher = _Logged(PutRecords(streams.trades, "trades", SHARDS), LANES, lambda seconds: None)
        self.publisher.attach(streams.log, "framed", self)
        self.bars = _Logged(PutRecords(streams.bars, "bars", 1), 1, lambda seconds: None)
        self.bars.attach(streams.log, "emitted", self)
        tail = read_tail(streams.trades, "trades", live=live, now=datetime(2013, 10, 8, tzinfo=UTC))
        self.ingester = Ingester(
            epoch=epoch,
            lanes=LANES,
            trades=self.publisher,
            bars=self.bars,
            source=vendor,
            symbols=[],
            sessions=new_york_sessions(),
            live=live,
            tail=tail,
        )

    async def live_through(self, scene: Callable[["Run"], Coroutine[Any, Any, None]]) -> bool:
        """Every task beside a scene, until it ends; whether it did: False when a put killed the process."""
        publishing = [asyncio.create_task(task) for task in (self.publisher.run(), self.bars.run())]
        tasks = list(publishing)

        async def life() -> None:
            ingester = self.ingester
            await ingester.recover()
            working = [ingester.take_frames(), ingester.frame(), ingester.decide()]
            working += [ingester.watch_silence()] if self.live else []
            tasks.extend(asyncio.create_task(task) for task in working)
            await scene(self)

        tasks.append(asyncio.create_task(life()))
        try:
            done, _ = await asyncio.wait([*publishing, tasks[-1]], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except Killed:
            return False
        finally:
            self.ingester.gap.open()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return True

    async def send(self, *trades: dict[str, Any]) -> None:
        """Trades over the socket, in one frame; the vendor's REST side has them from then on."""
        self.vendor.passed += len(trades)
        await self.ingester.on_frame(frame(*trades))

    async def end(self) -> None:
        await self.ingester.on_frame(frame(ENDED))
        await self.ingester.ended.wait()


def check_laws(log: list[tuple[str, int, bytes]]) -> None:
    """The order in which the streams stored things keeps what consumers and successors rely on."""
    framed: dict[bytes, int] = {}
    emitted: dict[bytes, int] = {}
    told: dict[int, int] = {}
    for kind, number, data in log:
        if kind == "started":
            framed, emitted = {}, {}
        elif kind == "framed":
            framed[data] = number
        elif kind == "emitted":
            emitted[data] = number
        elif kind == "bars":
            emitted.pop(data, None)
        else:
            framed.pop(data, None)
            for promise in (part.sec for part in decode_frame(data) if not part.sym):
                assert promise >= told.get(number, 0), "the promise never goes back"
                told[number] = promise
                assert all(under >= promise for under in framed.values()), "a record framed before is not stored yet"
                assert all(of >= promise for of in emitted.values()), "bars of the promise before are not stored yet"
