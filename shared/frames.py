"""The records on the streams: frames of parts on `trades`, arrays of bar records on `bars`.

A frame is a JSON array of parts; a part is one symbol in one event second: its partial bar and the trades behind it.
A part with an empty `sym` carries no trades: it is a heartbeat (`sec` = the ingester's promise, `gap` = the event time
from which a gap of the feed is not filled yet, if there is one) or carries quarantined input. Decimals travel as
strings. Field by field: docs/architecture.md.
"""

from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec

from shared.bars.scale import NOTIONAL_DIGITS, PRICE_DIGITS, SIZE_DIGITS, format_scaled, parse_scaled
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.errors import InvalidRecord
from shared.models.bar import Edges, Partial
from shared.models.trade import Trade

VERSION = 1
RECORD_BARS = 500
"""Bars in one record of the bars stream at most: about 150 KB."""
T = TypeVar("T")

FrameId = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}-[0-9]{1,6}-[0-9]{1,12}\Z")]
Key = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{43}\Z")]
Price = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?\Z")]
Volume = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}(\.[0-9]{1,6})?\Z")]
Notional = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,29}(\.[0-9]{1,15})?\Z")]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Second = Annotated[int, msgspec.Meta(ge=0, lt=10**10)]
Millis = Annotated[int, msgspec.Meta(ge=0, lt=10**13)]
Rank = Annotated[int, msgspec.Meta(ge=0, le=len(STREAM_TIMEFRAMES))]


class EdgesWire(msgspec.Struct, omit_defaults=True, gc=False):
    """Price fields of a partial; absent where nothing has set them."""

    first: Key | None = None
    last: Key | None = None
    high: Price | None = None
    low: Price | None = None


class PartialWire(msgspec.Struct, omit_defaults=True, gc=False):
    """A partial bar: keys of digits, decimal strings, a count."""

    volume: Volume
    notional: Notional
    count: Count
    first: Key | None = None
    last: Key | None = None
    high: Price | None = None
    low: Price | None = None
    day: EdgesWire | None = None


class _StoredEdges(msgspec.Struct, gc=False):
    first: str | None = None
    last: str | None = None
    high: str | None = None
    low: str | None = None


class _StoredPartial(msgspec.Struct, gc=False):
    """A PartialWire without its patterns: to look for them takes longer than all the rest."""

    volume: str
    notional: str
    count: int
    first: str | None = None
    last: str | None = None
    high: str | None = None
    low: str | None = None
    day: _StoredEdges | None = None


class QuarantineWire(msgspec.Struct, omit_defaults=True, gc=False):
    """Input that broke a rule: why, and its bytes (base64, cut at 4 KiB; `size` is the whole length)."""

    reason: str
    size: int
    data: bytes


class TradeRow(msgspec.Struct, array_like=True, gc=False):
    """A trade in a part, an array on the wire: as shared/models/trade.py, but price and size are decimal text."""

    t: int
    q: int
    x: int
    trfi: int
    i: str
    p: str
    s: str
    c: tuple[int, ...]
    z: int


class Part(msgspec.Struct, omit_defaults=True, gc=False):
    """One symbol in one event second `sec` (Unix s); identity is (f, sym, sec). Heartbeats have sym == "".

    `gap` (Unix ms) of a heartbeat: trades from here on may be missing though the promise has passed them, and no
    table says so for good; 0 = none are.
    """

    v: int
    f: FrameId
    sym: str
    sec: Second
    bar: PartialWire | None = None
    late: Rank = 0
    trades: list[TradeRow] = []
    quarantine: list[QuarantineWire] = []
    gap: Millis = 0

    @property
    def identity(self) -> tuple[str, str, int]:
        """(f, sym, sec): consumers take each part once."""
        return self.f, self.sym, self.sec

    @property
    def minute(self) -> int:
        """Start of the minute that holds the part, Unix ms."""
        return (self.sec - self.sec % 60) * 1000

    @property
    def late_id(self) -> str:
        """f#sec: the name of a late part within its symbol."""
        return f"{self.f}#{self.sec}"


class BarRecord(msgspec.Struct, gc=False):
    """A closed window: start `t` (Unix ms) of `tf`; `rev` counts the late parts in it; `s` = promise at emission."""

    v: int
    sym: str
    tf: str
    t: Millis
    partial: PartialWire
    rev: Count
    engine: str
    s: Second


_encoder = msgspec.json.Encoder()
_frame_decoder = msgspec.json.Decoder(list[Part])
_bars_decoder = msgspec.json.Decoder(list[BarRecord])
_partial_decoder = msgspec.json.Decoder(PartialWire)
_stored_decoder = msgspec.json.Decoder(_StoredPartial)


