"""Accepted trades become parts, parts become frames, one lane at a time."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from shared.bars.algebra import prepare_rows
from shared.bars.windows import late_rank
from shared.frames import VERSION, Part, QuarantineWire, encode, partial_to_wire
from shared.models.bar import Partial
from speed_layer.ingest.lanes import lane_of

FRAME_TRADES = 2_000
FRAME_PARTS = 1_000
"""Trades in one frame at most: about 200 KB, far under the stream's 1 MiB record."""
QUARANTINE_BYTES = 4_096
QUARANTINE_LANE = 0


class OpenPart:
    """One symbol in one event second, gathering. `rows` feed the partial, `trades` are the wire's rows."""

    __slots__ = ("rows", "sec", "sym", "trades")

    def __init__(self, sym: str, sec: int) -> None:
        self.sym, self.sec = sym, sec
        self.rows: list[Any] = []
        self.trades: list[tuple[Any, ...]] = []


CLOSED = OpenPart("", -1)
"""Stands where no part is open; a part that has been framed has its `sec` set to -1 too."""


class Framer:
    """Open parts by lane; hands finished frames to `send(lane, data, trades)` and partials to `on_part`."""

    def __init__(
        self,
        epoch: int,
        lanes: int,
        send: Callable[[int, bytes, int], None],
        on_part: Callable[[str, int, int, Partial], None],
        promise: int = 0,
    ) -> None:
        self.epoch, self.lanes = epoch, lanes
        self.promise = promise
        """S, Unix seconds: what `late` is judged against. It never goes back."""
        self.counts: Counter[str] = Counter()
        self._send, self._on_part = send, on_part
        self._open: list[dict[tuple[str, int], OpenPart]] = [{} for _ in range(lanes)]
        self._counter = [0] * lanes
        self._quarantine: list[QuarantineWire] = []

    def part(self, sym: str, sec: int) -> OpenPart:
        """The open part of a symbol and event second. Framing it sets its `sec` to -1."""
        parts = self._open[lane_of(sym, self.lanes)]
        part = parts.get((sym, sec))
        if part is None:
            part = parts[sym, sec] = OpenPart(sym, sec)
        return part

    def quarantine(self, reason: str, data: bytes) -> None:
        """Input that broke a rule travels on the stream too, so the raw log's writer keeps it."""
        self._quarantine.append(QuarantineWire(reason, len(data), data[:QUARANTINE_BYTES]))

    def flush(self) -> None:
        """Frame everything that is open, under the present promise."""
        for lane, parts in enumerate(self._open):
            if parts:
                self._open[lane] = {}
                self._frame(lane, list(parts.values()))
        if self._quarantine:
            held, self._quarantine = self._quarantine, []
            name = self._name(QUARANTINE_LANE)
            part = Part(VERSION, name, "", self.promise, quarantine=held)
            self._send(QUARANTINE_LANE, encode([part]), 0)

    def flush_full(self) -> None:
        """Frame the lanes that have enough for a frame of the greatest size."""
        for lane, parts in enumerate(self._open):
            if len(parts) > FRAME_PARTS or sum(len(part.trades) for part in parts.values()) >= FRAME_TRADES:
                self._open[lane] = {}
                self._frame(lane, list(parts.values()))

    def heartbeat(self) -> None:
        """The promise, to every lane."""
        for lane in range(self.lanes):
            self._send(lane, encode([Part(VERSION, self._name(lane), "", self.promise)]), 0)

    def _frame(self, lane: int, parts: list[OpenPart]) -> None:
        name = self._name(lane)
        wire, trades = [], 0
        for part in parts:
            rest, rows = part.trades, part.rows
            while trades + len(rest) > FRAME_TRADES:  # a busy second goes on in the next frame
                room = FRAME_TRADES - trades
                if room:
                    wire.append(self._finish(name, part, rows[:room], rest[:room]))
                self._send(lane, encode(wire), trades + room)
                self.counts["frames"] += 1
                rows, rest = rows[room:], rest[room:]
                name, wire, trades = self._name(lane), [], 0
            if rest:
                wire.append(self._finish(name, part, rows, rest))
                trades += len(rest)
            part.sec = -1
        if wire:
            self._send(lane, encode(wire), trades)
            self.counts["frames"] += 1

    def _finish(self, name: str, part: OpenPart, rows: list[Any], trades: list[tuple[Any, ...]]) -> Part:
        partial = prepare_rows(rows)
        late = late_rank(part.sec, self.promise)
        self.counts["parts"] += 1
        self.counts["late"] += late > 0
        self._on_part(part.sym, part.sec, late, partial)
        return Part(VERSION, name, part.sym, part.sec, partial_to_wire(partial), late, trades)  # type: ignore[arg-type]  # tuples encode as rows do, and are made quicker

    def _name(self, lane: int) -> str:
        self._counter[lane] += 1
        return f"{self.epoch}-{lane}-{self._counter[lane]}"
