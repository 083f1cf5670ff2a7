"""The stream functions over streams in memory, in any interleaving of their batches."""

import random
from datetime import date
from typing import Any, cast

from shared.bars.sessions import new_york_sessions
from shared.clients.kinesis import PutRecords
from shared.frames import BarRecord
from shared.models.bar import Partial
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.lake import Lake
from speed_layer.archive.handler import archive
from speed_layer.edges import Edges
from speed_layer.kinesis_event import StreamRecord
from speed_layer.live.handler import handle
from speed_layer.persist.handler import persist
from tests.fakes.bar_rows import BarRows
from tests.fakes.control_rows import ControlRows
from tests.fakes.kinesis import Kinesis, name
from tests.fakes.s3 import S3

NOW_S = 1_381_260_000
ARRIVED = date(2013, 10, 8)


class Consumers:
    """Tables, bucket and functions behind two streams."""

    def __init__(self, trades: Kinesis, bars: Kinesis) -> None:
        self.trades, self.bars = trades, bars
        self.rows, self.control, self.s3 = BarRows(), ControlRows(), S3()
        self.lake = Lake(self.s3, "lake")
        self.edges = Edges(
            cast(BarStore, self.rows),
            cast(ControlStore, self.control),
            self.lake,
            PutRecords(bars, "bars", 1),
            new_york_sessions(),
        )
        self._read: dict[tuple[str, int], int] = {}

    def batch(self, stream: Kinesis, shard: int, start: int, end: int) -> list[StreamRecord]:
        records = stream.shards[shard][start:end]
        return [StreamRecord(name(shard), f"{n:020d}", ARRIVED, data) for n, (_, data) in enumerate(records, start)]

    def run(self, seed: int) -> None:
        """Every function reads its streams to their ends; batches come in any order and sometimes again."""
        draw = random.Random(seed)
        readers = [(kind, shard) for kind in ("archive", "live") for shard in range(len(self.trades.shards))]
        readers.append(("persist", 0))
        while ready := [reader for reader in readers if self._left(*reader)]:
            kind, shard = draw.choice(ready)
            start = self._read.get((kind, shard), 0)
            records = self.batch(self._stream(kind), shard, start, start + draw.randint(1, 9))
            for _ in range(draw.choice((1, 1, 1, 2))):
                self.handle(kind, records)
            self._read[kind, shard] = start + len(records)

    def handle(self, kind: str, records: list[StreamRecord]) -> None:
        if kind == "archive":
            archive(records, self.lake)
        elif kind == "live":
            handle(records, self.edges, NOW_S)
        else:
            persist(records, self.edges, NOW_S)

    def shown(self, symbols: list[str]) -> dict[tuple[str, int], Partial]:
        """(symbol, minute in Unix ms) -> what the table shows."""
        return {(sym, item.t): item.shown for sym in symbols for item in self.rows.minutes(sym, 0, 10**14, now_s=NOW_S)}

    def logged(self) -> list[tuple[str, int, str]]:
        """(symbol, t, id) of every trade of the raw log, each part taken once."""
        parts = {(part.f, part.sym, part.sec): part for _, part in self.lake.raw_parts() if part.sym}
        return sorted((part.sym, row.t, row.i) for part in parts.values() for row in part.trades)

    def _stream(self, kind: str) -> Kinesis:
        return self.bars if kind == "persist" else self.trades

    def _left(self, kind: str, shard: int) -> int:
        return len(self._stream(kind).shards[shard]) - self._read.get((kind, shard), 0)


def kept(records: list[BarRecord]) -> dict[tuple[str, str, int], Any]:
    """What a consumer of the bars stream keeps: of each bar the record with the largest count, then `rev`."""
    best: dict[tuple[str, str, int], BarRecord] = {}
    for record in records:
        key = (record.sym, record.tf, record.t)
        held = best.get(key)
        if held is None or (held.partial.count, held.rev) <= (record.partial.count, record.rev):
            best[key] = record
    return {key: record.partial for key, record in best.items()}
