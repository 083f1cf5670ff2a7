"""`GET /v3/reference/tickers` and `GET /v3/reference/tickers/{ticker}`: listed symbols, as the vendor told them."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.list_request import Key, ListRequest, list_reply, page_of, ranged, read_request, symbol
from serving_layer.api.parameters import choice, symbol_of
from serving_layer.api.refusals import TICKER_NOT_FOUND, BadRequest, Refused
from serving_layer.api.replies import reply, request_id
from serving_layer.api.wiring import Services
from shared.models.daily import Ticker
from shared.polygon.reference_answers import single, ticker_details, ticker_row
from shared.stores.daily import Symbols

TICKERS = "/v3/reference/tickers"
DETAILS = f"{TICKERS}/<ticker>"
RULES = (TICKERS, DETAILS)
DEFAULT_LIMIT = 100
_NAMES = [*ranged("ticker"), "type", "market", "exchange", "cusip", "cik", "search", "active", "order", "sort", "limit"]


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the routes on the application."""

    @app.get(TICKERS)
    def tickers() -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        request = read_request(TICKERS, event.multi_value_query_string_parameters or {}, _NAMES)
        choice(request.query, "sort", "ticker", ("ticker",))
        limit, descending = request.limit(DEFAULT_LIMIT), request.is_descending("asc")
        rows = _rows(wire(), request, limit, descending=descending)
        shown, following = page_of(rows, _key, request, limit, descending=descending)
        return list_reply(event, [ticker_row(row) for row in shown], following)

    @app.get(DETAILS)
    def details(ticker: str) -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        row = wire().stored().rows.ticker(symbol_of(ticker))
        if row is None:
            raise Refused(TICKER_NOT_FOUND)
        return reply(event, single(ticker_details(row), request_id=request_id(event)))


def _rows(services: Services, request: ListRequest, limit: int, *, descending: bool) -> list[Ticker]:
    """Those of a page, and one that tells whether others follow; of a company, all."""
    asked = request.asked
    if "cusip" in asked:
        raise BadRequest("The parameter 'cusip' is not served: the ids of this list are ticker and cik")
    active = choice(request.query, "active", "true", ("true", "false")) == "true"
    company = asked.get("cik", "").lstrip("0")
    rows = services.stored().rows.tickers(
        _symbols(request, descending=descending),
        active=active,
        search=asked.get("search", ""),
        kind=asked.get("type", ""),
        market=asked.get("market", ""),
        exchange=asked.get("exchange", ""),
        reverse=descending,
        limit=None if company else limit + 1,
    )
    return [row for row in rows if company in ("", row.cik.lstrip("0"))]


def _symbols(request: ListRequest, *, descending: bool) -> Symbols:
    """All filters of the ticker as one range, cut off where the page before ended."""
    bounds: dict[str, list[str]] = {"gt": [], "gte": [], "lt": [], "lte": []}
    for suffix in ("gt", "gte", "lt", "lte"):
        name = f"ticker.{suffix}"
        if name in request.asked:
            bounds[suffix].append(symbol(name, request.asked[name]))
    if "ticker" in request.asked:
        equal = symbol("ticker", request.asked["ticker"])
        bounds["gte"].append(equal)
        bounds["lte"].append(equal)
    if request.after is not None:
        bounds["lt" if descending else "gt"].append(request.after[0])
    lower = {name: max(bounds[name], default=None) for name in ("gt", "gte")}
    upper = {name: min(bounds[name], default=None) for name in ("lt", "lte")}
    return Symbols(**lower, **upper)


def _key(row: Ticker) -> Key:
    return row.sym, "-"
