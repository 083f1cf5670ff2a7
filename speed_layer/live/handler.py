"""Kinesis trades -> price alerts; late parts in the bars table, revised bars on the bars stream.

At least once: a crossing and a late part are stored under their ids, if absent, so a repeated batch changes nothing.
The engine owns every part that no timeframe had closed on; this function owns the rest, in both profiles.
"""

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from shared.bars.windows import HOUR_MS
from shared.frames import Part, decode_frame
from shared.stores.bars import LatePart
from shared.stores.old_trades import without_known_trades
from speed_layer.alerts.service import Watched
from speed_layer.alerts.trades import observed
from speed_layer.edges import Edges, wire
from speed_layer.kinesis_event import StreamRecord, decode_or_quarantine, report_first_failure
from speed_layer.revise import revised, send


def handle(batch: list[StreamRecord], edges: Edges, now_s: int) -> None:
    """Everything that follows from a batch: alerts first, somebody waits for them. Raises RetryableError."""
    frames = [frame for _, frame in decode_or_quarantine(batch, decode_frame, "live", edges.lake)]
    tell_of_prices(batch[0].shard, frames, edges)
    keep_late(frames, edges, now_s)


def tell_of_prices(shard: str, frames: list[list[Part]], edges: Edges) -> None:
    """Price rules against the trades of these frames."""
    if edges.alerts is None:
        return
    rules = edges.alerts.rules()
    seen = observed(frames, frozenset(one.rule.ticker for one in rules), edges.sessions)
    edges.alerts.take(shard, [Watched(one, seen.get(one.rule.ticker, ())) for one in rules])


def keep_late(frames: Iterable[list[Part]], edges: Edges, now_s: int) -> None:
    """Mark, write, then read: in this order a base stored meanwhile by `persist` is never missed by both."""
    parts = {part.identity: part for frame in frames for part in frame if part.sym and part.late}
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
    return report_first_failure(event, lambda batch: handle(batch, wire(), int(time.time())))
