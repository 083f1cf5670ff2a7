"""Splits, dividends and tickers from the vendor's REST API, page by page.

Observed in the wild: ratios like 1 to 0.7137, dates in the future, two rows for one symbol and day. They are taken as
they are told; what holds when is decided where they are read.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from batch_layer.fetch.rest import VendorRest
from batch_layer.fetch.units import WHOLE_MARKET, Fetched, Refused, Unit
from shared.bars.scale import format_scaled, parse_scaled
from shared.errors import InvalidRecord
from shared.models.daily import Dividend, Split, Ticker
from shared.polygon.trades import check_symbol

LARGEST_PAGE = 1_000
DECIMALS = 12
"""Of a ratio or an amount of cash: more than any source writes."""


class _List(msgspec.Struct, gc=False):
    """A page. One without `results` is broken, not empty."""

    status: Literal["OK", "DELAYED"]
    results: list[msgspec.Raw]
    next_url: str | None = None


class _One(msgspec.Struct, gc=False):
    status: Literal["OK", "DELAYED"]
    results: msgspec.Raw


class _Split(msgspec.Struct, gc=False):
    id: str
    ticker: str
    execution_date: date
    split_from: msgspec.Raw
    split_to: msgspec.Raw


class _Dividend(msgspec.Struct, gc=False):
    id: str
    ticker: str
    ex_dividend_date: date
    cash_amount: msgspec.Raw
    currency: str | None = None
    dividend_type: str | None = None
    frequency: int | None = None
    declaration_date: date | None = None
    record_date: date | None = None
    pay_date: date | None = None


class _Ticker(msgspec.Struct, gc=False):
    ticker: str
    name: str | None = None
    market: str | None = None
    locale: str | None = None
    primary_exchange: str | None = None
    type: str | None = None
    active: bool | None = None
    currency_name: str | None = None
    cik: str | None = None
    composite_figi: str | None = None
    share_class_figi: str | None = None
    last_updated_utc: datetime | None = None
    delisted_utc: datetime | None = None


class RowPage(NamedTuple):
    rows: list[msgspec.Raw]
    following: str | None


R = TypeVar("R")
D = TypeVar("D")
_list, _one = msgspec.json.Decoder(_List), msgspec.json.Decoder(_One)
_split, _dividend, _ticker = (
    msgspec.json.Decoder(_Split), msgspec.json.Decoder(_Dividend), msgspec.json.Decoder(_Ticker),
)  # fmt: skip  # three of a kind
_any = msgspec.json.Decoder(dict[str, msgspec.Raw])


def fetch_splits(rest: VendorRest, unit: Unit, known_at: datetime) -> Fetched:
    """Splits that take effect in the unit's span (an open end: all later ones), oldest first.

    Raises SourceUnavailable, AccessRefused or InvalidRecord.
    """
    url = rest.url("/v3/reference/splits", **_span("execution_date", unit))
    splits, refused = _believed(_rows(rest, url), lambda raw: _split_of(raw, known_at))
    return Fetched(splits=splits, refused=refused)


def fetch_dividends(rest: VendorRest, unit: Unit, known_at: datetime) -> Fetched:
    """Dividends whose ex-dividend date lies in the unit's span, oldest first. Raises the same."""
    url = rest.url("/v3/reference/dividends", **_span("ex_dividend_date", unit))
    dividends, refused = _believed(_rows(rest, url), lambda raw: _dividend_of(raw, known_at))
    return Fetched(dividends=dividends, refused=refused)


def fetch_tickers(rest: VendorRest, unit: Unit) -> Fetched:
    """All stocks that are listed (`tickers`), or no longer (`delisted`). Raises the same."""
    active = "false" if unit.kind == "delisted" else "true"
    query = {"market": "stocks", "active": active, "order": "asc", "sort": "ticker", "limit": LARGEST_PAGE}
    tickers, refused = _believed(_rows(rest, rest.url("/v3/reference/tickers", **query)), _ticker_of)
    return Fetched(tickers=tickers, refused=refused)


