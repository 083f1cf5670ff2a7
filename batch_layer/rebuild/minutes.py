"""A trade date's minutes made again from the raw log: every part once, late ones with the others.

Polars is the third interpreter of merge (shared/bars/algebra.py): MIN, MAX and SUM by column, on integers that hold any
sum. An hour of the log is read and merged before the next, so memory is that of the busiest hour's parts without their
trades.
"""

from collections.abc import Iterator
from datetime import date

import msgspec
import polars as pl

from shared.bars.sessions import SessionTable
from shared.bars.windows import MINUTE_MS
from shared.frames import Part, PartialWire, partial_from_wire
from shared.models.bar import EMPTY, Edges, Minute, Partial
from shared.stores.lake import Lake
from shared.stores.old_trades import OLD_RANK, without_known_trades

HOURS = tuple(f"{hour:02d}" for hour in range(24))
"""Of New York, as the log names them; on the day on which clocks go back one of them is two hours long."""
CHUNK = 50_000
"""Parts that are Python objects at a time."""
NOTIONAL_SPLIT = 10**18
"""A notional on the wire has up to 44 digits, more than 128 bits: it is summed in two columns."""

_EDGES = {"first": pl.String, "last": pl.String, "high": pl.Int64, "low": pl.Int64}
_DAY = {f"day_{name}": kind for name, kind in _EDGES.items()}
_SUMS = {"volume": pl.Int128, "notional": pl.Int128, "notional_rest": pl.Int128, "count": pl.Int64}
_IDENTITY = {"f": pl.String, "sym": pl.String, "sec": pl.Int64}
_PARTS = _IDENTITY | _EDGES | _DAY | _SUMS
_MERGED = tuple((_EDGES | _DAY | _SUMS).keys())
_LEAST = ("first", "low", "day_first", "day_low")
_GREATEST = ("last", "high", "day_last", "day_high")


class _Head(msgspec.Struct, gc=False):
    """A part without its trades; the fields are those of `Part`."""

    f: str
    sym: str
    sec: int
    bar: PartialWire | None = None
    late: int = 0


_head = msgspec.json.Decoder(_Head)
_part = msgspec.json.Decoder(Part)
_Row = tuple[str | int | None, ...]


def rebuild_minutes(lake: Lake, day: date, sessions: SessionTable) -> Iterator[Minute]:
    """The minutes of a trade date that something has happened in, hour after hour, in each by symbol and time.

    Equal to what the engine counted plus the late parts, whatever was delivered twice: each (f, sym, sec) counts once,
    and late parts without the trades that the log holds from earlier frames. Raises StoreUnavailable.
    """
    for hour in HOURS:
        yield from _minutes(_parts(lake, f"date={day}/hour={hour}/", sessions))


def _parts(lake: Lake, prefix: str, sessions: SessionTable) -> pl.DataFrame:
    """The parts of one hour, each once."""
    old: dict[tuple[str, str, int], Part] = {}
    chunks = [pl.DataFrame(schema=_PARTS)]
    rows: list[_Row] = []
    for _, lines in lake.raw_lines(prefix):
        for line in lines:
            head = _head.decode(line)
            if not head.sym:
                continue
            if head.bar is None or head.late >= OLD_RANK:
                part = _part.decode(line)
                old[part.identity] = part
            else:
                rows.append(_row(head.f, head.sym, head.sec, partial_from_wire(head.bar)))
        if len(rows) >= CHUNK:
            chunks.append(pl.DataFrame(rows, schema=_PARTS, orient="row"))
            rows = []
    rows += [
        _row(part.f, part.sym, part.sec, partial)
        for part, partial in without_known_trades(old.values(), lake, sessions)
    ]
    chunks.append(pl.DataFrame(rows, schema=_PARTS, orient="row"))
    return pl.concat(chunks).unique(list(_IDENTITY))


def _row(f: str, sym: str, sec: int, partial: Partial) -> _Row:
    """Day fields stand in full here: where a partial has none they are its own."""
    *own, volume, notional, count, day = partial
    return (f, sym, sec, *own, *(own if day is None else day), volume, *divmod(notional, NOTIONAL_SPLIT), count)


def _minutes(parts: pl.DataFrame) -> Iterator[Minute]:
    merged = (
        parts.group_by("sym", (pl.col("sec") // 60 * MINUTE_MS).alias("t"))
        .agg(pl.col(*_LEAST).min(), pl.col(*_GREATEST).max(), pl.col(*_SUMS).sum())
        .sort("sym", "t")
    )
    for sym, t, *fields in merged.select("sym", "t", *_MERGED).iter_rows():
        partial = _partial(*fields)
        if partial != EMPTY:
            yield Minute(sym, t, partial)


def _partial(*fields: str | int | None) -> Partial:
    edges, day = Edges(*fields[:4]), Edges(*fields[4:8])  # type: ignore[arg-type]  # the columns of _EDGES, twice
    volume, notional, rest, count = fields[8:]  # the columns of _SUMS
    exact = int(notional) * NOTIONAL_SPLIT + int(rest)  # type: ignore[arg-type]  # a sum is never null
    return Partial(*edges, int(volume), exact, int(count), None if day == edges else day)  # type: ignore[arg-type]  # the same
