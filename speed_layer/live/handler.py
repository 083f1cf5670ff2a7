"""Kinesis trades -> late parts in the bars table, revised bars on the bars stream.

At least once: a late part is stored under its id, if absent, so a repeated batch changes nothing. The engine owns every
part that no timeframe had closed on; this function owns the rest, in both profiles.
"""

import time
from collections import defaultdict
from typing import Any

from shared.bars.windows import HOUR_MS
from shared.frames import decode_frame
from shared.stores.bars import LatePart
from shared.stores.old_trades import without_known_trades
from speed_layer.edges import Edges, wire
from speed_layer.kinesis_event import StreamRecord, decode_or_quarantine, report_first_failure
from speed_layer.revise import revised, send


def keep_late(batch: list[StreamRecord], edges: Edges, now_s: int) -> None:
    """Mark, write, then read: in this order a base stored meanwhile by `persist` is never missed by both."""
    parts = {
        part.identity: part
        for _, frame in decode_or_quarantine(batch, decode_frame, "live", edges.lake)
        for part in frame
        if part.sym and part.late
    }
    hours: dict[tuple[str, int], set[int]] = defaultdict(set)
    for part, partial in without_known_trades(parts.values(), edges.lake, edges.sessions):
        hour = part.minute - part.minute % HOUR_MS
        if not hours[part.sym, hour]:
            edges.control.mark_late(part.sym, hour, now_s)
        hours[part.sym, hour].add(part.minute)
        edges.bars.put_late(part.sym, part.minute, part.late_id, LatePart(part.late, partial), now_s)
    for (sym, hour), touched in hours.items():
        send(edges.bars_out, revised(edges.bars, sym, hour, touched, now_s))


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Trigger: the trades stream."""
    return report_first_failure(event, lambda batch: keep_late(batch, wire(), int(time.time())))
