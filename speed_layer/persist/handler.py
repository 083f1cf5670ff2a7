"""Kinesis bars -> bars table. At least once: every write is a compare-and-set, so a repeated batch changes nothing.

Only the engine's one-minute records are stored: longer timeframes are rolled up on read. Runs outside the VPC, since it
puts revised bars back on the stream (docs/decisions).
"""

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from shared.bars.algebra import is_possible
from shared.bars.sessions import SessionTable
from shared.bars.windows import HOUR_MS, STREAM_TIMEFRAMES
from shared.errors import InvalidRecord
from shared.frames import BarRecord, decode_bars, partial_from_wire
from speed_layer.edges import Edges, wire
from speed_layer.kinesis_event import StreamRecord, decode_or_quarantine, report_first_failure
from speed_layer.revise import ENGINE, revised, send

PARALLEL = 8
STORED_TIMEFRAME = "1m"
READER = "persist"


def checked_bars(sessions: SessionTable, data: bytes) -> list[BarRecord]:
    """Records that may be bars of a market. Raises InvalidRecord as `decode_bars`, and `invariant`, `no_session`."""
    records = decode_bars(data)
    for record in records:
        width = STREAM_TIMEFRAMES.get(record.tf)
        if width is None or record.t % (width * 1000):
            raise InvalidRecord("invariant", f"no window of {record.tf[:9]} starts at {record.t}")
        if not is_possible(partial_from_wire(record.partial)):
            raise InvalidRecord("invariant", f"{record.sym[:16]} {record.tf} {record.t}: prices contradict one another")
        if record.tf == STORED_TIMEFRAME and sessions.day_of(record.t) is None:
            raise InvalidRecord("no_session", f"{record.sym[:16]} {record.t}: the market was closed")
    return records


def persist(batch: list[StreamRecord], edges: Edges, now_s: int) -> None:
    """Store the minutes of a batch; in hours with late parts, send the closed windows they change.

    Then say so: the signals function waits for it before it reads minutes from the table.
    """
    minutes = [
        record
        for _, records in decode_or_quarantine(batch, partial(checked_bars, edges.sessions), READER, edges.lake)
        for record in records
        if record.tf == STORED_TIMEFRAME and record.engine != ENGINE
    ]

    def store(record: BarRecord) -> None:
        edges.bars.put_base(record.sym, record.t, partial_from_wire(record.partial), now_s)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(store, minutes))
    hours: dict[tuple[str, int], set[int]] = defaultdict(set)
    for record in minutes:
        hours[record.sym, record.t - record.t % HOUR_MS].add(record.t)
    for (sym, hour), touched in hours.items():
        if edges.control.is_marked_late(sym, hour, now_s):
            send(edges.bars_out, revised(edges.bars, sym, hour, touched, now_s))
    edges.control.put_through(READER, batch[-1].sequence)


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Trigger: the bars stream."""
    return report_first_failure(event, lambda batch: persist(batch, wire(), int(time.time())))
