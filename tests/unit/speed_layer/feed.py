"""Trades as the vendor sends them, and an intake with its framer to give them to."""

import json
from collections.abc import Iterator
from typing import Any

from shared.bars.sessions import new_york_sessions
from shared.frames import Part, decode_frame
from shared.models.bar import Partial
from speed_layer.ingest.clock import FeedClock
from speed_layer.ingest.framer import Framer
from speed_layer.ingest.intake import Candidate, Intake

T0 = 1_381_239_000_000
"""2013-10-08 09:30 in New York, Unix ms: also the start of a half hour."""
S0 = T0 // 1000
MINUTE = 60_000
LANES = 4


def trade(n: int, t: int = T0, **changes: Any) -> dict[str, Any]:
    """A trade event with identity `n`."""
    return {"ev": "T", "sym": "SPY", "x": 12, "i": str(n), "z": 2, "p": 167.42, "s": 210, "t": t, "q": n} | changes


def frame(*elements: Any) -> bytes:
    return json.dumps(elements).encode()


class Rig:
    """An intake, what it framed, and the parts that its engine would get."""

    def __init__(self, clock_ms: int | None = None, promise: int = 0, epoch: int = 1) -> None:
        self.sent: list[tuple[int, bytes, int]] = []
        self.counted: list[tuple[str, int, int, Partial]] = []
        self.framer = Framer(
            epoch, LANES, lambda *record: self.sent.append(record), lambda *part: self.counted.append(part), promise
        )
        self.clock: FeedClock[Candidate] = FeedClock(clock_ms)
        self.intake = Intake(new_york_sessions(), self.framer, self.clock)

    def take(self, *elements: Any, host_ms: int | None = None) -> None:
        self.intake.take(frame(*elements), host_ms)

    def decide(self) -> None:
        """The promise follows the clock."""
        self.framer.flush()
        self.framer.promise = max(self.framer.promise, ((self.clock.now_ms or 0) - 2_000) // 1000)

    def frames(self) -> list[tuple[int, list[Part]]]:
        """(lane, parts) of everything sent, after what is open was framed too."""
        self.framer.flush()
        return [(lane, decode_frame(data)) for lane, data, _ in self.sent]

    def parts(self) -> Iterator[Part]:
        for _, parts in self.frames():
            yield from (part for part in parts if part.sym)

    def trades(self) -> list[tuple[str, int, str]]:
        """(symbol, t, id) of every accepted trade."""
        return [(part.sym, row.t, row.i) for part in self.parts() for row in part.trades]

    def refused(self) -> list[tuple[str, bytes]]:
        """(reason, bytes) of everything that travels as quarantined."""
        entries = [entry for _, parts in self.frames() for part in parts for entry in part.quarantine]
        return [(entry.reason, entry.data) for entry in entries]

    def totals(self) -> tuple[int, int, int, int]:
        """(accepted, duplicates, quarantined, waiting); they must add up to what was received."""
        intake = self.intake
        totals = (intake.accepted, intake.duplicates, sum(intake.quarantined.values()), intake.waiting)
        assert intake.received == sum(totals)
        return totals
