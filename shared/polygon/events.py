"""Data events of Polygon's socket, as JSON text built straight from decimal text and scaled integers.

Numbers are plain decimals with every digit that is known; `ds`, `dv` and `dav` say the same as strings, for readers
whose numbers are doubles. What is not known is left out, never null.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from shared.bars.scale import SIZE_DIGITS, SIZE_SCALE, divide_half_even, format_scaled
from shared.errors import InvalidRecord
from shared.frames import TradeRow
from shared.models.alert import StoredCrossing
from shared.models.bar import Bar
from shared.models.signal import StoredSignal
from shared.polygon.numbers import VWAP_DIGITS, price_text

TRADE, SECOND_BAR, MINUTE_BAR, SIGNAL, ALERT = "T", "A", "AM", "S", "AL"
WIDTH_MS = {SECOND_BAR: 1_000, MINUTE_BAR: 60_000}
_PLAIN = re.compile(r"[0-9]{1,20}(\.[0-9]{1,9})? [0-9]{1,20}(\.[0-9]{1,9})?", re.ASCII)


class DayFigures(NamedTuple):
    """Of a trade date, through the end of a bar: volume in 10^-6 share, VWAP in 10^-4 USD (None without volume), the
    official open in 10^-9 USD (0 until the regular session has its first)."""

    volume: int
    vwap: int | None
    open: int


def trade_events(sym: str, rows: Sequence[TradeRow]) -> bytes:
    """`T` events of one symbol with commas between them: ev sym x i z p s c t q, `ds` of a fractional size, `trfi`.

    Raises InvalidRecord `number` for a price or size that is no plain decimal.
    """
    head = f'{{"ev":"T","sym":{_quoted(sym)},"x":'
    return ",".join([head + _trade(row) for row in rows]).encode()


def _trade(row: TradeRow) -> str:
    p, s = row.p, row.s
    if not _PLAIN.fullmatch(f"{p} {s}"):
        raise InvalidRecord("number", f"price and size must be plain decimals, were {p[:40]!r} and {s[:40]!r}")
    size = f'{s},"ds":"{s}"' if "." in s else s
    conditions = _conditions(row.c) if row.c else ""
    trf = f',"trfi":{row.trfi}' if row.trfi else ""
    name = _quoted(row.i)
    return f'{row.x},"i":{name},"z":{row.z},"p":{p},"s":{size}{conditions},"t":{row.t},"q":{row.q}{trf}}}'


@lru_cache(maxsize=4_096)
def _conditions(ids: tuple[int, ...]) -> str:
    return f',"c":[{",".join(map(str, ids))}]'


def _quoted(text: str) -> str:
    return f'"{text}"' if text.isalnum() and text.isascii() else msgspec.json.encode(text).decode()


def bar_event(ev: str, sym: str, bar: Bar, day: DayFigures | None) -> bytes:
    """An `A` (second) or `AM` (minute) event. The figures of the day are left out where they are not known.

    `vw` is the window's VWAP and `a` the day's; `z` = average size of a trade in whole shares; `e` = end of the window,
    excluded. There is no count of trades in Polygon's event.
    """
    shares, average = format_scaled(bar.volume, SIZE_DIGITS), ""
    window = "" if bar.vwap is None else f'"vw":{format_scaled(bar.vwap, VWAP_DIGITS)},'
    if bar.count:
        average = f'"z":{divide_half_even(bar.volume, bar.count * SIZE_SCALE)},'
    prices = zip("ochl", map(price_text, (bar.open, bar.close, bar.high, bar.low)), strict=True)
    edges = ",".join(f'"{name}":{price}' for name, price in prices)
    head = f'{{"ev":"{ev}","sym":{_quoted(sym)},"v":{shares},"dv":"{shares}"'
    return f'{head}{_day(day)},{window}{edges},{average}"s":{bar.t},"e":{bar.t + WIDTH_MS[ev]}}}'.encode()


def _day(day: DayFigures | None) -> str:
    if day is None:
        return ""
    shares = format_scaled(day.volume, SIZE_DIGITS)
    vwap = "" if day.vwap is None else f',"a":{format_scaled(day.vwap, VWAP_DIGITS)}'
    return f',"av":{shares},"dav":"{shares}","op":{price_text(day.open)}{vwap}'


def alert_event(stored: StoredCrossing) -> bytes:
    """An `AL` event, ours: a rule's condition came true. `t` = event time of the trade or start of the bar, `k` = when
    it was stored, both Unix ms; `value` is decimal text, or the side of a signal."""
    one = stored.crossing
    head = {"ev": ALERT, "sym": one.sym, "id": one.id, "alert": one.rule, "version": one.version, "type": one.type}
    tail = {"direction": one.direction, "value": one.value, "t": one.t, "note": one.note, "k": stored.known_at}
    return msgspec.json.encode(head | tail)


def signal_event(signal: StoredSignal) -> bytes:
    """An `S` event, ours: a signal that became active or was withdrawn. `t` = start of its bar, `k` = when the change
    was stored, both Unix ms; `p` = its price. Raises InvalidRecord `number`."""
    if not _PLAIN.fullmatch(f"{signal.price} 0"):
        raise InvalidRecord("number", f"price must be a plain decimal, was {signal.price[:40]!r}")
    head = {"ev": SIGNAL, "sym": signal.sym, "id": signal.id, "strategy": signal.strategy, "tf": signal.tf}
    middle = {"t": signal.t, "side": signal.side}
    tail = {"status": signal.status, "k": signal.known_at}
    price = f',"p":{signal.price},'.encode()
    return msgspec.json.encode(head | middle)[:-1] + price + msgspec.json.encode(tail)[1:]
