"""`GET /v1/signals`: what strategies said, of one symbol by bar or of all by the time it became known."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.aggregates import RESERVE_MS
from serving_layer.api.delay import check_undelayed
from serving_layer.api.replies import base_url, reply, request_id
from serving_layer.api.signal_request import ANY, PATH, SignalRequest, read_request
from serving_layer.api.wiring import Services, Signals
from shared.bars.windows import END_OF_TIME_MS
from shared.models.signal import StoredSignal, public_form
from shared.stores.signals import Position

RULES = (PATH,)
DAYS: Final = 31
"""Of all symbols: how many days back signals are looked for."""
MOST_READ: Final = 5_000
"""Signals looked at for one page, however few of them are asked for; the next page goes on from there."""
_LOOK_EVERY: Final = 100
"""Signals between two looks at the clock."""


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the route on the application."""

    @app.get(PATH)
    def signals() -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        check_undelayed(event)
        request = read_request(event.multi_value_query_string_parameters or {})
        base = base_url(event)
        services, context = wire(), app.lambda_context
        rows = _rows(request, services.signals, int(services.now_s() * 1000))
        shown, position = read_page(rows, request, lambda: context.get_remaining_time_in_millis() < RESERVE_MS)
        body = {"status": "OK", "request_id": request_id(event), "count": len(shown)}
        following = {} if position is None else {"next_url": base + request.path_after(position)}
        results = [public_form(signal) for signal in shown]
        return reply(event, msgspec.json.encode({**body, "results": results, **following}))


def read_page(
    rows: Iterable[StoredSignal], request: SignalRequest, late: Callable[[], bool]
) -> tuple[list[StoredSignal], Position | None]:
    """The first page of what is asked for, and the place it ends at where more may follow."""
    shown: list[StoredSignal] = []
    place = None
    for read, signal in enumerate(rows):
        full = len(shown) == request.limit or read == MOST_READ
        if place is not None and (full or (read % _LOOK_EVERY == 0 and late())):
            return shown, place
        place = request.position_of(signal)
        if request.shows(signal):
            shown.append(signal)
    return shown, None


def _rows(request: SignalRequest, signals: Signals, now_ms: int) -> Iterable[StoredSignal]:
    if request.start >= request.end:
        return ()
    if request.sym == ANY:
        return _known(request, signals, now_ms)
    return signals.of_symbol(request.sym, request.start, request.end, after=request.after, reverse=request.descending)


def _known(request: SignalRequest, signals: Signals, now_ms: int) -> Iterator[StoredSignal]:
    """By the time of the last change, day by day. No signal is known before its bar starts."""
    today = _day(now_ms)
    days = [today + timedelta(days=1 - back) for back in range(DAYS + 2)]  # from tomorrow: clocks differ
    first = _day(request.start)
    for day in days if request.descending else reversed(days):
        after = request.after
        if after is not None and day != _day(after.at):
            if (day > _day(after.at)) == request.descending:
                continue
            after = None
        if day >= first:
            yield from signals.known_on(day, request.start, END_OF_TIME_MS, after=after, reverse=request.descending)


def _day(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms // 1000, UTC).date()
