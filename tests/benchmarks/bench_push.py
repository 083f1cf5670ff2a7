"""How many trades a second one core pushes: from records of the stream to frames for one and for ten subscribers.

Measured by processor time over generated frames of many symbols, beside Python's own `json.dumps` of the same events,
once for all subscribers, in the same run.
"""

import asyncio
import gc
import json
import random
import time
from collections.abc import Callable
from typing import Any

from serving_layer.push.bars import Bars
from serving_layer.push.day import Day
from serving_layer.push.hub import Hub
from serving_layer.push.outbox import Outbox
from serving_layer.push.seconds import Seconds
from serving_layer.push.trades import Trades
from shared.bars.algebra import prepare_rows
from shared.bars.conditions import EVERYTHING
from shared.bars.sessions import new_york_sessions
from shared.frames import VERSION, Part, TradeRow, decode_frame, encode, partial_to_wire
from shared.polygon.socket import Channel
from tests.benchmarks.rows import Row

OPEN_MS = 1_381_239_000_000
SECONDS = 4
TRADES = 20_000
"""A second, over SYMBOLS: the pace that the service must hold."""
SYMBOLS = 2_000
FRAMES = 10
"""Of a lane, a second; a heartbeat follows the last."""
ROUNDS = 3
END = b'"end"'


class _NoTable:
    """Days that are never read: every bar goes at once."""

    def want(self, sym: str, day: Day, done: Callable[[], None] | None) -> bool:
        return False


def run() -> list[Row]:
    """About 10 s. The best of three rounds each, taken in turns."""
    records = _records()
    trades = SECONDS * TRADES
    roads: dict[str, Callable[[], object]] = {
        "one": lambda: asyncio.run(_push(records, ("T",), 1)),
        "ten": lambda: asyncio.run(_push(records, ("T",), 10)),
        "bars": lambda: asyncio.run(_push(records, ("T", "A"), 1)),
        "dumps": lambda: _dumps(records),
        "decode": lambda: [decode_frame(record) for record in records],
    }
    best = dict.fromkeys(roads, float("inf"))
    for _ in range(ROUNDS):
        for name, road in roads.items():
            gc.collect()
            begin = time.process_time()
            road()
            best[name] = min(best[name], time.process_time() - begin)
    pace = {name: trades / seconds for name, seconds in best.items()}
    return [
        Row("push, records to frames of T, one subscriber", pace["one"], "trades/s", 20_000),
        Row("push, ten subscribers", pace["ten"], "trades/s", 20_000),
        Row("push, T and second bars, one subscriber", pace["bars"], "trades/s", 20_000),
        Row("decoding the records, then json.dumps of each event", pace["dumps"], "trades/s"),
        Row("decoding the records alone", pace["decode"], "trades/s"),
        Row("push to one / json.dumps", pace["one"] / pace["dumps"], "x"),
    ]


class _Subscriber(Outbox):
    """An outbox that asks for channels itself."""

    owner = ""


async def _push(records: list[bytes], prefixes: tuple[str, ...], subscribers: int) -> int:
    """Everything but the socket. Bytes of all frames."""
    hub, size, ended = Hub(), 0, asyncio.Semaphore(0)

    async def send(frame: bytes) -> None:
        nonlocal size
        size += len(frame)
        if frame.endswith(END + b"]"):
            ended.release()

    outboxes = [_Subscriber(send, lambda: None) for _ in range(subscribers)]
    sending = [asyncio.create_task(outbox.run()) for outbox in outboxes]
    for outbox in outboxes:
        for prefix in prefixes:
            hub.subscribe(Channel(prefix, "*"), outbox)
    taker = Trades(hub, Seconds(Bars(hub, new_york_sessions(), _NoTable()).second))
    for record in records:
        taker.take(record)
        await asyncio.sleep(0)
    for outbox in outboxes:
        outbox.give(END)
    for _ in outboxes:
        await ended.acquire()
    for task in sending:
        task.cancel()
    return size


def _dumps(records: list[bytes]) -> int:
    size = 0
    for record in records:
        for part in decode_frame(record):
            events: list[dict[str, Any]] = [
                {"ev": "T", "sym": part.sym, "x": row.x, "i": row.i, "z": row.z, "p": float(row.p), "s": float(row.s)}
                | {"c": row.c, "t": row.t, "q": row.q}
                for row in part.trades
            ]
            size += sum(len(json.dumps(event)) for event in events)
    return size


def _records() -> list[bytes]:
    """What one lane gets of a busy market."""
    draw, records, counter, q = random.Random(1), [], 0, 0
    for sec in range(SECONDS):
        for tenth in range(FRAMES):
            counter += 1
            rows: dict[int, list[TradeRow]] = {}
            for _ in range(TRADES // FRAMES):
                q += 1
                cents, conditions = draw.randint(10_000, 30_000), draw.choice(((), (14,), (37,), (14, 37, 41)))
                row = TradeRow(
                    t=OPEN_MS + 1_000 * sec + 100 * tenth,
                    q=q,
                    x=draw.choice((4, 10, 11, 12)),
                    trfi=0,
                    i=str(52_983_525_000_000 + q),
                    p=f"{cents // 100}.{cents % 100:02d}",
                    s=str(draw.choice((1, 100, 200))),
                    c=conditions,
                    z=2,
                )
                rows.setdefault(draw.randrange(SYMBOLS), []).append(row)
            name = f"1-0-{counter}"
            records.append(encode([_part(name, f"S{symbol}", of) for symbol, of in rows.items()]))
        counter += 1
        records.append(encode([Part(VERSION, f"1-0-{counter}", "", OPEN_MS // 1_000 + sec - 1)]))
    return records


def _part(name: str, sym: str, rows: list[TradeRow]) -> Part:
    scaled = [(row.t, row.q, int(row.p.replace(".", "")) * 10**7, int(row.s) * 10**6, EVERYTHING) for row in rows]
    return Part(VERSION, name, sym, rows[0].t // 1_000, partial_to_wire(prepare_rows(scaled)), 0, rows)
