"""The steps that need Parquet or much memory: a container's on AWS, a process of its own anywhere."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from itertools import chain

from batch_layer.lake.daily import DailyLake
from batch_layer.lake.minutes import MinuteLake
from batch_layer.lake.objects import Objects
from batch_layer.lake.reference import ReferenceLake
from batch_layer.load.multi_session import keep_up
from batch_layer.nightly.landing import SOURCE, Landed, Landing
from batch_layer.nightly.settings import JobSettings
from batch_layer.rebuild.minutes import rebuild_minutes
from batch_layer.rebuild.multi_session import MultiSession
from batch_layer.reconcile.beside import Vendor
from batch_layer.reconcile.report import Report
from batch_layer.reconcile.run import reconcile, write_report
from shared.bars.sessions import SessionTable, sessions_named
from shared.bars.windows import new_york_midnight_ms
from shared.clients.aws import client
from shared.metrics import DIFFERENCES, measured
from shared.models.bar import Minute
from shared.settings import read
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.gaps import gaps_of
from shared.stores.lake import Lake
from shared.stores.postgres import Postgres, PostgresSettings
from shared.stores.settled import RAW_LOG

S3_TIMEOUT_S = 60.0
_OPEN_END = 1 << 62


@dataclass(frozen=True)
class Jobs:
    """Each returns a line for people."""

    lake: Lake
    bars: BarStore
    control: ControlStore
    landing: Landing
    daily: DailyLake
    reference: ReferenceLake
    minutes: MinuteLake
    write_report: Callable[[Report], None]
    postgres: Postgres
    sessions: SessionTable

    def land(self, day: date) -> str:
        """What was fetched last, as Parquet. Raises BrokenLanding and what DailyLake.write raises."""
        landed = self.landing.newest(day)
        if landed is None:
            return "nothing was fetched"
        _, known_at, told = landed
        fetched = told.fetched
        written = [
            self.daily.write(day, fetched.bars, source=SOURCE, known_at=known_at),
            self.reference.write_splits(day, fetched.splits, source=SOURCE, known_at=known_at),
            self.reference.write_dividends(day, fetched.dividends, source=SOURCE, known_at=known_at),
        ]
        if fetched.tickers:  # not asked for each night
            written.append(self.reference.write_tickers(day, fetched.tickers, source=SOURCE, known_at=known_at))
        rows = ", ".join(str(one.manifest.rows) for one in written)
        return f"{rows} daily bars, splits, dividends, listings; {sum(one.changed for one in written)} files are new"

    def rebuild(self, day: date) -> str:
        """Raises StoreUnavailable, BrokenFile, WrittenByAnother."""
        minutes = list(rebuild_minutes(self.lake, day, self.sessions))
        if not minutes:
            return "nothing was streamed"
        written = self.minutes.write(day, minutes, source=RAW_LOG, known_at=_now())
        return f"{written.manifest.rows} minutes, {'written' if written.changed else 'there already'}"

    def multi_session(self, day: date) -> str:
        """Bars of all groups of sessions that hold a date whose daily bars are new or corrected, whichever date that
        is. Raises StoreUnavailable."""
        loaded = keep_up(self.postgres, MultiSession(self.sessions), now=_now)
        return f"{loaded.rows} bars made, {loaded.added} new or grown, {loaded.changed} corrected"

    def reconcile(self, day: date) -> str:
        """Speed view and vendor against the rebuilt minutes; the report goes to the lake. Raises StoreUnavailable,
        BrokenFile, BrokenLanding, PermanentError for a date that is no trade date."""
        streamed = self.control.symbols()
        report = reconcile(
            day,
            self.lake,
            self.sessions,
            rebuilt=self.minutes.minutes(day) or (),
            speed=self._speed(day, streamed),
            vendor=_vendor(self.landing.newest(day), streamed),
            before=_vendor(self.landing.before(day), streamed),
            known_at=_now(),
            gaps=[(gap.start, gap.end or _OPEN_END) for gap in gaps_of(self.control.epochs())],
        )
        self.write_report(report)
        measured("reconcile", {DIFFERENCES: report.unaccounted})
        return "; ".join(f"{one.between}: {one.equal} of {one.bars} equal" for one in report.comparisons)

    def _speed(self, day: date, streamed: Iterable[str]) -> Iterator[Minute] | None:
        """By symbol and time; None where the speed view has nothing, or nothing any more."""
        start, end = (new_york_midnight_ms(of) for of in (day, day + timedelta(days=1)))
        rows = (
            Minute(sym, item.t, item.shown)
            for sym in sorted(streamed)
            for item in self.bars.minutes(sym, start, end, int(_now().timestamp()))
        )
        first = next(rows, None)
        return None if first is None else chain([first], rows)


def _vendor(landed: Landed | None, streamed: Collection[str]) -> Vendor | None:
    """What the vendor told of symbols that we stream."""
    if landed is None:
        return None
    told = landed.told
    minutes_of = frozenset(told.compared).intersection(streamed)
    return Vendor(SOURCE, told.minutes, told.fetched.bars, minutes_of=minutes_of, days_of=frozenset(streamed))


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


@lru_cache(maxsize=1)
def wire() -> Jobs:
    """Once a process. Raises PermanentError naming a setting that is missing."""
    chosen = read(JobSettings)
    s3, dynamodb = client("s3", S3_TIMEOUT_S), client("dynamodb")
    return Jobs(
        lake=Lake(s3, chosen.lake_bucket),
        bars=BarStore(dynamodb, chosen.bars_table),
        control=ControlStore(dynamodb, chosen.control_table),
        landing=Landing(Objects(s3, chosen.lake_bucket)),
        daily=DailyLake(s3, chosen.lake_bucket, chosen.code_version),
        reference=ReferenceLake(s3, chosen.lake_bucket, chosen.code_version),
        minutes=MinuteLake(s3, chosen.lake_bucket, chosen.code_version),
        write_report=partial(write_report, s3, chosen.lake_bucket),
        postgres=Postgres(read(PostgresSettings)),
        sessions=sessions_named(chosen.sessions),
    )
