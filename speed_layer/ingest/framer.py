"""Accepted trades become parts, parts become frames, one lane at a time."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from shared.bars.algebra import prepare_rows
from shared.bars.windows import late_rank
from shared.frames import VERSION, Part, QuarantineWire, encode, partial_to_wire
from shared.models.bar import Partial
from speed_layer.ingest.lanes import lane_of
from speed_layer.ingest.newest import NewestTrades
from speed_layer.ingest.oddities import Oddities

FRAME_TRADES = 2_000
FRAME_PARTS = 1_000
"""Trades and parts in one frame at most: 200 to 700 KB, under the stream's 1 MiB record."""
FRAME_BYTES = 900_000
"""A longer frame (absurd trade ids and condition lists) is cut: the stream would refuse it for ever."""
QUARANTINE_BYTES = 4_096
QUARANTINE_ENTRIES = 100
"""Refused inputs in one record at most: about 550 KB."""
QUARANTINE_LANE = 0


class OpenPart:
    """One symbol in one event second, gathering. `rows` feed the partial, `trades` are the wire's rows."""

    __slots__ = ("rows", "sec", "sym", "trades")

    def __init__(self, sym: str, sec: int) -> None:
        self.sym, self.sec = sym, sec
        self.rows: list[Any] = []
        self.trades: list[tuple[Any, ...]] = []


class Slice(NamedTuple):
    """What one frame takes of an open part; nearly always all of it."""

    sym: str
    sec: int
    rows: list[Any]
    trades: list[tuple[Any, ...]]


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
        self.newest = NewestTrades()
        self.oddities = Oddities()
        self._send, self._on_part = send, on_part
        self._open: list[dict[tuple[str, int], OpenPart]] = [{} for _ in range(lanes)]
        self._counter = [0] * lanes
        self._quarantine: list[QuarantineWire] = []
        self._told = promise

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
        held, self._quarantine = self._quarantine, []
        for start in range(0, len(held), QUARANTINE_ENTRIES):
            entries = held[start : start + QUARANTINE_ENTRIES]
            # The promise last told, not the one just decided: what that one vouches for may not be acknowledged yet.
            part = Part(VERSION, self._name(QUARANTINE_LANE), "", self._told, quarantine=entries)
            self._send(QUARANTINE_LANE, encode([part]), 0)

    def flush_full(self) -> None:
        """Frame the lanes that have enough for a frame of the greatest size."""
        for lane, parts in enumerate(self._open):
            if len(parts) >= FRAME_PARTS or sum(len(part.trades) for part in parts.values()) >= FRAME_TRADES:
                self._open[lane] = {}
                self._frame(lane, list(parts.values()))

    def heartbeat(self, gap_ms: int = 0) -> None:
        """The promise, to every lane, and from where (Unix ms) a gap is not filled yet, or not told."""
        self._told = self.promise
        for lane in range(self.lanes):
            self._send(lane, encode([Part(VERSION, self._name(lane), "", self.promise, gap=gap_ms)]), 0)

    def _frame(self, lane: int, parts: list[OpenPart]) -> None:
        frame: list[Slice] = []
        held = 0
        for part in parts:
            start, trades = 0, len(part.trades)
            while start < trades:  # a busy second goes on in the next frame
                if held == FRAME_TRADES or len(frame) == FRAME_PARTS:
                    self._seal(lane, frame)
                    frame, held = [], 0
                end = min(trades, start + FRAME_TRADES - held)
                frame.append(Slice(part.sym, part.sec, part.rows[start:end], part.trades[start:end]))
                held += end - start
                start = end
            part.sec = -1
        if frame:
            self._seal(lane, frame)

    def _seal(self, lane: int, frame: list[Slice]) -> None:
        name, promise = self._name(lane), self.promise
        wire, sealed = [], []
        for sym, sec, rows, trades in frame:
            partial, late = prepare_rows(rows), late_rank(sec, promise)
            sealed.append((sym, sec, late, partial))
            self.newest.see(sym, sec, trades)
            wire.append(Part(VERSION, name, sym, sec, partial_to_wire(partial), late, trades))  # type: ignore[arg-type]  # tuples encode as rows do, and are made quicker
        data = encode(wire)
        count = sum(len(part.trades) for part in frame)
        if len(data) > FRAME_BYTES and count > 1:
            for half in _halves(frame):
                self._seal(lane, half)
            return
        self._send(lane, data, count)
        self.counts["frames"] += 1
        self.counts["parts"] += len(sealed)
        for (sym, sec, late, partial), one in zip(sealed, frame, strict=True):
            self.counts["late"] += late > 0
            self.oddities.see(sym, partial, one.trades[-1][1])
            self._on_part(sym, sec, late, partial)

    def _name(self, lane: int) -> str:
        self._counter[lane] += 1
        return f"{self.epoch}-{lane}-{self._counter[lane]}"


def _halves(frame: list[Slice]) -> tuple[list[Slice], list[Slice]]:
    """A frame of at least two trades in two: between parts, or within its only one."""
    if len(frame) > 1:
        return frame[: len(frame) // 2], frame[len(frame) // 2 :]
    ((sym, sec, rows, trades),) = frame
    cut = len(trades) // 2
    return [Slice(sym, sec, rows[:cut], trades[:cut])], [Slice(sym, sec, rows[cut:], trades[cut:])]
