"""The ingester between streams in memory and a vendor whose REST side holds what its socket has passed."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from shared.clients.kinesis import PutRecords
from shared.frames import decode_bars, decode_frame
from shared.polygon.trades import TradeEvent, event_of
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

    def trades(self, sym: str, page: str) -> tuple[list[TradeEvent], str | None]:
        from_ms, start = map(int, page.split(":"))
        rows = [one for one in self.trades_of_feed[: self.passed] if one["sym"] == sym and one["t"] >= from_ms]
        rows.sort(key=lambda one: (one["t"], one["q"]))
        following = f"{from_ms}:{start + PAGE}" if start + PAGE < len(rows) else None
        return [event_of(one) for one in rows[start : start + PAGE]], following

    def traded_since(self, t_ms: int) -> list[str]:
        return sorted({one["sym"] for one in self.trades_of_feed[: self.passed] if one["t"] >= t_ms})


class Streams:
    """Both streams, and what happened on them in order: ("framed", promise, data), ("trades"|"bars", data)."""

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
    """Notes under which promise each record was framed."""

    log: list[tuple[str, int, bytes]]
    run_of: "Run"

    def send(self, lane: int, data: bytes, trades: int) -> None:
        self.log.append(("framed", self.run_of.ingester.framer.promise, data))
        super().send(lane, data, trades)


class Run:
    """One life of an ingester."""

    def __init__(self, streams: Streams, epoch: int, vendor: Vendor, *, live: bool = False) -> None:
        self.streams, self.vendor, self.live = streams, vendor, live
        self.publisher = _Logged(PutRecords(streams.trades, "trades", SHARDS), LANES, lambda seconds: None)
        self.publisher.log, self.publisher.run_of = streams.log, self
        self.bars = Publisher(PutRecords(streams.bars, "bars", 1), 1, lambda seconds: None)
        tail = read_tail(streams.trades, "trades", live=live, now=datetime(2013, 10, 8, tzinfo=UTC))
        self.ingester = Ingester(
            epoch=epoch,
            lanes=LANES,
            trades=self.publisher,
            bars=self.bars,
            source=vendor,
            symbols=[],
            live=live,
            tail=tail,
        )

    async def live_through(self, scene: Callable[["Run"], Any]) -> bool:
        """Run every task beside a scene, until it ends; whether it did: False when a put killed the process."""
        ingester = self.ingester
        tasks = [asyncio.create_task(task) for task in (self.publisher.run(), self.bars.run())]
        try:
            await asyncio.wait([asyncio.create_task(ingester.recover()), *tasks], return_when=asyncio.FIRST_COMPLETED)
            working = [ingester.take_frames(), ingester.frame(), ingester.decide()]
            if self.live:
                working.append(ingester.watch_silence())
            tasks += [asyncio.create_task(task) for task in working]
            playing = asyncio.create_task(scene(self))
            tasks.append(playing)
            for done in asyncio.as_completed([playing, *tasks[:2]]):
                await done
                break
        except Killed:
            return False
        finally:
            ingester.gap.open()
            for task in tasks:
                task.cancel()
            with suppress(Killed):
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
    """The order in which the streams stored things keeps what consumers rely on."""
    framed: dict[bytes, int] = {}
    waiting: dict[bytes, int] = {}
    bars_of: dict[int, int] = {}
    told = 0
    for kind, number, data in log:
        if kind == "bars":
            promise = max(record.s for record in decode_bars(data))
            assert promise >= told or bars_of.get(promise), "bars closed by a promise come before the next heartbeat"
            bars_of[promise] = 1
            continue
        parts = decode_frame(data)
        heartbeats = [part.sec for part in parts if not part.sym]
        if kind == "framed":
            if not heartbeats:
                framed[data] = waiting[data] = number
            continue
        waiting.pop(data, None)
        for promise in heartbeats:
            told = max(told, promise)
            early = [one for one, under in waiting.items() if under < promise]
            assert not early, "a heartbeat follows every record framed before its promise was decided"
