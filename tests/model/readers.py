"""The stream functions at their own pace: batches of any size, repeated, and once all of it from the beginning."""

import random
from typing import Any, cast

from shared.errors import RetryableError
from shared.models.bar import Partial
from shared.stores.rings import Rings
from speed_layer.signals.closed import ClosedBars
from speed_layer.signals.config import configured
from speed_layer.signals.handler import kept_bars
from speed_layer.signals.service import Edges, handle
from tests.fakes.ring_rows import RingRows
from tests.fakes.signal_rows import SignalRows
from tests.unit.speed_layer.consumers import NOW_S, Consumers, kept
from tests.unit.speed_layer.one_ingester import SHARDS, Streams

STRATEGIES = configured(
    '[{"strategy": "volume_spike", "timeframes": ["1m"], "params": {"bars": 2, "factor": 1.5}},'
    ' {"strategy": "ema_channel", "timeframes": ["1m"], "params": {"fast": 2, "near": 3, "far": 5}}]'
)
READERS = (*(("archive", shard) for shard in range(SHARDS)), *(("live", shard) for shard in range(SHARDS)))
ALL = (*READERS, ("persist", 0), ("signals", 0))


class Readers:
    """`archive`, `live`, `persist` and `signals`, each at its place in its stream."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.world = Consumers(streams.trades, streams.bars)
        self.signals = SignalRows()
        self._read: dict[tuple[str, int], int] = dict.fromkeys(ALL, 0)
        self._archived = [0] * SHARDS
        self._edges = self._new_process()

    def _new_process(self) -> Edges:
        keep = kept_bars(STRATEGIES)
        return Edges(
            control=cast(Any, self.world.control),
            closed=ClosedBars(cast(Rings, RingRows(keep)), cast(Any, self.world.rows), keep),
            minutes=cast(Any, self.world.rows),
            store=self.signals,
            lake=self.world.lake,
            strategies=STRATEGIES,
            sessions=self.world.edges.sessions,
            now_ms=lambda: NOW_S * 1000,
            sleep=self._while_waiting,
        )

    def _while_waiting(self, seconds: float) -> None:
        """The table catches up meanwhile."""
        self.step(("persist", 0), 9, 1)

    def step(self, reader: tuple[str, int], size: int, deliveries: int) -> bool:
        """A batch, delivered so often; False where nothing waits."""
        kind, shard = reader
        stream = self.streams.bars if kind in {"persist", "signals"} else self.streams.trades
        start = self._read[reader]
        end = start + size
        if kind == "live":  # looks old trades up in the log, which lags it by minutes at most, and no minutes pass here
            end = min(end, self._archived[shard])
        batch = self.world.batch(stream, shard, start, end)
        if not batch:
            return False
        for _ in range(deliveries):
            if kind == "signals":
                try:
                    handle(batch, self._edges)
                except RetryableError:  # the table is behind: the batch comes again
                    return True
            else:
                self.world.handle(kind, batch)
        self._read[reader] = max(self._read[reader], start + len(batch))
        if kind == "archive":
            self._archived[shard] = max(self._archived[shard], self._read[reader])
        return True

    def restart(self) -> None:
        """Every process is new: what it remembered is gone."""
        self._edges = self._new_process()

    def finish(self) -> None:
        """Everybody reads to the end."""
        for reader in ALL:
            while self.step(reader, 50, 1):
                pass

    def again(self, seed: int) -> None:
        """Everything once more from the beginning, in another order."""
        self._read = dict.fromkeys(ALL, 0)
        self.restart()
        draw = random.Random(seed)
        while ready := [reader for reader in ALL if self.step(reader, draw.randint(1, 20), 1)]:
            draw.shuffle(ready)

    def seen(self, symbols: list[str]) -> tuple[Any, ...]:
        """Everything that a user could read: minutes, final bars, trades in the log, signals."""
        shown: dict[tuple[str, int], Partial] = self.world.shown(symbols)
        signals = {row.id: (row.status, row.side, row.price) for row in self.signals.rows.values()}
        return shown, kept(self.streams.bar_records()), self.world.logged(), signals
