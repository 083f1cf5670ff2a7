"""Stream records with parts and bars, as the stream functions get them."""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from shared.frames import Part, encode
from speed_layer.kinesis_event import StreamRecord
from tests.fakes.kinesis import name
from tests.unit.speed_layer.consumers import ARRIVED
from tests.unit.speed_layer.feed import Rig, trade


def part(sec: int, ids: Iterable[int] = (1,), *, f: str = "1-0-1", sym: str = "SPY", late: int = 0) -> Part:
    """A part of one second with a trade for each id: its price is 100 + id."""
    rig = Rig(sec * 1000)
    rig.take(*(trade(n, sec * 1000 + n, sym=sym, p=100 + n) for n in ids))
    (made,) = rig.parts()
    made.f, made.late = f, late
    return made


def heartbeat(sec: int, f: str = "1-0-9") -> Part:
    return Part(1, f, "", sec)


def record(data: bytes | list[Part], sequence: int = 1, shard: int = 0) -> StreamRecord:
    return StreamRecord(name(shard), str(sequence), ARRIVED, data if isinstance(data, bytes) else encode(data))


def lambda_event(*data: bytes | str, first: int = 1) -> dict[str, Any]:
    """What Lambda hands over; text stands as it is where base64 is expected."""
    return {
        "Records": [
            {
                "eventID": f"{name(0)}:{number}",
                "kinesis": {
                    "sequenceNumber": str(number),
                    "data": one if isinstance(one, str) else base64.b64encode(one).decode(),
                    "approximateArrivalTimestamp": datetime(2013, 10, 8, 14, tzinfo=UTC).timestamp(),
                },
            }
            for number, one in enumerate(data, start=first)
        ]
    }
