"""`GET /v2/snapshot/locale/us/markets/stocks/...`: one symbol, several, all, and those that moved most."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import LIVE, check_scope
from serving_layer.api.aggregates import RESERVE_MS
from serving_layer.api.days import Hours
from serving_layer.api.market import Moment
from serving_layer.api.parameters import one, symbol_of
from serving_layer.api.refusals import TICKER_NOT_FOUND, Refused
from serving_layer.api.replies import reply, request_id
from serving_layer.api.wiring import Services
from shared.bars.algebra import present_day
from shared.bars.scale import SIZE_SCALE
from shared.bars.windows import END_OF_TIME_MS
from shared.errors import StoreUnavailable
from shared.models.trade import Trade
from shared.polygon.snapshot_answers import Entry, entry_text, many_tickers, movers, one_ticker
from shared.polygon.trade_answers import row_of

_STOCKS = "/v2/snapshot/locale/us/markets/stocks"
RULES = (f"{_STOCKS}/tickers", f"{_STOCKS}/tickers/<ticker>", f"{_STOCKS}/gainers", f"{_STOCKS}/losers")
MOST_MOVERS = 20
LEAST_VOLUME = 10_000 * SIZE_SCALE
SLICE = 100
"""Symbols whose closed hours are read and held at a time, between two looks at the clock."""
READERS = 8
"""Symbols that are looked up at a time; the pool of connections to the tables has 16."""


class Kept(msgspec.Struct, array_like=True):
    """The results part of an answer with several symbols."""

    count: int
    texts: bytes


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the routes on the application."""
    everything, single, gainers, losers = RULES

    @app.get(single)
    def snapshot(ticker: str) -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, LIVE)
        (entry,) = entries(wire(), [symbol_of(ticker)])
        if entry.is_empty:
            raise Refused(TICKER_NOT_FOUND)
        return reply(event, one_ticker(entry_text(entry), request_id=request_id(event)))

    @app.get(everything)
    def snapshots() -> Response[str | bytes]:
        text = one(app.current_event.multi_value_query_string_parameters or {}, "tickers")
        asked = [symbol_of(ticker) for ticker in dict.fromkeys((text or "").split(",")) if ticker]
        return answer(f"tickers?{','.join(asked)}", asked, lambda found: [one for one in found if not one.is_empty])

    @app.get(gainers)
    def gained() -> Response[str | bytes]:
        return answer("gainers", [], lambda found: _moved(found, up=True))

    @app.get(losers)
    def lost() -> Response[str | bytes]:
        return answer("losers", [], lambda found: _moved(found, up=False))

    def answer(
        asked: str, symbols: Sequence[str], choose: Callable[[Sequence[Entry]], Sequence[Entry]]
    ) -> Response[str | bytes]:
        """Of the symbols named, or of all that there are; made again when it is a second old."""
        event, context = app.current_event, app.lambda_context
        check_scope(event, LIVE)
        services = wire()

        def late() -> bool:
            return context.get_remaining_time_in_millis() < RESERVE_MS

        def make() -> Kept:
            known = services.control.symbols()
            wanted = sorted(set(symbols) & set(known)) if symbols else known
            texts = [entry_text(entry) for entry in choose(entries(services, wanted, late))]
            return Kept(len(texts), ",".join(texts).encode())

        def seconds(_: Kept) -> int:
            return services.market.keep_s(END_OF_TIME_MS)

        kept, shared_s = services.answers.remembered(f"{_STOCKS}/{asked}", Kept, make, seconds)
        body = many_tickers(kept.texts, kept.count, request_id=request_id(event))
        return reply(event, body, shared_s=shared_s)


def entries(services: Services, symbols: Sequence[str], late: Callable[[], bool] = lambda: False) -> list[Entry]:
    """What is known of each symbol, in their order. Raises StoreUnavailable, also where it would take too long."""
    moment = services.market.moment()
    found: list[Entry] = []
    for first in range(0, len(symbols), SLICE):
        found += _slice(services, moment, symbols[first : first + SLICE], late)
    return found


def _slice(services: Services, moment: Moment, symbols: Sequence[str], late: Callable[[], bool]) -> Iterable[Entry]:
    """Those of so few symbols that all their closed hours may be held at once."""
    _in_time(late)
    last = services.cache.last_trades(symbols)
    hours = services.days.hours(symbols, moment.session.start) if moment.session else {}

    def look(sym: str) -> Entry:
        _in_time(late)
        return _entry(services, moment, sym, hours.get(sym, []), last.get(sym))

    return _readers().map(look, symbols) if len(symbols) > 1 else map(look, symbols)


def _in_time(late: Callable[[], bool]) -> None:
    if late():
        raise StoreUnavailable("too many symbols for the time there is")


def _entry(services: Services, moment: Moment, sym: str, hours: Hours, cached: Trade | None) -> Entry:
    row = services.ticks.newest(sym, int(services.now_s())) if cached is None else row_of(cached)
    session = moment.session
    if session is None:
        return Entry(sym, last=row)
    today = services.days.today(sym, session, hours)
    before = services.days.previous(sym, moment, session.start, hours)
    return Entry(
        sym,
        day=present_day(session.start, today.partial),
        previous=None if before is None else before[1],
        minute=today.minute,
        volume=today.partial.volume,
        last=row,
        last_is_of_day=row is not None and session.start <= row.t < session.end,
    )


def _moved(found: Sequence[Entry], *, up: bool) -> list[Entry]:
    return movers(found, up=up, least_volume=LEAST_VOLUME, most=MOST_MOVERS)


@lru_cache(maxsize=1)
def _readers() -> ThreadPoolExecutor:
    """Started with the first answer that needs them, not with the process."""
    return ThreadPoolExecutor(READERS, "snapshot")
