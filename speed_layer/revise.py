"""Revised bars: closed windows that late parts have changed, rolled up from the stored minutes.

`live` calls it after it stored a late part, `persist` after it stored a base in an hour that holds late parts:
whichever comes last sees both. A window of rank k was closed on a late part of rank >= k; only such ones are revised.
"""

from collections.abc import Iterable

from shared.bars.algebra import merge_all
from shared.bars.windows import HOUR_MS, STREAM_TIMEFRAMES
from shared.clients.kinesis import PutRecords
from shared.errors import StoreUnavailable
from shared.frames import RECORD_BARS, VERSION, BarRecord, encode, partial_to_wire
from shared.stores.bars import BarStore

ENGINE = "live"


def revised(store: BarStore, sym: str, hour_ms: int, minutes: Iterable[int], now_s: int) -> list[BarRecord]:
    """The revised windows of one symbol and hour (start, Unix ms) that hold any of the given minutes (Unix ms)."""
    stored = list(store.minutes(sym, hour_ms, hour_ms + HOUR_MS, now_s))
    records = []
    for rank, (timeframe, width) in enumerate(STREAM_TIMEFRAMES.items(), start=1):
        for start in sorted({t - t % (width * 1000) for t in minutes}):
            inside = [item for item in stored if start <= item.t < start + width * 1000]
            if any(part.rank >= rank for item in inside for part in item.late.values()):
                partial = merge_all(item.shown for item in inside)
                rev = sum(len(item.late) for item in inside)
                records.append(BarRecord(VERSION, sym, timeframe, start, partial_to_wire(partial), rev, ENGINE, 0))
    return records


def send(put: PutRecords, records: list[BarRecord]) -> None:
    """Put revised bars on the bars stream. Raises StoreUnavailable when any was not taken."""
    for start in range(0, len(records), RECORD_BARS):
        if not all(put([(0, encode(records[start : start + RECORD_BARS]))])):
            raise StoreUnavailable("the bars stream did not take a record")
