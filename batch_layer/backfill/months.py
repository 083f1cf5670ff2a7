"""History of some trade dates into the database and the lake, all of it or a month of it: what a job does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from batch_layer.backfill.stored import VENDOR, Backfill
from batch_layer.fetch.days import Completeness
from batch_layer.fetch.fetcher import Fetcher
from batch_layer.fetch.planner import REST_METHODS, Quota, plan_days
from batch_layer.fetch.reference_plan import plan_reference
from batch_layer.fetch.rest import VendorRest
from batch_layer.fetch.run import Step
from batch_layer.lake.daily import DailyLake
from batch_layer.load.multi_session import keep_up
from batch_layer.rebuild.multi_session import MultiSession
from shared.bars.sessions import SessionTable
from shared.errors import PermanentError
from shared.stores.daily import DailyStore
from shared.stores.postgres import Postgres


def month_of(first: date, last: date, index: int) -> tuple[date, date]:
    """First and last day of the month number `index` (from 0) of [first, last], both included, cut to it.

    >>> month_of(date(2024, 1, 15), date(2024, 3, 10), 2)
    (datetime.date(2024, 3, 1), datetime.date(2024, 3, 10))

    Raises PermanentError where there is no such month.
    """
    begins = _first_of_month(first, index)
    if index < 0 or begins > last:
        raise PermanentError(f"{first} to {last} has no month number {index}")
    return max(first, begins), min(last, _first_of_month(first, index + 1) - timedelta(days=1))


def _first_of_month(day: date, later: int) -> date:
    months = day.year * 12 + day.month - 1 + later
    return date(months // 12, months % 12 + 1, 1)


@dataclass(frozen=True)
class History:
    """`symbols` None: the whole market. `now`: UTC."""

    postgres: Postgres
    lake: DailyLake
    rest: VendorRest
    sessions: SessionTable
    symbols: Sequence[str] | None
    calls_a_minute: int
    now: Callable[[], datetime]

    def load(self, first: date, last: date, *, reference: bool, told: Callable[[Step], None]) -> "Brought":
        """Daily bars of [first, last]; with `reference` also splits and dividends since then, and the listings.

        What was stored before is not asked for again. Raises SourceUnavailable, AccessRefused, StoreUnavailable, and
        what DailyLake.write raises: another run goes on from there.
        """
        asked = self.now()
        plan = plan_days(
            self.symbols,
            first,
            last,
            sessions=self.sessions,
            quota=Quota(self.calls_a_minute, flat_files=False),
            methods=REST_METHODS,
        )
        if reference:
            plan = plan.also(plan_reference(self.symbols, first, asked.date()))
        backfill = Backfill(self.postgres, VENDOR, asked)
        complete = Completeness(self.sessions, backfill.symbols_on)
        outcome = backfill.run(plan.units, Fetcher(self.rest, self.sessions, complete, asked), told)
        files = sum(self._written(day, asked) for day in self.sessions.between(first, last))
        keep_up(self.postgres, MultiSession(self.sessions), now=self.now)
        return Brought(
            units=outcome.stored,
            done_before=outcome.done_before,
            rows=backfill.loaded.rows,
            quarantined=backfill.loaded.quarantined,
            files=files,
            failed={unit.id: why for unit, why in outcome.failed},
        )

    def _written(self, day: date, known_at: datetime) -> bool:
        """Whether the date's file in the lake is another one now."""
        bars = DailyStore(self.postgres).grouped(day)
        return bool(bars) and self.lake.write(day, bars, source=VENDOR, known_at=known_at).changed


@dataclass(frozen=True)
class Brought:
    """Of a load: units and rows stored now, units stored before, lake files written, and why units were left out."""

    units: int
    done_before: int
    rows: int
    quarantined: int
    files: int
    failed: dict[str, str]
