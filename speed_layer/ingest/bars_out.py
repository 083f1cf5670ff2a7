"""Closed windows to the bars stream."""

from collections.abc import Sequence

from shared.frames import RECORD_BARS, VERSION, BarRecord, encode, partial_to_wire
from speed_layer.engine.python import NAME, ClosedWindow
from speed_layer.ingest.publisher import Publisher

LANE = 0


class BarsOut:
    """Packs closed windows into records; `publisher` has one lane. Not `on`: somebody else makes the bars."""

    def __init__(self, publisher: Publisher, *, on: bool = True) -> None:
        self._publisher, self._on = publisher, on
        self.bars = 0

    def emit(self, closed: Sequence[ClosedWindow], promise: int) -> None:
        """Queue the windows that the promise (Unix seconds) has closed."""
        if not self._on:
            return
        for start in range(0, len(closed), RECORD_BARS):
            records = [
                BarRecord(VERSION, w.sym, w.tf, w.start * 1000, partial_to_wire(w.partial), 0, NAME, promise)
                for w in closed[start : start + RECORD_BARS]
            ]
            self._publisher.send(LANE, encode(records), 0)
            self.bars += len(records)
