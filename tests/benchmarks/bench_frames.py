"""How many bytes a trade takes in the frames of many symbols: the busier the market, the more trades share a part; and
how fast the night makes minutes of their parts again.

500 symbols trade at paces that fall as 1/(8 + rank), each with the recorded day's own pauses, drawn out or pressed
together (generated trades where the recording is absent). Sizes are the same in every run.
"""

import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any, cast

import msgspec

from batch_layer.rebuild.minutes import rebuild_minutes
from shared.bars.sessions import new_york_sessions
from shared.stores.lake import Lake
from speed_layer.ingest.clock import FeedClock
from speed_layer.ingest.framer import Framer
from speed_layer.ingest.intake import Candidate, Intake
from tests.benchmarks.bench_ingest import OPEN_MS, recorded_lines
from tests.benchmarks.rows import Row

SYMBOLS, SECONDS, FRAME_MS = 500, 20, 100
BEGINS_MS = OPEN_MS + 1_000_000
SHARDS, LANES = 2, 4
PACES = {"a session's mean": 1_540, "a busy minute": 5_000, "a burst": 20_000}
"""Trades a second: 40 million in a day of which a tenth is before and after hours, and what its peaks are taken for."""


def run() -> list[Row]:
    tape = [json.loads(line) for line in recorded_lines()]
    tape = [event for event in tape if event["t"] >= OPEN_MS]
    rows = []
    for name, pace in PACES.items():
        frames, trades = _framed(tape, pace)
        sizes = {lane: sum(map(len, held)) for lane, held in frames.items()}
        rows.append(Row(f"bytes a trade, {name} of {pace} trades/s", sum(sizes.values()) / trades, "B"))
    fullest = max(sum(sizes[lane] for lane in range(LANES) if lane % SHARDS == shard) for shard in range(SHARDS))
    rows.append(Row(f"into the fuller of {SHARDS} shards, a burst", fullest / SECONDS / 1e6, "MB/s"))
    parts = [bytes(part) for held in frames.values() for data in held for part in _elements.decode(data)]
    return [*rows, Row("rebuild of minutes, one core", len(parts) / _rebuilt(parts), "parts/s")]


_elements = msgspec.json.Decoder(list[msgspec.Raw])


class _Log:
    """A raw log of one hour."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    def raw_lines(self, prefix: str) -> Iterator[tuple[str, list[bytes]]]:
        held, self._parts = self._parts, []
        yield prefix, held


def _rebuilt(parts: list[bytes]) -> float:
    """Seconds of processor time."""
    begin = time.process_time()
    minutes = list(rebuild_minutes(cast("Lake", _Log(parts)), date(2013, 10, 8), new_york_sessions()))
    assert len(minutes) >= SYMBOLS
    return time.process_time() - begin


def _framed(tape: list[dict[str, Any]], pace: int) -> tuple[dict[int, list[bytes]], int]:
    """Frames by lane, and how many trades they hold."""
    frames: dict[int, list[bytes]] = defaultdict(list)

    def send(lane: int, data: bytes, trades: int) -> None:
        frames[lane].append(data)

    framer = Framer(1, LANES, send, lambda *part: None)
    clock: FeedClock[Candidate] = FeedClock()
    intake = Intake(new_york_sessions(), framer, clock)
    gathered: list[dict[str, Any]] = []
    frame_at = BEGINS_MS + FRAME_MS
    for event in sorted(_market(tape, pace), key=lambda event: event["t"]):
        if event["t"] >= frame_at:
            intake.take(json.dumps(gathered).encode())
            framer.flush()
            gathered, frame_at = [], event["t"] - event["t"] % FRAME_MS + FRAME_MS
        gathered.append(event)
    intake.take(json.dumps(gathered).encode())
    intake.end()
    framer.flush()
    assert intake.accepted == intake.received, intake.quarantined
    return frames, intake.accepted


def _market(tape: list[dict[str, Any]], pace: int) -> Iterator[dict[str, Any]]:
    """Each symbol has its own piece of the tape, as many trades as it makes in the time, stretched to fit."""
    draw, weights = random.Random(1), [1 / (8 + rank) for rank in range(SYMBOLS)]
    for rank, weight in enumerate(weights):
        count = max(2, round(pace * SECONDS * weight / sum(weights)))
        first = draw.randrange(len(tape) - count)
        piece = tape[first : first + count]
        begins, lasts = piece[0]["t"], max(1, piece[-1]["t"] - piece[0]["t"])
        for number, event in enumerate(piece):
            t = BEGINS_MS + (event["t"] - begins) * (SECONDS * 1000 - 1) // lasts
            yield event | {"sym": f"S{rank:03d}", "i": str(number), "q": number + 1, "t": t}
