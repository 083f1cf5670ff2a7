"""What to ask the vendor for, and what it costs: calls, bytes, and time at the plan's quota. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Literal, NamedTuple

from batch_layer.fetch.days import BASE_BARS
from batch_layer.fetch.units import Unit
from shared.bars.sessions import SessionTable
from shared.errors import PermanentError

Method = Literal["grouped", "range", "flat"]
BAR_BYTES = 105
FLAT_BAR_BYTES = 22
MARKET_SYMBOLS = 11_000
"""A bar as JSON, a row of a compressed flat file, and how many the market has a day: measured on the vendor's own."""
SECONDS_A_CALL = 0.5
REST_METHODS: tuple[Method, ...] = ("grouped", "range")
METHODS: tuple[Method, ...] = (*REST_METHODS, "flat")
_TITLES: dict[Method, str] = {
    "grouped": "one call a session for the whole market",
    "range": "one call a symbol",
    "flat": "one flat file a session for the whole market",
}


class Quota(NamedTuple):
    """What a vendor's plan allows: REST calls in any minute of a key, and whether flat files come with it."""

    calls_a_minute: int
    flat_files: bool


FREE = Quota(5, flat_files=False)
PAID = Quota(6_000, flat_files=True)
"""Paid plans have no fixed limit, but throttle above a hundred calls a second."""


class Plan(NamedTuple):
    """Units in the order they are to be fetched. `others`: plans that would bring the same, and cost more."""

    method: Method
    units: tuple[Unit, ...]
    quota: Quota
    others: tuple["Plan", ...] = ()

    @property
    def calls(self) -> int:
        """REST calls, or objects of flat files."""
        return sum(unit.calls for unit in self.units)

    @property
    def size(self) -> int:
        """About how many bytes will come."""
        return sum(unit.size for unit in self.units)

    @property
    def seconds(self) -> float:
        """About how long it takes: the quota's time or the calls', one after another."""
        metered = sum(unit.calls for unit in self.units if unit.kind != "flat")
        return max(max(metered - 1, 0) // self.quota.calls_a_minute * 60.0, self.calls * SECONDS_A_CALL)

    def also(self, units: Iterable[Unit]) -> "Plan":
        """Further units after its own."""
        return self._replace(units=(*self.units, *units))

    def without(self, done: Collection[str]) -> "Plan":
        """What is left of it."""
        return self._replace(units=tuple(unit for unit in self.units if unit.id not in done))


def plan_days(
    symbols: Sequence[str] | None,
    first: date,
    last: date,
    *,
    sessions: SessionTable,
    quota: Quota,
    methods: Collection[Method] = METHODS,
) -> Plan:
    """The cheapest of the allowed methods for the daily bars of [first, last], both included; None = whole market.

    Cheapest is fastest at the quota, then smallest. Whole-market methods bring every symbol, whichever are asked for.
    Raises PermanentError where no method is left.
    """
    days = list(sessions.between(first, last))
    plans = [Plan(method, units, quota) for method, units in _ways(symbols, days, quota) if method in methods]
    if not plans:
        raise PermanentError(f"none of {', '.join(methods)} can bring that with this plan of the vendor's")
    best = min(plans, key=_cost)
    return best._replace(others=tuple(plan for plan in plans if plan is not best))


def describe(plan: Plan) -> list[str]:
    """Lines for people: what will be asked, and what the other ways would have cost."""
    if not plan.units:
        return ["Nothing to fetch."]
    bars = plan._replace(units=tuple(unit for unit in plan.units if unit.kind == plan.method))
    lines = []
    if bars.units:
        first = min(unit.start for unit in bars.units if unit.start)
        last = max(unit.end for unit in bars.units if unit.end)
        lines = [f"Daily bars from {first} to {last}: {_TITLES[plan.method]}.", _costs(bars)]
        lines += [f"Rather than {_TITLES[other.method]}: {_costs(other)}" for other in plan.others]
    if bars.calls < plan.calls:
        more = f"{plan.calls - bars.calls:,} calls for splits, dividends and tickers"
        lines.append(f"{more}; about {duration(plan.seconds)} in all.")
    return lines


def duration(seconds: float) -> str:
    """In the two largest units that matter.

    >>> duration(6_000), duration(540), duration(12.5)
    ('1 h 40 min', '9 min', '13 s')
    """
    whole = int(seconds + 0.5)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {whole % 60} s" if whole % 60 else f"{minutes} min"
    return f"{whole} s"


def _costs(plan: Plan) -> str:
    what = "files" if plan.method == "flat" else "calls"
    rate = "" if plan.method == "flat" else f" at {plan.quota.calls_a_minute:,} calls a minute"
    return f"{plan.calls:,} {what}, about {plan.size / 1e6:,.1f} MB, about {duration(plan.seconds)}{rate}."


def _cost(plan: Plan) -> tuple[float, int]:
    return plan.seconds, plan.size


def _ways(symbols: Sequence[str] | None, days: list[date], quota: Quota) -> Iterator[tuple[Method, tuple[Unit, ...]]]:
    """What can be used, with its units."""
    market = MARKET_SYMBOLS * BAR_BYTES
    yield "grouped", tuple(Unit("grouped", start=day, end=day, size=market) for day in days)
    if symbols is not None:
        calls, size = -(-len(days) // BASE_BARS), len(days) * BAR_BYTES
        names = sorted(set(symbols)) if days else []
        yield "range", tuple(Unit("range", sym, days[0], days[-1], calls=calls, size=size) for sym in names)
    if quota.flat_files:
        market = MARKET_SYMBOLS * FLAT_BAR_BYTES
        yield "flat", tuple(Unit("flat", start=day, end=day, size=market) for day in days)
