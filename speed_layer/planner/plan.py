"""When a trade date's processes start and stop. Pure; the one home of these times, which the bill asks as well."""

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from shared.bars.sessions import SessionTable
from shared.bars.windows import MINUTE_MS

BEFORE_MS: Final = 30 * MINUTE_MS
"""Before the first trade of extended hours: time for a task that has to be started twice."""


class Process(StrEnum):
    """What the clock starts and stops."""

    INGESTER = "ingester"
    FLINK = "flink"


AFTER_MS: Final = {Process.INGESTER: 20 * MINUTE_MS, Process.FLINK: 30 * MINUTE_MS}
"""After the last trade of extended hours. The ingester's heartbeats pass their end meanwhile, which closes the last
windows and lets the night begin; Flink stops when nothing comes any more, so that its snapshot holds no open window."""
DUE_IN_MS: Final = MINUTE_MS
"""An order whose time has gone by comes so much after now."""
WORTH_MS: Final = 30 * MINUTE_MS
"""A start that is late comes only if its stop is farther away than this: well after it, whoever has to try it again."""


class Order(NamedTuple):
    """One start or stop of a trade date; `at` in Unix ms, on a whole minute unless it was late."""

    day: date
    process: Process
    starts: bool
    at: int

    @property
    def name(self) -> str:
        """Unlike that of every other order of any day."""
        return f"{self.day.isoformat()}-{self.process}-{'start' if self.starts else 'stop'}"


def plan(day: date, sessions: SessionTable) -> tuple[Order, ...]:
    """Orders of a New York date in the order of their times; none where the market is closed."""
    session = sessions.day(day)
    if session is None:
        return ()
    starts = [Order(day, process, True, session.extended_open - BEFORE_MS) for process in Process]
    stops = [Order(day, process, False, session.extended_close + AFTER_MS[process]) for process in Process]
    return (*starts, *stops)


def still_due(orders: Sequence[Order], now: int) -> Iterator[Order]:
    """What of a plan is left at `now` (Unix ms): a start that is late comes at once while it is worth it."""
    ends = {order.process for order in orders if not order.starts and order.at > now + WORTH_MS}
    for order in orders:
        if order.at > now:
            yield order
        elif order.starts and order.process in ends:
            yield order._replace(at=now + DUE_IN_MS)
