"""`GET /v2/aggs/grouped/locale/us/market/stocks/{date}`: the stored days of all symbols of one trade date."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.delay import check_date
from serving_layer.api.parameters import adjusted_of, as_of_of, day_named
from serving_layer.api.replies import reply, request_id
from serving_layer.api.wiring import Services
from shared.bars.windows import new_york_midnight_ms
from shared.polygon.answers import aggregates, day_text

RULE = "/v2/aggs/grouped/locale/us/market/stocks/<date>"
RULES = (RULE,)


class Kept(msgspec.Struct, array_like=True):
    """The results part of an answer."""

    texts: list[str]


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the route on the application."""

    @app.get(RULE)
    def grouped(date: str) -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        query = event.multi_value_query_string_parameters or {}
        day, wanted, as_of, services = day_named("date", date), adjusted_of(query), as_of_of(query), wire()
        check_date(event, services.market, day)

        def make() -> Kept:
            daily, t = services.stored(), services.market.close_of(day)
            bars = daily.rows.grouped(day, as_of)
            if wanted:
                of = daily.splits.of_all(as_of)
                bars = [of(bar.sym).day(bar) for bar in bars]
            texts = (day_text(t, bar, bar.sym) for bar in bars)
            return Kept([text for text in texts if text is not None])

        def seconds(_: Kept) -> int:
            return services.market.keep_named_s(new_york_midnight_ms(day + timedelta(days=1)))

        asked = services.market.named(f"{RULE}?{day}&{wanted}&{as_of}")
        kept, shared_s = services.answers.remembered(asked, Kept, make, seconds)
        body = aggregates(
            None,
            kept.texts,
            query_count=len(kept.texts),
            adjusted=services.adjusts(wanted=wanted),
            request_id=request_id(event),
            next_url=None,
        )
        return reply(event, body, shared_s=shared_s)
