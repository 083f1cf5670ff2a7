"""The API over stores in memory."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, cast

from serving_layer.api.daily_rows import DailyRows
from serving_layer.api.days import Days, HourRings, Hours
from serving_layer.api.handler import build
from serving_layer.api.holes import Holes
from serving_layer.api.market import Market
from serving_layer.api.wiring import Corrections, Runs, Services, daily_of
from shared.bars.sessions import new_york_sessions
from shared.models.bar import Partial
from shared.models.trade import Trade
from shared.stores.answers import Answers
from shared.stores.history import BatchRows, BatchView, History
from shared.stores.runs import Run
from shared.stores.settled_spans import SettledSpans
from shared.stores.valkey import Valkey
from tests.fakes.bar_rows import BarRows
from tests.fakes.settled_dates import SettledDates
from tests.fakes.signal_rows import SignalRows
from tests.fakes.tick_rows import TickRows
from tests.unit.serving_layer.events import Context, body_of, proxy_event

NOW_S = 1_381_260_000
T0 = 1_381_239_000_000
"""2013-10-08 09:30 in New York."""
MINUTE = 60_000


class Forming:
    """The cache as the API sees it."""

    def __init__(self, minutes: Mapping[tuple[str, int], Partial] | None = None, *, alive: bool = True) -> None:
        self.minutes = dict(minutes or {})
        self.last: dict[str, Trade] = {}
        self.alive = alive

    def unstored_minutes(self, sym: str, start: int, end: int) -> dict[int, Partial]:
        return {t: partial for (of, t), partial in self.minutes.items() if of == sym and start <= t < end}

    def last_trade(self, sym: str) -> Trade | None:
        return self.last.get(sym)

    def last_trades(self, symbols: Iterable[str]) -> dict[str, Trade]:
        return {sym: self.last[sym] for sym in symbols if sym in self.last}

    def is_alive(self) -> bool:
        return self.alive


class Control:
    """What the ingester and the signals function write."""

    def __init__(
        self,
        feed: dict[str, Any] | None = None,
        epochs: list[dict[str, Any]] | None = None,
        symbols: list[str] | None = None,
    ) -> None:
        self._feed, self._epochs, self._symbols = feed or {}, epochs or [], symbols or []
        self.signals: dict[str, int] = {}

    def symbols(self) -> list[str]:
        return self._symbols

    def signal_counts(self) -> dict[str, int]:
        return self.signals

    def feed(self) -> dict[str, Any]:
        return self._feed

    def epochs(self) -> Any:
        return iter(self._epochs)


class Gone:
    """A Valkey that never answers."""

    def attempt(self, action: object) -> None:
        """What a guarded connection gives then."""


class NoRings:
    def closed(self, symbols: Iterable[str], tf: str, through: str | None, since: int) -> dict[str, Hours]:
        return {}


class NoRuns:
    def runs(self, first: date, last: date) -> list[Run]:
        return []


class Api:
    """Requests in, answers out. `valkey`: where answers are kept; nowhere by default. `daily`: none by default."""

    def __init__(
        self,
        rows: Any = None,
        forming: Any = None,
        control: Any = None,
        local_key: str = "",
        *,
        valkey: Any = None,
        rings: HourRings | None = None,
        daily: DailyRows | None = None,
        batch: BatchRows | None = None,
        settled: SettledDates | None = None,
        runs: Runs | None = None,
        corrections: Corrections | None = None,
        now_s: Callable[[], float] = lambda: NOW_S,
    ) -> None:
        self.rows = BarRows() if rows is None else rows
        self.ticks = TickRows()
        self.signals = SignalRows()
        self.cache = cache = Forming() if forming is None else forming
        control = Control() if control is None else control
        settled = SettledDates() if settled is None else settled
        spans = SettledSpans(settled, new_york_sessions(), now_s)
        history = History(self.rows, cache, None if batch is None else BatchView(batch, spans))
        market = Market(control, new_york_sessions(), now_s)
        days = Days(history, rings or NoRings(), market, lambda: None, now_s)
        self.services = Services(
            history=history,
            ticks=self.ticks,
            signals=self.signals,
            control=control,
            cache=cache,
            answers=Answers(cast(Valkey, valkey or Gone())),
            market=market,
            days=days,
            settled=settled,
            holes=Holes(control, settled, now_s),
            runs=NoRuns() if runs is None else runs,
            corrections=corrections,
            now_s=now_s,
            local_key=local_key,
            daily=daily_of(daily, days, market, now_s),
        )
        self._app = build(lambda: self.services)

    def send(self, url: str, context: Context | None = None, **event: Any) -> dict[str, Any]:
        """The answer as the function returns it."""
        return self.answer(proxy_event(url, **event), context)

    def answer(self, event: dict[str, Any], context: Context | None = None) -> dict[str, Any]:
        """The answer to an event as API Gateway makes one."""
        return self._app.resolve(event, context or Context())  # type: ignore[arg-type]  # a test's

    def get(self, url: str, **event: Any) -> dict[str, Any]:
        """The JSON of an answer of 200."""
        answer = self.send(url, **event)
        assert answer["statusCode"] == 200, answer["body"]
        return body_of(answer)


def minute_of(t: int, *, first: int, last: int, high: int, low: int, size: int = 100, count: int = 2) -> Partial:
    """A minute's partial from whole cents and shares: opens at its start, closes in its last second."""
    cent, share = 10**7, 10**6
    return Partial(
        first=f"{t:013d}{1:012d}{first * cent:018d}",
        last=f"{t + 59_000:013d}{2:012d}{last * cent:018d}",
        high=high * cent,
        low=low * cent,
        volume=size * share,
        notional=(first + last) * cent * size * share // 2,
        count=count,
    )