def encode(parts: Sequence[Part] | Sequence[BarRecord] | PartialWire | Part | QuarantineWire) -> bytes:
    """JSON bytes of a frame, of an array of bar records, or of one part."""
    return _encoder.encode(parts)


def decode_frame(data: bytes) -> list[Part]:
    """The parts of a frame. Raises InvalidRecord `frame` or `version`; `part` where one cannot be of its trades."""
    parts = _decode(_frame_decoder, data, "frame")
    if any(part.v != VERSION for part in parts):
        raise InvalidRecord("version", f"this code reads version {VERSION}")
    for part in parts:
        _check_part(part)
    return parts


def _check_part(part: Part) -> None:
    """A part is one event second, and its bar counts no more trades than are behind it."""
    start = part.sec * 1000
    end = start + 1000
    for row in part.trades:  # a plain loop: half the price of any()
        if not start <= row.t < end:
            raise InvalidRecord("part", f"a trade of {part.sym[:16]} lies outside of second {part.sec}")
    if part.trades and part.bar is not None and part.bar.count > len(part.trades):
        raise InvalidRecord("part", f"{part.bar.count} trades of {part.sym[:16]} are told of, {len(part.trades)} there")


def decode_bars(data: bytes) -> list[BarRecord]:
    """The bar records of one stream record. Raises InvalidRecord `bars` or `version`."""
    records = _decode(_bars_decoder, data, "bars")
    if any(record.v != VERSION for record in records):
        raise InvalidRecord("version", f"this code reads version {VERSION}")
    return records


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | str, reason: str) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:  # text that is not UTF-8 is no DecodeError
        raise InvalidRecord(reason, str(error)) from error


def partial_to_wire(p: Partial) -> PartialWire:
    """Scaled integers to decimal strings."""
    return PartialWire(
        volume=format_scaled(p.volume, SIZE_DIGITS),
        notional=format_scaled(p.notional, NOTIONAL_DIGITS),
        count=p.count,
        first=p.first,
        last=p.last,
        high=_price_text(p.high),
        low=_price_text(p.low),
        day=None
        if p.day is None
        else EdgesWire(p.day.first, p.day.last, _price_text(p.day.high), _price_text(p.day.low)),
    )


def partial_from_wire(w: PartialWire) -> Partial:
    """Decimal strings to scaled integers. What was decoded here has the right digits; else as `parse_scaled`."""
    return Partial(
        first=w.first,
        last=w.last,
        high=_price(w.high),
        low=_price(w.low),
        volume=parse_scaled(w.volume, SIZE_DIGITS),
        notional=parse_scaled(w.notional, NOTIONAL_DIGITS),
        count=w.count,
        day=None if w.day is None else Edges(w.day.first, w.day.last, _price(w.day.high), _price(w.day.low)),
    )


def encode_partial(p: Partial) -> str:
    """A partial as JSON text, as the tables keep it."""
    return _encoder.encode(partial_to_wire(p)).decode()


def decode_partial(text: str | bytes) -> Partial:
    """The inverse of `encode_partial`. Raises InvalidRecord `partial`."""
    return partial_from_wire(_decode(_partial_decoder, text, "partial"))


def read_partial(text: str | bytes) -> Partial:
    """As `decode_partial`, three times as quick, for text that only this code writes and only in shape: digits of a key
    are not looked at. Raises InvalidRecord `partial`."""
    w = _decode(_stored_decoder, text, "partial")
    try:
        return Partial(
            w.first,
            w.last,
            None if w.high is None else _scaled(w.high, PRICE_DIGITS),
            None if w.low is None else _scaled(w.low, PRICE_DIGITS),
            _scaled(w.volume, SIZE_DIGITS),
            _scaled(w.notional, NOTIONAL_DIGITS),
            w.count,
            None if w.day is None else Edges(w.day.first, w.day.last, _price(w.day.high), _price(w.day.low)),
        )
    except ValueError as error:
        raise InvalidRecord("partial", str(error)) from error


def _scaled(text: str, digits: int) -> int:
    whole, _, fraction = text.partition(".")
    if len(fraction) > digits:
        raise ValueError(f"must have at most {digits} decimals, was {text[:40]!r}")
    return int(whole + fraction.ljust(digits, "0"))


def _price_text(price: int | None) -> str | None:
    return None if price is None else format_scaled(price, PRICE_DIGITS)


def _price(text: str | None) -> int | None:
    return None if text is None else parse_scaled(text, PRICE_DIGITS)


def trade_of_row(sym: str, row: TradeRow) -> Trade:
    """The domain's trade. Raises InvalidRecord `number`, `digits`."""
    price, size = parse_scaled(row.p, PRICE_DIGITS), parse_scaled(row.s, SIZE_DIGITS)
    return Trade(sym, row.t, row.q, row.x, row.trfi, row.i, price, size, row.c, row.z)
