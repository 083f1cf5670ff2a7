"""What a deployment has to carry: the numbers of the bill that no template knows."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

SHARD_BYTES = 1_000_000
"""A second into one shard, at most."""
FILLED = {"full": 0.66, "lean": 0.9}
"""Of a shard, what the peak may fill by profile. `lean` has no room for a burst within the burst: it waits in the
ingester."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A day is a session; a month is a twelfth of `year`. Where each number is from stands in docs/cost.md."""

    trades_a_day: int = 40_000_000
    symbols: int = 500
    peak_trades_a_second: int = 20_000
    bytes_a_trade: int = 120
    """In a frame of the trades stream, at the pace of a session's mean."""
    peak_bytes_a_trade: int = 85
    """At the peak, where more trades share a part."""
    extended_share: float = 0.1
    """Of a day's trades, those before and after the regular session."""
    minutes_a_symbol: int = 500
    """Of a session, those in which a symbol trades."""
    bytes_a_bar: int = 300
    late_parts_a_day: int = 5_000
    signals_a_day: int = 2_000
    alerts_a_day: int = 500
    api_requests: int = 1_000_000
    """A month, asked while the market is open, extended hours included."""
    edge_hits: float = 0.0
    """Of the requests, the share that the edge answers from what it has kept, a minute at most."""
    bytes_an_answer: int = 5_000
    reads_a_request: int = 4
    """DynamoDB's read units."""
    api_keys: int = 10
    pushes: int = 0
    """Messages a month to WebSocket clients, of `bytes_a_push`; for the optional push."""
    bytes_a_push: int = 150
    database_units_awake: float = 0.75
    """Capacity units of Aurora while it is awake, on average."""
    database_gb: float = 20
    database_io: int = 10_000_000
    """I/O requests a month."""
    night_hours: float = 0.75
    """Between the start of a night and the database's rest; a date has two nights."""
    night_job_hours: float = 0.35
    """Of a night, those in which a job of AWS Batch runs."""
    backfill_hours: float = 0.0
    """A month, of the job that loads history."""
    history_months: float = 12
    """Of raw log and files that lie in the lake."""
    raw_bytes_a_trade: int = 17
    tick_bytes_a_trade: int = 12
    lake_gb: float = 5
    """Parquet of bars and reference data."""
    call_ms: float = 30
    """Of a function: what each call takes, whatever it brings."""
    api_ms: float = 40
    us_a_trade: float = 40
    """Of a function that reads the trades stream, on top."""
    us_a_bar: float = 1_500
    """Of a function that reads the bars stream, on top."""
    night_step_s: float = 120
    """Of a function that is a step of the night."""
    events_a_month: int = 1_000
    """For whatever waits for events that the load does not know: alarms, subscriptions, rules."""
    deployments: int = 4
    """A month."""
    control_writes_a_second: float = 1.6
    """While the ingester runs: its counts each second, its lease six times in ten."""
    cache_gb: float = 0.1
    log_bytes_a_call: int = 450
    log_bytes_a_request: int = 450
    """Of the API's access log."""
    log_mb_an_hour: float = 1
    """Of each long-running process, and of Flink."""
    custom_metrics: int = 0
    """That the code sends. Those that alarms name are counted where they are more."""
    year: int = 2026
    """Whose sessions and clocks are counted."""

    def __post_init__(self) -> None:
        if wrong := [field.name for field in fields(self) if getattr(self, field.name) < 0]:
            raise ValueError(f"{wrong[0]} must not be negative, was {getattr(self, wrong[0])}")
        if not 1 <= self.symbols <= self.trades_a_day:
            raise ValueError(f"symbols must be at least 1 and at most trades_a_day, was {self.symbols}")
        for name in ("extended_share", "edge_hits"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name} must be at most 1, was {getattr(self, name)}")

    def shards(self, profile: str) -> int:
        """Of the trades stream: what the peak takes."""
        peak = self.peak_trades_a_second * self.peak_bytes_a_trade
        return max(1, math.ceil(peak / (FILLED[profile] * SHARD_BYTES)))

    def scaled(self, *, trades: int | None = None, symbols: int | None = None) -> "Load":
        """With so many trades a day and a peak that grows with them, or of so many symbols that trade as these do."""
        if symbols is not None:
            trades = self.trades_a_day * symbols // self.symbols
        if trades is None:
            return self
        peak = math.ceil(self.peak_trades_a_second * trades / self.trades_a_day)
        return replace(
            self, trades_a_day=trades, peak_trades_a_second=peak, symbols=symbols or min(self.symbols, trades)
        )

    def given(self, name: str, text: str) -> "Load":
        """With another value for a field. Raises ValueError for no number of its kind."""
        kind = type(getattr(self, name))
        try:
            value: Any = kind(text.replace("_", ""))
        except ValueError as error:
            raise ValueError(f"{name} must be a {'whole ' if kind is int else ''}number, was {text!r}") from error
        if not math.isfinite(value):
            raise ValueError(f"{name} must be a number, was {text!r}")
        return replace(self, **{name: value})


FIELDS = tuple(field.name for field in fields(Load))
