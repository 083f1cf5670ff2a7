"""`GET /v1/completeness`: of each trade date whether it is settled, what became of its run, and where trades may be
missing."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.list_request import list_reply
from serving_layer.api.parameters import Query, day_named, one
from serving_layer.api.refusals import BadRequest
from serving_layer.api.wiring import Services
from shared.bars.windows import new_york_date
from shared.stores.gaps import gaps_of
from shared.stores.runs import RUNNING, Run
from shared.stores.settled import MINUTES, Settled

PATH = "/v1/completeness"
RULES = (PATH,)
DEFAULT_DAYS = 14
MOST_DAYS = 366
DEAD = "dead"
"""State of a run that was under way and has not gone on until its deadline."""


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the route on the application."""

    @app.get(PATH)
    def completeness() -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        query, services = event.multi_value_query_string_parameters or {}, wire()
        today = new_york_date(services.market.moment().now_ms)
        first, last = _range(query, today)
        return list_reply(event, list(report(services, first, min(last, today))), None)


def report(services: Services, first: date, last: date) -> Iterator[dict[str, Any]]:
    """A row for each session of [first, last], both included, in order. Raises StoreUnavailable."""
    settled = services.settled.days(MINUTES, first, last)
    runs = {run.day: run for run in services.runs.runs(first, last)}
    gaps, now_s = list(gaps_of(services.control.epochs())), services.now_s()
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        session = services.market.sessions.day(day)
        if session is not None:
            is_whole = day in settled and settled[day].is_whole
            within = [] if is_whole else [gap for gap in gaps if gap.touches(session)]
            yield {
                "date": day,
                "complete": not within,
                "gaps": [gap._asdict() for gap in within],
                **({"settled": _settled(settled[day])} if day in settled else {}),
                **({"run": _run(runs[day], now_s)} if day in runs else {}),
            }


def _range(query: Query, today: date) -> tuple[date, date]:
    texts = {name: one(query, name) for name in ("from", "to")}
    given = {name: day_named(name, text) for name, text in texts.items() if text}
    last = given.get("to", today)
    first = given.get("from", last - timedelta(days=DEFAULT_DAYS - 1))
    if last < first:
        raise BadRequest("The parameter 'to' cannot be a time that occurs before 'from'")
    if (last - first).days >= MOST_DAYS:
        raise BadRequest(f"The parameters 'from' and 'to' must be at most {MOST_DAYS} days")
    return first, last


def _settled(one: Settled) -> dict[str, Any]:
    return {"known_at": one.known_at, "since": one.since, "source": one.source}


def _run(run: Run, now_s: float) -> dict[str, Any]:
    return {
        "state": DEAD if run.state == RUNNING and run.deadline_s < now_s else run.state,
        "started": datetime.fromtimestamp(run.started_s, UTC),
        "runs": run.runs,
        "steps": run.steps,
        "detail": run.detail,
    }