def fetch_ticker(rest: VendorRest, unit: Unit) -> Fetched:
    """One symbol with its details. Raises the same; InvalidRecord `status` where the vendor does not know it."""
    raw = rest.read(
        rest.url(f"/v3/reference/tickers/{quote(unit.sym, safe='')}"), lambda body: _decode(_one, body)
    ).results
    tickers, refused = _believed([raw], _detailed_ticker_of)
    return Fetched(tickers=tickers, refused=refused)


def _span(name: str, unit: Unit) -> dict[str, Any]:
    return {
        "ticker": None if unit.sym == WHOLE_MARKET else unit.sym,
        f"{name}__gte": unit.start,
        f"{name}__lte": unit.end,
        "order": "asc",
        "sort": name,
        "limit": LARGEST_PAGE,
    }


def _rows(rest: VendorRest, url: str) -> Iterable[msgspec.Raw]:
    for page in rest.pages(url, lambda body: _page(_decode(_list, body))):
        yield from page.rows


def _page(answer: _List) -> RowPage:
    return RowPage(answer.results, answer.next_url)


def _decode(decoder: msgspec.json.Decoder[D], body: bytes) -> D:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:  # text that is not UTF-8 is no DecodeError
        raise InvalidRecord("page", f"broken body: {error}") from error


def _believed(raws: Iterable[msgspec.Raw], read: Callable[[msgspec.Raw], R]) -> tuple[list[R], list[Refused]]:
    rows: list[R] = []
    refused: list[Refused] = []
    for raw in raws:
        try:
            rows.append(read(raw))
        except (msgspec.DecodeError, UnicodeError) as error:
            refused.append(Refused(bytes(raw), "shape", str(error)))
        except InvalidRecord as error:
            refused.append(Refused(bytes(raw), error.reason, str(error)))
    return rows, refused


def _split_of(raw: msgspec.Raw, known_at: datetime) -> Split:
    row = _split.decode(raw)
    before, after = _positive("split_from", row.split_from), _positive("split_to", row.split_to)
    return Split(check_symbol(row.ticker), row.execution_date, before, after, row.id, known_at)


def _dividend_of(raw: msgspec.Raw, known_at: datetime) -> Dividend:
    row = _dividend.decode(raw)
    return Dividend(
        check_symbol(row.ticker),
        row.ex_dividend_date,
        _positive("cash_amount", row.cash_amount),
        row.id,
        known_at,
        currency=row.currency or "USD",
        kind=row.dividend_type or "CD",
        frequency=row.frequency or 0,
        declared=row.declaration_date,
        recorded=row.record_date,
        paid=row.pay_date,
    )


def _ticker_of(raw: msgspec.Raw) -> Ticker:
    row = _ticker.decode(raw)
    return Ticker(
        check_symbol(row.ticker),
        row.name or "",
        market=row.market or "stocks",
        locale=row.locale or "us",
        exchange=row.primary_exchange or "",
        kind=row.type or "",
        active=row.active is not False,
        currency=row.currency_name or "usd",
        cik=row.cik or "",
        composite_figi=row.composite_figi or "",
        share_class_figi=row.share_class_figi or "",
        updated=_utc(row.last_updated_utc),
        delisted=_utc(row.delisted_utc),
    )


def _detailed_ticker_of(raw: msgspec.Raw) -> Ticker:
    known = {field.name for field in msgspec.structs.fields(_Ticker)}
    more = {name: value for name, value in _any.decode(raw).items() if name not in known}
    return _ticker_of(raw)._replace(details=msgspec.json.encode(more).decode() if more else "")


def _positive(name: str, raw: msgspec.Raw) -> Decimal:
    """The number as it was written. Raises InvalidRecord naming the field."""
    text = bytes(raw).decode()
    try:
        scaled = parse_scaled(text, DECIMALS)
    except InvalidRecord as error:
        raise InvalidRecord(name, f"{name} {error}") from error
    if scaled <= 0:
        raise InvalidRecord(name, f"{name} must be positive, was {text[:40]}")
    return Decimal(format_scaled(scaled, DECIMALS))


def _utc(moment: datetime | None) -> datetime | None:
    """The vendor's times without a zone are UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
