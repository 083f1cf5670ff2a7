"""What the API is made of: settings, stores and clocks, put together once, on first use."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Protocol

import msgspec

from serving_layer.api.daily_rows import DailyRows
from serving_layer.api.days import Days
from serving_layer.api.holes import Holes
from serving_layer.api.market import IngestRecords, Market
from serving_layer.api.split_book import SplitBook
from serving_layer.api.trade_dates import TradeDates
from shared import settings
from shared.bars.adjust import NO_SPLITS, Adjustment
from shared.bars.sessions import sessions_named
from shared.clients.aws import client
from shared.errors import StoreUnavailable
from shared.frames import TradeRow
from shared.models.signal import StoredSignal
from shared.models.trade import Trade
from shared.stores.answers import Answers
from shared.stores.bars import BarStore
from shared.stores.breaker import Breaker
from shared.stores.cache import Cache
from shared.stores.control import ControlStore
from shared.stores.corrections import Condition, Correction, CorrectionStore
from shared.stores.daily import DailyStore
from shared.stores.history import BatchView, History
from shared.stores.minutes import MinuteStore
from shared.stores.postgres import Postgres, PostgresSettings
from shared.stores.rings import Rings
from shared.stores.runs import Run, RunLedger
from shared.stores.settled import SettledStore, Settlements
from shared.stores.settled_spans import SettledSpans
from shared.stores.signals import Position, SignalStore
from shared.stores.ticks import TickStore
from shared.stores.valkey import Valkey, connect

READ_TIMEOUT_S = 2.0
ATTEMPTS = 2


class ApiSettings(msgspec.Struct, frozen=True):
    """Environment of the API. `cache_endpoint` is host:port; a `cache_user` means TLS and an IAM token for the cache
    `cache_name`; `sessions` names a session table (shared/bars/sessions.py); `local_key` is what /v1/health gives away
    on one machine, and empty on AWS."""

    bars_table: str
    control_table: str
    ticks_table: str
    signals_table: str
    cache_endpoint: str
    sessions: str = "XNYS"
    cache_user: str = ""
    cache_name: str = ""
    local_key: str = ""


class Records(IngestRecords, Protocol):
    """What the control table tells; raises StoreUnavailable."""

    def symbols(self) -> list[str]: ...
    def signal_counts(self) -> dict[str, int]: ...


class LiveCache(Protocol):
    """What the cache tells beside forming minutes; never raises."""

    def last_trade(self, sym: str) -> Trade | None: ...
    def last_trades(self, symbols: Sequence[str]) -> Mapping[str, Trade]: ...
    def is_alive(self) -> bool: ...


class Ticks(Protocol):
    """Trades of the last days; raises StoreUnavailable."""

    def trades(
        self, sym: str, from_ms: int, to_ms: int, now_s: int, *, reverse: bool = False
    ) -> Iterator[TradeRow]: ...
    def newest(self, sym: str, now_s: int) -> TradeRow | None: ...


class Runs(Protocol):
    """What became of the nightly runs (shared/stores/runs.py); raises StoreUnavailable."""

    def runs(self, first: date, last: date) -> list[Run]: ...


class Corrections(Protocol):
    """Changes of rows (shared/stores/corrections.py); raises StoreUnavailable."""

    def corrections(
        self, conditions: Sequence[Condition] = (), *, after: int | None = None, reverse: bool = False, limit: int
    ) -> list[Correction]: ...


class Signals(Protocol):
    """Signals as `SignalStore` reads them (shared/stores/signals.py); raises StoreUnavailable."""

    def of_symbol(
        self, sym: str, start: int, end: int, *, after: Position | None = None, reverse: bool = False
    ) -> Iterator[StoredSignal]: ...
    def known_on(
        self, day: date, start: int, end: int, *, after: Position | None = None, reverse: bool = False
    ) -> Iterator[StoredSignal]: ...


@dataclass(frozen=True, slots=True)
class Daily:
    """Days, companies and splits, where there is a database."""

    rows: DailyRows
    splits: SplitBook
    dates: TradeDates


def no_database() -> str:
    """Its state where there is none."""
    return "none"


@dataclass(frozen=True, slots=True)
class Services:
    """`now_s`: this host's Unix time in seconds. Without a database `daily` and `corrections` are None: then bars are
    made of minutes, and shown raw. `database`: its state, for health."""

    history: History
    ticks: Ticks
    signals: Signals
    control: Records
    cache: LiveCache
    answers: Answers
    market: Market
    days: Days
    settled: Settlements
    holes: Holes
    runs: Runs
    now_s: Callable[[], float]
    local_key: str = ""
    daily: Daily | None = None
    corrections: Corrections | None = None
    database: Callable[[], str] = no_database

    def stored(self) -> Daily:
        """Raises StoreUnavailable where there is no database."""
        if self.daily is None:
            raise StoreUnavailable("days and companies: no database is set")
        return self.daily

    def known_before(self) -> Corrections:
        """Raises StoreUnavailable where there is no database."""
        if self.corrections is None:
            raise StoreUnavailable("corrections: no database is set")
        return self.corrections

    def adjustment(self, sym: str, as_of: datetime | None, *, wanted: bool) -> Adjustment:
        """What adjusts the bars of a symbol. Raises StoreUnavailable: a failed read of splits makes no bar raw."""
        return self.daily.splits.of(sym, as_of) if wanted and self.daily is not None else NO_SPLITS

    def adjusts(self, *, wanted: bool) -> bool:
        """What an answer says of itself in `adjusted`."""
        return wanted and self.daily is not None


def daily_of(rows: DailyRows | None, days: Days, market: Market, now_s: Callable[[], float]) -> Daily | None:
    """What the API makes of a store of days."""
    return None if rows is None else Daily(rows, SplitBook(rows, market, now_s), TradeDates(rows, days, market))


def database_of(chosen: PostgresSettings) -> Postgres | None:
    """The database: the one place where it is made. None where none is set."""
    if not (chosen.postgres_conninfo or chosen.postgres_host):
        return None
    return Postgres(chosen, breaker=Breaker(time.monotonic))


def state_of(postgres: Postgres | None, *, ask: bool) -> str:
    """`ok`, `unavailable`, `none`, or `unknown` where nobody has asked it yet: a cluster that pauses is not woken to
    find out, so only with `ask` it is asked now."""
    if postgres is None:
        return no_database()
    if ask:
        try:
            postgres.rows("SELECT 1")
        except StoreUnavailable:
            return "unavailable"
    return {None: "unknown", True: "ok", False: "unavailable"}[postgres.answered]


@lru_cache(maxsize=1)
def wire() -> Services:
    """The services of this process. Raises PermanentError naming a setting that is missing."""
    chosen = settings.read(ApiSettings)
    dynamodb = client("dynamodb", READ_TIMEOUT_S, ATTEMPTS)
    valkey = Valkey(connect(chosen.cache_endpoint, chosen.cache_user, chosen.cache_name), time.monotonic)
    cache, control = Cache(valkey), ControlStore(dynamodb, chosen.control_table)
    stored = settings.read(PostgresSettings)
    postgres, sessions = database_of(stored), sessions_named(chosen.sessions)
    settled = SettledStore(dynamodb, chosen.control_table)
    spans = SettledSpans(settled, sessions, time.monotonic)
    batch = None if postgres is None else BatchView(MinuteStore(postgres), spans)
    history = History(BarStore(dynamodb, chosen.bars_table), cache, batch)
    market = Market(control, sessions, time.time, None if postgres is None else settled)
    days = Days(history, Rings(valkey, {}), market, lambda: control.through("signals"), time.time)
    services = Services(
        history=history,
        ticks=TickStore(dynamodb, chosen.ticks_table),
        signals=SignalStore(dynamodb, chosen.signals_table),
        control=control,
        cache=cache,
        answers=Answers(valkey),
        market=market,
        days=days,
        settled=settled,
        holes=Holes(control, settled, time.time),
        runs=RunLedger(dynamodb, chosen.control_table),
        now_s=time.time,
        local_key=chosen.local_key,
        daily=daily_of(None if postgres is None else DailyStore(postgres), days, market, time.time),
        corrections=None if postgres is None else CorrectionStore(postgres),
        database=lambda: state_of(postgres, ask=bool(stored.postgres_conninfo)),
    )
    spare_collections()
    return services


def spare_collections() -> None:
    """Keep the garbage collector out of the way of a page: thousands of tuples that hold no cycle are made for one.

    What is imported by now is never looked through again, and 50,000 new objects come before the next look.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
