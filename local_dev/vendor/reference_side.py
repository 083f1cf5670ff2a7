"""Splits, dividends and tickers over REST (rest.md 6.12 to 6.15)."""

import json
from decimal import Decimal

from aiohttp import web

from local_dev.vendor.answers import envelope
from local_dev.vendor.listing import Listing, Row
from local_dev.vendor.tables import Action, Tables

SPLITS_PATH = "/v3/reference/splits"
DIVIDENDS_PATH = "/v3/reference/dividends"
TICKERS_PATH = "/v3/reference/tickers"
TICKER_PATH = "/v3/reference/tickers/{ticker}"
_USUAL = {"market": "stocks", "locale": "us", "currency_name": "usd"}


class ReferenceSide:
    """`traded`: symbols of the trades, which are listed beside those of the tables."""

    def __init__(self, tables: Tables, traded: list[str]) -> None:
        splits = [_split(one) for one in tables.actions if one.split_from]
        dividends = [_dividend(one) for one in tables.actions if not one.split_from]
        names = sorted({*tables.symbols, *traded})
        self._tickers = {name: _ticker(name, tables.tickers.get(name, {})) for name in names}
        self._splits = Listing(
            splits,
            {"ticker": "text", "execution_date": "date", "reverse_split": "yes/no"},
            sorts=("execution_date", "ticker"), order="desc", limit=10,
        )  # fmt: skip  # what a request gets that does not say, on one line
        self._dividends = Listing(
            dividends,
            {"ticker": "text", "ex_dividend_date": "date", "cash_amount": "number", "dividend_type": "text"},
            sorts=("ex_dividend_date", "ticker", "cash_amount"), order="desc", limit=10,
        )  # fmt: skip  # the same
        self._listed = Listing(
            list(self._tickers.values()),
            {"ticker": "text", "type": "text", "market": "text", "exchange": "text", "cik": "text", "active": "yes/no"},
            sorts=("ticker", "name", "market"), order="asc", limit=100,
        )  # fmt: skip  # the same

    async def splits(self, request: web.Request, request_id: str) -> bytes:
        return _page(self._splits, request, request_id)

    async def dividends(self, request: web.Request, request_id: str) -> bytes:
        return _page(self._dividends, request, request_id)

    async def tickers(self, request: web.Request, request_id: str) -> bytes:
        """The active ones unless asked otherwise."""
        return _page(self._listed, request, request_id, {"active": "true"})

    async def ticker(self, request: web.Request, request_id: str) -> bytes:
        row = self._tickers.get(request.match_info["ticker"])
        if row is None:
            raise web.HTTPNotFound(reason="Ticker not found.")
        return b'{"status":"OK","request_id":%b,"results":%b}' % (json.dumps(request_id).encode(), row.body)


def _page(listing: Listing, request: web.Request, request_id: str, usual: dict[str, str] | None = None) -> bytes:
    objects, cursor = listing.page((usual or {}) | dict(request.query))
    head: dict[str, object] = {"status": "OK", "request_id": request_id, "count": len(objects)}
    if cursor is not None:
        head["next_url"] = f"{request.scheme}://{request.host}{request.path}?cursor={cursor}"
    return envelope(head, "results", objects)


def _object(names: dict[str, object], numbers: dict[str, str]) -> bytes:
    """A JSON object; the numbers are texts that go out as they are."""
    tail = "".join(f', "{name}": {text}' for name, text in numbers.items())
    return json.dumps(names).encode()[:-1] + f"{tail}}}".encode()


def _split(one: Action) -> Row:
    reverse = Decimal(one.split_from) > Decimal(one.split_to)
    names: dict[str, object] = {"id": f"{one.ticker}-{one.day}-split", "ticker": one.ticker, "execution_date": one.day}
    body = _object(names, {"split_from": one.split_from, "split_to": one.split_to})
    return Row(names | {"reverse_split": reverse}, body)


def _dividend(one: Action) -> Row:
    names: dict[str, object] = {
        "id": f"{one.ticker}-{one.day}-dividend",
        "ticker": one.ticker,
        "ex_dividend_date": one.day,
        "dividend_type": "CD",
        "currency": "USD",
    }
    body = _object(names, {"cash_amount": one.cash})
    return Row(names | {"cash_amount": Decimal(one.cash)}, body)


def _ticker(name: str, told: dict[str, str]) -> Row:
    """A symbol is its own name, and active, where `tickers.csv` does not say more."""
    texts: dict[str, object] = {"ticker": name, "name": name, **_USUAL, **told}
    texts["active"] = told.get("active", "true").lower() == "true"
    asked = texts | ({"exchange": told["primary_exchange"]} if "primary_exchange" in told else {})
    return Row(asked, json.dumps(texts).encode())
