"""Records of the trades stream: every trade goes out once, every part goes to its second, heartbeats close seconds."""

from serving_layer.push.hub import Hub
from serving_layer.push.lanes import FrameName, Lanes, name_of
from serving_layer.push.seconds import Seconds
from shared.errors import InvalidRecord
from shared.frames import Part, decode_frame
from shared.observability import event, logger
from shared.polygon.events import TRADE, trade_events

CHUNK_TRADES = 200
"""Trades handed on in one piece at most: under 100 KB even with long identities."""

log = logger("push.trades")


class Trades:
    """From frames to `T` events and second bars."""

    def __init__(self, hub: Hub, seconds: Seconds) -> None:
        self._hub, self._seconds = hub, seconds
        self._lanes = Lanes()

    def take(self, data: bytes) -> None:
        """One record, the next of its shard. Raises InvalidRecord for one that is no frame; a part that cannot be read
        is left out alone."""
        names: dict[str, FrameName | None] = {}
        for part in decode_frame(data):
            if part.f not in names:
                names[part.f] = self._new(part.f)
            name = names[part.f]
            if name is None:
                continue
            try:
                self._take(name.lane, part)
            except InvalidRecord as error:
                event(log, 40, "part left out", reason=error.reason, part=part.late_id)

    def _new(self, f: str) -> FrameName | None:
        """None for a frame that was met before."""
        name = name_of(f)
        if not self._lanes.is_new(name):
            return None
        if name.is_first_ever:
            self._seconds.everything_is_whole(name.lane)
        return name

    def _take(self, lane: int, part: Part) -> None:
        if part.sym:
            self._publish(part)
            self._seconds.add(lane, part)
        elif not part.quarantine:
            self._seconds.promise(lane, part.sec)

    def _publish(self, part: Part) -> None:
        if not self._hub.wanted(TRADE, part.sym):
            return
        for start in range(0, len(part.trades), CHUNK_TRADES):
            events = trade_events(part.sym, part.trades[start : start + CHUNK_TRADES])
            self._hub.publish(TRADE, part.sym, events)
