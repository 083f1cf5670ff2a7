"""How many trades a second one core takes in, from the socket's bytes to the stream's records, with every check on.

Measured over a recorded day of SPY (generated trades where the recording is absent), beside roads that do less, in
the same run: the official client's own (with and without its decoding of JSON), and decoding alone.
"""

import gc
import gzip
import json
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from polygon.websocket.models import Market, parse  # type: ignore[import-untyped]  # it ships no types

from shared.bars.sessions import new_york_sessions
from shared.models.bar import Partial
from shared.polygon.trades import events_decoder
from speed_layer.engine.python import PythonEngine
from speed_layer.ingest.clock import AHEAD_MS, FeedClock
from speed_layer.ingest.framer import Framer
from speed_layer.ingest.intake import Candidate, Intake
from tests.benchmarks.rows import Row

RECORDED = Path(__file__).parents[3] / "shared/data/trades/SPY_2013-10-08.jsonl.gz"
GENERATED_TRADES = 300_000
OPEN_MS = 1_381_239_000_000
FRAME_TRADES = 500
FLUSH_TRADES, DECIDE_TRADES = 30_000, 300_000
"""100 ms and one second at the promised pace."""
LANES = 4
ROUNDS = 3

Part = tuple[str, int, int, Partial]
log = logging.getLogger(__name__)


def run() -> list[Row]:
    """About 15 s. The best of three rounds each, taken in turns, by processor time: others may share the machine."""
    lines = recorded_lines()
    frames = [b"[" + b",".join(lines[at : at + FRAME_TRADES]) + b"]" for at in range(0, len(lines), FRAME_TRADES)]
    decoded = [json.loads(frame) for frame in frames]
    parts: list[Part] = []
    roads: dict[str, Callable[[], object]] = {
        "ingest": lambda: _ingest(frames, parts),
        "client": lambda: [parse(json.loads(frame), log, Market.Stocks) for frame in frames],
        "parse": lambda: [parse(frame, log, Market.Stocks) for frame in decoded],
        "decode": lambda: [events_decoder.decode(frame) for frame in frames],
    }
    best = dict.fromkeys(roads, float("inf"))
    size = 0
    with _as_the_ingester_collects_garbage():
        for _ in range(ROUNDS):
            for name, road in roads.items():
                begin = time.process_time()
                result = road()
                best[name] = min(best[name], time.process_time() - begin)
                size = result if isinstance(result, int) else size
                del result
        engine_s = min(_engine(parts) for _ in range(ROUNDS))
    pace = {name: len(lines) / seconds for name, seconds in best.items()}
    return [
        Row("ingest, bytes to records with every check", pace["ingest"], "trades/s", 300_000),
        Row("official client, bytes to its objects", pace["client"], "trades/s"),
        Row("official client's parse of JSON already decoded", pace["parse"], "trades/s"),
        Row("decoding alone", pace["decode"], "trades/s"),
        Row("ingest / official client, bytes to its objects", pace["ingest"] / pace["client"], "x", 0.9),
        Row("ingest / official client's parse alone", pace["ingest"] / pace["parse"], "x"),
        Row("ingest / decoding alone", pace["ingest"] / pace["decode"], "x"),
        Row("frames, bytes a trade", size / len(lines), "B", 130),
        Row("engine", len(parts) / engine_s, "parts/s"),
    ]


def _ingest(frames: list[bytes], parts: list[Part]) -> int:
    """One process's work on every trade: identity, clock, session, conditions, parts, frames, bars. Bytes framed."""
    size = 0

    def send(lane: int, data: bytes, trades: int) -> None:
        nonlocal size
        size += len(data)

    def count(sym: str, sec: int, late: int, partial: Partial) -> None:
        engine.add(sym, sec, late, partial)
        parts.append((sym, sec, late, partial))

    parts.clear()
    engine = PythonEngine()
    framer = Framer(1, LANES, send, count)
    clock: FeedClock[Candidate] = FeedClock()
    intake = Intake(new_york_sessions(), framer, clock)
    flush_at, decide_at = FLUSH_TRADES, DECIDE_TRADES
    for frame in frames:
        intake.take(frame)
        if intake.received >= flush_at:
            framer.flush()
            flush_at += FLUSH_TRADES
        if intake.received >= decide_at and clock.now_ms is not None:
            framer.flush()
            framer.promise = (clock.now_ms - AHEAD_MS) // 1000
            engine.close(framer.promise)
            decide_at += DECIDE_TRADES
    intake.end()
    framer.flush()
    assert intake.accepted + intake.duplicates == intake.received, intake.quarantined
    return size


def _engine(parts: list[Part]) -> float:
    """Seconds for every part, with the promise a second behind."""
    engine, told = PythonEngine(), 0
    begin = time.process_time()
    for sym, sec, late, partial in parts:
        engine.add(sym, sec, late, partial)
        if sec > told:
            told = sec
            engine.close(told)
    return time.process_time() - begin


def recorded_lines() -> list[bytes]:
    if RECORDED.is_file():
        return gzip.decompress(RECORDED.read_bytes()).splitlines()
    return list(_generated())


def _generated() -> Iterator[bytes]:
    """A busy symbol's six hours and a half: the same conditions, sizes and prices again and again."""
    draw, t, cents = random.Random(1), OPEN_MS, 16_742
    for q in range(GENERATED_TRADES):
        t += draw.randint(0, 2 * 23_400_000 // GENERATED_TRADES)
        cents += draw.choice((-1, 0, 0, 0, 1))
        conditions = draw.choice(([], [14], [37], [14, 37, 41]))
        event = {"ev": "T", "sym": "SPY", "x": draw.choice((4, 10, 11, 12)), "i": str(q), "z": 2, "p": cents / 100}
        yield json.dumps(event | {"s": draw.choice((1, 100, 100, 200)), "c": conditions, "t": t, "q": q}).encode()


@contextmanager
def _as_the_ingester_collects_garbage() -> Iterator[None]:
    threshold = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        gc.unfreeze()
