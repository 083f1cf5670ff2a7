"""`GET /v2/aggs/ticker/{ticker}/prev` and `GET /v1/open-close/{ticker}/{date}`: days as far as there is data.

Prices are raw: no split is applied yet, whatever was asked for.
"""

from collections.abc import Callable, Mapping

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.parameters import choice, date_of, symbol_of
from serving_layer.api.refusals import NO_DATA, TICKER_NOT_FOUND, BadRequest, Refused
from serving_layer.api.replies import reply, request_id
from serving_layer.api.wiring import Services
from shared.bars.algebra import merge, present_day, price_of
from shared.bars.sessions import SessionDay
from shared.models.bar import EMPTY, Bar
from shared.polygon.answers import aggregates, bar_text, open_close

PREV = "/v2/aggs/ticker/<ticker>/prev"
OPEN_CLOSE = "/v1/open-close/<ticker>/<date>"
RULES = (PREV, OPEN_CLOSE)


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the routes on the application."""

    @app.get(PREV)
    def previous_close(ticker: str) -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        sym, services = symbol_of(ticker), wire()
        choice(event.multi_value_query_string_parameters or {}, "adjusted", "true", ("true", "false"))
        moment = services.market.moment()
        found = services.days.previous(
            sym, moment, moment.now_ms, services.days.hours([sym], moment.now_ms).get(sym, [])
        )
        if found is None:
            raise Refused(TICKER_NOT_FOUND)
        session, bar = found
        text = f'{{"T":"{sym}",{bar_text(bar._replace(t=session.regular_close))[1:]}'
        body = aggregates(sym, [text], query_count=1, adjusted=False, request_id=request_id(event), next_url=None)
        return reply(event, body)

    @app.get(OPEN_CLOSE)
    def daily_open_close(ticker: str, date: str) -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        sym, services = symbol_of(ticker), wire()
        choice(event.multi_value_query_string_parameters or {}, "adjusted", "true", ("true", "false"))
        rule = "The parameter 'date' must be a date as YYYY-MM-DD"
        day = date_of(rule, date)
        if day is None:
            raise BadRequest(rule)
        session = services.market.sessions.day(day)
        found = None if session is None else _day(services, sym, session)
        if found is None:
            raise Refused(NO_DATA)
        return reply(event, open_close(sym, day, *found, request_id=request_id(event)))


def _day(services: Services, sym: str, session: SessionDay) -> tuple[Bar, Mapping[str, int]] | None:
    """The day's bar, and the first price before the regular session and the last after it where there are some."""
    before = day = after = EMPTY
    for t, minute in services.history.minutes(sym, session.start, session.end, int(services.now_s())):
        day = merge(day, minute)
        if t < session.regular_open:
            before = merge(before, minute)
        elif t >= session.regular_close:
            after = merge(after, minute)
    bar = present_day(session.start, day)
    if bar is None:
        return None
    edges = {"afterHours": after.last, "preMarket": before.first}
    return bar, {name: price_of(key) for name, key in edges.items() if key is not None}
