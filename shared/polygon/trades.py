"""Trades on Polygon's wire: stream events and REST rows, decoded and checked.

Field meanings: Polygon's stocks trade event (`ev` "T") and `GET /v3/trades/{ticker}`. Prices and sizes are JSON
numbers. Up to 15 significant digits, the shortest decimal that reads back as the same double is the number written.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec

from shared.bars.scale import MAX_PRICE, MAX_SIZE, PRICE_DIGITS, SIZE_DIGITS, format_scaled, parse_scaled
from shared.errors import InvalidRecord
from shared.models.trade import Trade

T = TypeVar("T")

_Natural = Annotated[int, msgspec.Meta(ge=0, le=10**12 - 1)]
_Millis = Annotated[int, msgspec.Meta(ge=10**12, lt=10**13)]
"""Unix milliseconds from 2001 to 2286: seconds, microseconds and nanoseconds do not fit."""
_Nanos = Annotated[int, msgspec.Meta(ge=10**18, le=2**63 - 1)]
_TradeId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Conditions = Annotated[tuple[int, ...], msgspec.Meta(max_length=64)]
TEST_ISSUES = frozenset(
    ["ATEST", "CTEST", "MTEST", "NTEST", "PTEST", "ZBZX", "ZIEXT", "ZJZZT", "ZTEST", "ZVZZT", "ZWZZT", "ZXZZT"]
)
"""Symbols that exchanges trade among themselves to try their systems (Nasdaq, NYSE, Cboe, IEX): no market prices."""
_SYMBOL = re.compile(r"[A-Za-z0-9.\-/]{1,16}", re.ASCII)


class TradeEvent(msgspec.Struct, gc=False):
    """A trade event of the stream. `ds`, when present, is the size as a decimal string and wins over `s`."""

    ev: Literal["T"]
    sym: str
    t: _Millis
    q: _Natural
    x: _Natural
    i: _TradeId
    p: float
    s: float
    c: _Conditions = ()
    z: _Natural = 0
    trfi: _Natural = 0
    ds: str | None = None


class RestTrade(msgspec.Struct, gc=False):
    """A row of `GET /v3/trades/{ticker}`; times in Unix nanoseconds."""

    sip_timestamp: _Nanos
    sequence_number: _Natural
    exchange: _Natural
    id: _TradeId
    price: float
    size: float
    conditions: _Conditions = ()
    tape: _Natural = 0
    trf_id: _Natural = 0
    decimal_size: str | None = None


class RestTrades(msgspec.Struct, gc=False):
    """A page of trades. One without a status is broken, not empty."""

    status: Literal["OK", "DELAYED"]
    results: list[msgspec.Raw] = []
    next_url: str | None = None


class SnapshotTicker(msgspec.Struct, gc=False):
    """A symbol of the market's snapshot; `updated` = its last change, Unix nanoseconds."""

    ticker: str
    updated: int = 0


class Snapshot(msgspec.Struct, gc=False):
    """The market's snapshot; one without tickers is broken, not empty."""

    tickers: list[SnapshotTicker]


events_decoder = msgspec.json.Decoder(list[TradeEvent])
"""The quick road: a frame that holds valid trades and nothing else."""
_page_decoder = msgspec.json.Decoder(RestTrades)
_row_decoder = msgspec.json.Decoder(RestTrade)
_snapshot_decoder = msgspec.json.Decoder(Snapshot)


def event_of(element: Any) -> TradeEvent:
    """One element of a frame, checked. Raises InvalidRecord `shape` naming the field."""
    try:
        event = msgspec.convert(element, TradeEvent)
        msgspec.json.encode(event)  # half a surrogate pair, which Python's json lets in, can never be written again
    except (msgspec.ValidationError, RecursionError, UnicodeError) as error:
        raise InvalidRecord("shape", str(error)) from error
    return event


class RestPage(NamedTuple):
    """A REST answer: its rows, `next_url`, and the bytes of rows that are no trades."""

    rows: list[RestTrade]
    following: str | None
    refused: list[bytes]


def decode_page(body: bytes) -> RestPage:
    """A REST answer, read row by row: one broken row does not take its page along. Raises InvalidRecord `page`."""
    page = _decode(_page_decoder, body, "page")
    rows, refused = [], []
    for raw in page.results:
        try:
            rows.append(_decode(_row_decoder, bytes(raw), "shape"))
        except InvalidRecord:
            refused.append(bytes(raw))
    return RestPage(rows, page.next_url, refused)


class TradesPage(NamedTuple):
    """A page of trades as stream events, where the next page is, and the bytes of rows that are no trades."""

    events: list[TradeEvent]
    following: str | None = None
    refused: Sequence[bytes] = ()


def decode_snapshot(body: bytes) -> list[SnapshotTicker]:
    """Tickers of the market's snapshot. Raises InvalidRecord `snapshot`."""
    return _decode(_snapshot_decoder, body, "snapshot").tickers


def _decode(decoder: msgspec.json.Decoder[T], body: bytes, reason: str) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:  # text that is not UTF-8 is no DecodeError
        raise InvalidRecord(reason, str(error)) from error


def event_of_rest(sym: str, row: RestTrade) -> TradeEvent:
    """The stream event that a REST row stands for."""
    return TradeEvent(
        "T",
        sym,
        row.sip_timestamp // 1_000_000,
        row.sequence_number,
        row.exchange,
        row.id,
        row.price,
        row.size,
        row.conditions,
        row.tape,
        row.trf_id,
        row.decimal_size,
    )


def scale_price(price: float) -> tuple[int, str]:
    """(10^-9 USD, plain decimal text). Raises InvalidRecord `price`."""
    try:
        scaled = parse_scaled(repr(price), PRICE_DIGITS)
    except InvalidRecord as error:
        raise InvalidRecord("price", str(error)) from error
    if not 0 < scaled <= MAX_PRICE:
        raise InvalidRecord("price", f"must be a positive number of USD, was {price!r}")
    return scaled, format_scaled(scaled, PRICE_DIGITS)


def scale_size(size: float, decimal_size: str | None = None) -> tuple[int, str]:
    """(10^-6 share, plain decimal text). Raises InvalidRecord `size`."""
    try:
        scaled = parse_scaled(repr(size) if decimal_size is None else decimal_size, SIZE_DIGITS)
    except InvalidRecord as error:
        raise InvalidRecord("size", str(error)) from error
    if not 0 <= scaled <= MAX_SIZE:
        raise InvalidRecord("size", f"must be a number of shares, not negative, was {size!r}")
    return scaled, format_scaled(scaled, SIZE_DIGITS)


def check_symbol(sym: str) -> str:
    """A ticker as Polygon writes them: case-sensitive, for example BRK.A or BACpL. Raises InvalidRecord `symbol`."""
    if not _SYMBOL.fullmatch(sym):
        raise InvalidRecord("symbol", f"must be 1 to 16 letters, digits or . - /, was {sym[:40]!r}")
    return sym


def trade_of(event: TradeEvent) -> Trade:
    """The domain's trade. Raises InvalidRecord `symbol`, `price` or `size`."""
    return Trade(
        check_symbol(event.sym),
        event.t,
        event.q,
        event.x,
        event.trfi,
        event.i,
        scale_price(event.p)[0],
        scale_size(event.s, event.ds)[0],
        event.c,
        event.z,
    )
