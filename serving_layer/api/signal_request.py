"""A request for signals (`GET /v1/signals`), read from its query; unknown keys are ignored.

`timestamp` is the start of a signal's bar: Unix ms, or a date, which stands for the start of that New York day. A
cursor carries what a client drops after the first page; with one, every parameter comes from it.
"""

import re
from dataclasses import dataclass
from typing import Final

from serving_layer.api.cursor import invalid_cursor, seal, unseal
from serving_layer.api.parameters import Query, choice, date_of, limit_of, one, symbol_of, unit_of
from serving_layer.api.refusals import BadRequest
from shared.bars.windows import END_OF_TIME_MS, STREAM_TIMEFRAMES, new_york_midnight_ms
from shared.models.signal import StoredSignal
from shared.stores.signals import ACTIVE, WITHDRAWN, Position

PATH: Final = "/v1/signals"
DEFAULT_LIMIT: Final = 100
MOST_LIMIT: Final = 1_000
_TIME = re.compile(r"0|[1-9][0-9]{0,13}", re.ASCII)
_NAME = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{1,64}", re.ASCII)
ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class SignalRequest:
    """Signals of bars that start in [start, end), Unix ms, that come after `after` in the order asked for.

    Of one symbol by the start of their bars, of all (`sym` is "*") by the time of their last change. "*" for `tf`,
    `strategy` and `status` means any.
    """

    sym: str
    tf: str
    strategy: str
    status: str
    start: int
    end: int
    limit: int
    descending: bool
    after: Position | None = None

    def shows(self, signal: StoredSignal) -> bool:
        """Whether a signal that was read is one of those asked for."""
        return (
            self.tf in (ANY, signal.tf)
            and self.strategy in (ANY, signal.strategy)
            and self.status in (ANY, signal.status)
            and self.start <= signal.t < self.end
        )

    def position_of(self, signal: StoredSignal) -> Position:
        """Its place in the order of this request."""
        return Position(signal.known_at if self.sym == ANY else signal.t, signal.id)

    def path_after(self, last: Position) -> str:
        """Path and query of the page that goes on after this place."""
        fields = {name: getattr(self, name) for name in ("sym", "tf", "strategy", "status", "start", "end", "limit")}
        fields |= {"descending": int(self.descending), "at": last.at, "id": last.id}
        return f"{PATH}?cursor={seal(fields, PATH)}"


def read_request(query: Query) -> SignalRequest:
    """The request, checked. Raises BadRequest, whose text names the parameter and its rule."""
    cursor = one(query, "cursor")
    if cursor is not None:
        return _continued(cursor)
    ticker, strategy = one(query, "ticker"), one(query, "strategy")
    if strategy is not None and not _NAME.fullmatch(strategy):
        raise BadRequest("The parameter 'strategy' must be the name of a strategy")
    return SignalRequest(
        sym=ANY if ticker is None else symbol_of(ticker),
        tf=choice(query, "timeframe", ANY, tuple(STREAM_TIMEFRAMES)),
        strategy=strategy or ANY,
        status=choice(query, "status", ANY, (ACTIVE, WITHDRAWN)),
        start=_time(query, "timestamp.gte", 0),
        end=_time(query, "timestamp.lt", END_OF_TIME_MS),
        limit=limit_of(query, DEFAULT_LIMIT, MOST_LIMIT),
        descending=choice(query, "order", "desc", ("asc", "desc")) == "desc",
    )


def _continued(cursor: str) -> SignalRequest:
    """The request behind a `next_url`. Anyone can compute a cursor, so what it says must be possible too."""
    fields = unseal(cursor, PATH)
    try:
        after = Position(int(fields.pop("at")), fields.pop("id"))
        start, end, limit = (int(fields.pop(name)) for name in ("start", "end", "limit"))
        descending = {"0": False, "1": True}[fields.pop("descending")]
        request = SignalRequest(**fields, start=start, end=end, limit=limit, descending=descending, after=after)
        sound = request.sym == ANY or symbol_of(request.sym) == request.sym
    except (ValueError, KeyError, TypeError, BadRequest) as error:
        raise invalid_cursor() from error
    within = (
        0 <= start <= END_OF_TIME_MS
        and 0 <= end <= END_OF_TIME_MS
        and 0 <= after.at < END_OF_TIME_MS
        and 1 <= limit <= MOST_LIMIT
    )
    if not (sound and within and _ID.fullmatch(after.id)):
        raise invalid_cursor()
    return request


def _time(query: Query, name: str, default: int) -> int:
    text = one(query, name)
    if text is None:
        return default
    rule = f"The parameter '{name}' must be a date as YYYY-MM-DD or a Unix time in milliseconds"
    day = date_of(rule, text)
    if day is not None:
        return min(new_york_midnight_ms(day), END_OF_TIME_MS)
    if not _TIME.fullmatch(text):
        raise BadRequest(rule)
    if text != "0" and (unit := unit_of(int(text))) != "milliseconds":
        raise BadRequest(f"{rule}: this number looks like {unit}")
    return min(int(text), END_OF_TIME_MS)
