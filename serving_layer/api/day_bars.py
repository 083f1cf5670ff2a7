"""`GET /v2/aggs/ticker/{ticker}/prev` and `GET /v1/open-close/{ticker}/{date}`: stored days, else what minutes make."""

from collections.abc import Callable, Mapping
from datetime import date as Date  # noqa: N812  (the routes call a parameter `date`)
from datetime import datetime

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.delay import check_date
from serving_layer.api.parameters import adjusted_of, as_of_of, day_named, symbol_of
from serving_layer.api.refusals import NO_DATA, TICKER_NOT_FOUND, Refused
from serving_layer.api.replies import reply, request_id
from serving_layer.api.short_days import is_short
from serving_layer.api.trade_dates import day_of
from serving_layer.api.wiring import Services
from shared.bars.adjust import adjust_price
from shared.bars.algebra import merge_all, price_of
from shared.bars.sessions import SessionDay
from shared.bars.windows import new_york_date
from shared.models.bar import Partial
from shared.models.daily import DailyBar
from shared.polygon.answers import aggregates, day_text, incomplete, open_close

PREV = "/v2/aggs/ticker/<ticker>/prev"
OPEN_CLOSE = "/v1/open-close/<ticker>/<date>"
RULES = (PREV, OPEN_CLOSE)


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the routes on the application."""

    @app.get(PREV)
    def previous_close(ticker: str) -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        query = event.multi_value_query_string_parameters or {}
        sym, wanted, as_of, services = symbol_of(ticker), adjusted_of(query), as_of_of(query), wire()
        bar = _previous(services, sym, as_of)
        if bar is None:
            raise Refused(TICKER_NOT_FOUND)
        shown = services.adjustment(sym, as_of, wanted=wanted).day(bar)
        text = day_text(services.market.close_of(bar.day), shown, sym)
        if text is not None and is_short(services, sym, bar.day, as_of):
            text = incomplete(text)
        body = aggregates(
            sym,
            [] if text is None else [text],
            query_count=1,
            adjusted=services.adjusts(wanted=wanted),
            request_id=request_id(event),
            next_url=None,
        )
        return reply(event, body)

    @app.get(OPEN_CLOSE)
    def daily_open_close(ticker: str, date: str) -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        query = event.multi_value_query_string_parameters or {}
        sym, wanted, as_of, services = symbol_of(ticker), adjusted_of(query), as_of_of(query), wire()
        day = day_named("date", date)
        check_date(event, services.market, day)
        bar = _day(services, sym, day, as_of)
        if bar is None or bar.open is None:
            raise Refused(NO_DATA)
        adjustment = services.adjustment(sym, as_of, wanted=wanted)
        session, factor = services.market.sessions.day(day), adjustment.factor(day)
        edges = {} if session is None else _outside(services, sym, session, as_of)
        extended = {name: adjust_price(price, factor) for name, price in edges.items()}
        return reply(event, open_close(adjustment.day(bar), extended, request_id=request_id(event)))


def _previous(services: Services, sym: str, as_of: datetime | None) -> DailyBar | None:
    """The last day with prices before the feed's date."""
    moment = services.market.moment()
    if services.daily is not None:
        return services.daily.dates.before(sym, new_york_date(moment.now_ms), as_of)
    found = services.days.previous(sym, moment, moment.now_ms, services.days.hours([sym], moment.now_ms).get(sym, []))
    return None if found is None else DailyBar(sym, found[0].date, *found[1][1:])


def _day(services: Services, sym: str, day: Date, as_of: datetime | None) -> DailyBar | None:
    """The stored day, else what its minutes make."""
    stored = [] if services.daily is None else services.daily.rows.bars(sym, day, day, as_of=as_of)
    if stored:
        return stored[0]
    session = services.market.sessions.day(day)
    if session is None:
        return None
    minutes = services.history.minutes(sym, session.start, session.end, int(services.now_s()), as_of=as_of)
    return day_of(sym, session, merge_all(partial for _, partial in minutes))


def _outside(services: Services, sym: str, session: SessionDay, as_of: datetime | None) -> Mapping[str, int]:
    """The first price before the regular session and the last after it, where minutes tell."""

    def merged(start: int, end: int) -> Partial:
        minutes = services.history.minutes(sym, start, end, int(services.now_s()), as_of=as_of)
        return merge_all(partial for _, partial in minutes)

    last = merged(session.regular_close, session.end).last
    first = merged(session.start, session.regular_open).first
    edges = {"afterHours": last, "preMarket": first}
    return {name: price_of(key) for name, key in edges.items() if key is not None}
