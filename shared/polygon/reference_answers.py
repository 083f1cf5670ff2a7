"""Splits, dividends and tickers in Polygon's answers: plain decimals, and no key without a value."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from shared.models.daily import Dividend, Split, Ticker


def split_row(split: Split) -> dict[str, Any]:
    """One element of `results` of `GET /v3/reference/splits`."""
    return {
        "execution_date": split.day,
        "id": split.id,
        "split_from": number(split.split_from),
        "split_to": number(split.split_to),
        "ticker": split.sym,
    }


def dividend_row(dividend: Dividend) -> dict[str, Any]:
    """One element of `results` of `GET /v3/reference/dividends`."""
    return _told(
        {
            "cash_amount": number(dividend.cash),
            "currency": dividend.currency,
            "declaration_date": dividend.declared,
            "dividend_type": dividend.kind,
            "ex_dividend_date": dividend.day,
            "frequency": dividend.frequency,
            "id": dividend.id,
            "pay_date": dividend.paid,
            "record_date": dividend.recorded,
            "ticker": dividend.sym,
        }
    )


def ticker_row(ticker: Ticker) -> dict[str, Any]:
    """One element of `results` of `GET /v3/reference/tickers`."""
    return _told(
        {
            "ticker": ticker.sym,
            "name": ticker.name,
            "market": ticker.market,
            "locale": ticker.locale,
            "primary_exchange": ticker.exchange,
            "type": ticker.kind,
            "active": ticker.active,
            "currency_name": ticker.currency,
            "cik": ticker.cik,
            "composite_figi": ticker.composite_figi,
            "share_class_figi": ticker.share_class_figi,
            "last_updated_utc": _utc(ticker.updated),
            "delisted_utc": _utc(ticker.delisted),
        }
    )


def ticker_details(ticker: Ticker) -> dict[str, Any]:
    """`results` of `GET /v3/reference/tickers/{ticker}`: the vendor's further fields, under what is known ourselves."""
    further = msgspec.json.decode(ticker.details, type=dict[str, msgspec.Raw]) if ticker.details else {}
    return {name: raw for name, raw in further.items() if bytes(raw) != b"null"} | ticker_row(ticker)


def listing(rows: Sequence[Mapping[str, Any]], *, request_id: str, next_url: str | None) -> bytes:
    """The envelope of a list; `next_url` only where others follow."""
    body: dict[str, Any] = {"results": rows, "status": "OK", "request_id": request_id, "count": len(rows)}
    return msgspec.json.encode(body if next_url is None else {**body, "next_url": next_url})


def single(row: Mapping[str, Any], *, request_id: str) -> bytes:
    """The envelope of one object."""
    return msgspec.json.encode({"results": row, "status": "OK", "request_id": request_id})


def number(value: Decimal) -> msgspec.Raw:
    """A decimal as a JSON number, exact and without an exponent.

    >>> bytes(number(Decimal("1E+2"))), bytes(number(Decimal("0.71370")))
    (b'100', b'0.7137')
    """
    return msgspec.Raw(f"{value.normalize():f}".encode())


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
