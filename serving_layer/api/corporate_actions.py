"""`GET /v3/reference/splits` and `GET /v3/reference/dividends`, also those announced for days to come."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.list_request import (
    Filter,
    Key,
    ListRequest,
    amount,
    list_reply,
    page_of,
    ranged,
    read_request,
    symbol,
)
from serving_layer.api.parameters import as_of_of, choice, day_named, one
from serving_layer.api.refusals import BadRequest
from serving_layer.api.wiring import Services
from shared.models.daily import Dividend, Split
from shared.polygon.reference_answers import dividend_row, split_row

SPLITS = "/v3/reference/splits"
DIVIDENDS = "/v3/reference/dividends"
RULES = (SPLITS, DIVIDENDS)
DEFAULT_LIMIT = 10
KINDS = ("CD", "SC", "LT", "ST")
FREQUENCIES = ("0", "1", "2", "4", "12")

_ORDERING = ["order", "sort", "limit", "as_of"]
_SPLIT_NAMES = [*ranged("ticker", "execution_date"), "reverse_split", *_ORDERING]
_DIVIDEND_DATES = {
    "ex_dividend_date": "day",
    "record_date": "recorded",
    "declaration_date": "declared",
    "pay_date": "paid",
}
_DIVIDEND_NAMES = [*ranged("ticker", *_DIVIDEND_DATES, "cash_amount"), "frequency", "dividend_type", *_ORDERING]
R = TypeVar("R", Split, Dividend)


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the routes on the application."""

    @app.get(SPLITS)
    def splits() -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        request = read_request(SPLITS, event.multi_value_query_string_parameters or {}, _SPLIT_NAMES)
        sort = choice(request.query, "sort", "execution_date", ("execution_date", "ticker"))
        tickers = request.filters("ticker", symbol)
        dates = request.filters("execution_date", day_named)
        reverse = choice(request.query, "reverse_split", "", ("true", "false"))
        only, as_of = _only(tickers), as_of_of(request.query)
        found = (
            split
            for split in wire().stored().splits.splits(only, as_of)
            if _admits(tickers, split.sym)
            and _admits(dates, split.day)
            and reverse in ("", "true" if split.split_from > split.split_to else "false")
        )

        def key(split: Split) -> Key:
            return (split.sym if sort == "ticker" else split.day.isoformat(), _identity(split))

        shown, following = _page(found, key, request)
        return list_reply(event, [split_row(split) for split in shown], following)

    @app.get(DIVIDENDS)
    def dividends() -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        request = read_request(DIVIDENDS, event.multi_value_query_string_parameters or {}, _DIVIDEND_NAMES)
        sort = choice(request.query, "sort", "ex_dividend_date", ("cash_amount", "ticker", *_DIVIDEND_DATES))
        tickers, cash = request.filters("ticker", symbol), request.filters("cash_amount", amount)
        dates = {field: request.filters(name, day_named) for name, field in _DIVIDEND_DATES.items()}
        frequency, kind = _one_of(request, "frequency", FREQUENCIES), _one_of(request, "dividend_type", KINDS)
        only, as_of = _only(tickers), as_of_of(request.query)
        found = (
            dividend
            for dividend in wire().stored().rows.dividends(only, as_of)
            if _admits(tickers, dividend.sym)
            and _admits(cash, dividend.cash)
            and all(_admits(filters, getattr(dividend, field)) for field, filters in dates.items())
            and frequency in (None, str(dividend.frequency))
            and kind in (None, dividend.kind)
        )
        shown, following = _page(found, lambda dividend: (_sorted_by(dividend, sort), _identity(dividend)), request)
        return list_reply(event, [dividend_row(dividend) for dividend in shown], following)


def _page(rows: Iterable[R], key: Callable[[R], Key], request: ListRequest) -> tuple[Iterable[R], str | None]:
    """The newest first unless it is asked otherwise, as the vendor does."""
    return page_of(rows, key, request, request.limit(DEFAULT_LIMIT), descending=request.is_descending("desc"))


def _admits(filters: Iterable[Filter], value: object) -> bool:
    return all(rule.admits(value) for rule in filters)


def _only(tickers: Iterable[Filter]) -> str | None:
    """The one symbol that rows may have, where it is named."""
    return next((rule.bound for rule in tickers if rule.is_equality), None)


def _one_of(request: ListRequest, name: str, allowed: tuple[str, ...]) -> str | None:
    text = one(request.query, name)
    if text is not None and text not in allowed:
        raise BadRequest(f"The parameter '{name}' must be {' or '.join(allowed)}")
    return text


def _identity(row: Split | Dividend) -> str:
    return f"{row.day} {row.sym} {row.id}"


def _sorted_by(dividend: Dividend, sort: str) -> str:
    """Text whose order is that of the field; rows without it come before the others."""
    if sort == "ticker":
        return dividend.sym
    if sort == "cash_amount":
        return f"{dividend.cash:060.30f}"
    value = getattr(dividend, _DIVIDEND_DATES[sort])
    return "-" if value is None else str(value)
