"""One record of a stream as a function gets it, and the event of many; its bytes count against the payload limit."""

from collections.abc import Iterable
from dataclasses import dataclass

_OPEN, _CLOSE = b'{"Records":[', b"]}"
ENVELOPE_BYTES = len(_OPEN) + len(_CLOSE)


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """`arrival` is Unix seconds; `entry` the record as it stands in the event's `Records`, encoded."""

    sequence: str
    arrival: float
    entry: bytes


def event_of(records: Iterable[StreamRecord]) -> bytes:
    return _OPEN + b",".join(record.entry for record in records) + _CLOSE
