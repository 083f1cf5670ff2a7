"""Days settle in random order while they are read: every read is whole, each minute in it once.

The batch rows hold one share more than the speed rows, a part that came after, so that a minute tells its view: a date
is read from one view only, and from its batch rows for good once it was seen there.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any

import pytest

from batch_layer.load.rows import Loaded
from batch_layer.settle import settle
from shared.bars.algebra import merge_all
from shared.bars.sessions import new_york_sessions
from shared.bars.windows import new_york_date
from shared.models.bar import Minute, Partial
from shared.stores.bars import LatePart
from shared.stores.history import BatchView, History
from shared.stores.minutes import MinuteStore
from shared.stores.postgres import Postgres
from shared.stores.settled_spans import SettledSpans
from tests.fakes.bar_rows import BarRows
from tests.fakes.postgres import database
from tests.fakes.settled_dates import SettledDates

__all__ = ["database"]
SEED = 20131008
NOW_S, MINUTE = 1_382_000_000, 60_000
KNOWN = datetime(2013, 10, 20, tzinfo=UTC)
SYMBOLS = ("AIG", "SPY")
SESSIONS = [
    session
    for n in range(16)
    if (session := new_york_sessions().day(date(2013, 10, 1) + timedelta(days=n))) is not None
]
PER_DAY = 15
SPEED, BATCH = "speed", "batch"
Views = Mapping[date, str]


def part(t: int, shares: int) -> Partial:
    key = f"{t:013d}{shares:012d}{10**9:018d}"
    return Partial(key, key, 10**9, 10**9, shares * 10**6, shares * 10**15, 1)


def times(day_start: int) -> list[int]:
    return [day_start + n * 25 * MINUTE for n in range(PER_DAY)]


TIMES = [t for session in SESSIONS for t in times(session.regular_open)]


def streamed() -> tuple[BarRows, dict[int, Partial]]:
    """Speed rows, some of them with a late part; the newest minute is forming, and stored nowhere."""
    rows = BarRows()
    for sym in SYMBOLS:
        for n, t in enumerate(TIMES[:-1]):
            rows.put_base(sym, t, part(t, 5), NOW_S)
            if n % 3 == 0:
                rows.put_late(sym, t, "1-0-1#5", LatePart(1, part(t + 7, 2)), NOW_S)
    return rows, {TIMES[-1]: part(TIMES[-1], 5)}


def expected(t: int, view: str) -> Partial:
    """What a view shows of a minute."""
    late = [part(t + 7, 2)] if TIMES.index(t) % 3 == 0 and t != TIMES[-1] else []
    later = [part(t + 9, 1)] if view == BATCH else []
    return merge_all([part(t, 5), *late, *later])


def minutes_of(day: date) -> list[Minute]:
    return [Minute(sym, t, expected(t, BATCH)) for sym in SYMBOLS for t in TIMES if new_york_date(t) == day]


class Forming:
    def __init__(self, minutes: Mapping[int, Partial]) -> None:
        self._minutes = minutes

    def unstored_minutes(self, sym: str, start: int, end: int) -> dict[int, Partial]:
        return {t: partial for t, partial in self._minutes.items() if start <= t < end}


class Reader:
    """A process of the API: reads everything, and finds out what is wrong with it. Its snapshots are made anew for each
    read, or kept for as long as they may be."""

    def __init__(self, database: str, dates: SettledDates, speed: BarRows, forming: Forming, clock: Any) -> None:
        self.postgres = Postgres(database)
        spans = SettledSpans(dates, new_york_sessions(), clock)
        self._history = History(speed, forming, BatchView(MinuteStore(self.postgres), spans))
        self._last: dict[date, str] = {}
        self.reads = 0
        self.mixed = 0

    def read(self, sym: str, *, reverse: bool) -> Views:
        """Which view each date came from. Raises AssertionError for a hole, a double, or a step back."""
        found = list(self._history.minutes(sym, TIMES[0], TIMES[-1] + MINUTE, NOW_S, reverse=reverse))
        assert [t for t, _ in found] == (TIMES[::-1] if reverse else TIMES)
        views = {}
        for day, rows in groupby(found, lambda minute: new_york_date(minute[0])):
            of_day = list(rows)
            fits = [view for view in (SPEED, BATCH) if all(p == expected(t, view) for t, p in of_day)]
            assert len(fits) == 1, (day, of_day)
            views[day] = fits[0]
        assert all(views[day] == BATCH for day, view in self._last.items() if view == BATCH), (
            "a date is unsettled again"
        )
        self._last = views
        self.reads += 1
        self.mixed += len(set(views.values())) == 2
        return views


@contextmanager
def reading(readers: list[Reader]) -> Iterator[list[BaseException]]:
    """Readers in threads of their own until the block ends; what went wrong with them."""
    wrong: list[BaseException] = []
    over = threading.Event()

    def go_on(reader: Reader, draw: Random) -> None:
        try:
            while not over.is_set():
                reader.read(draw.choice(SYMBOLS), reverse=draw.random() < 0.5)
        except BaseException as error:  # noqa: BLE001  (handed to the test)
            wrong.append(error)

    threads = [threading.Thread(target=go_on, args=(reader, Random(SEED + n))) for n, reader in enumerate(readers)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def make_reader(database: str) -> Iterator[Callable[[SettledDates, Any], Reader]]:
    speed, forming = streamed()
    with ExitStack() as open_ones:

        def make(dates: SettledDates, clock: Any) -> Reader:
            reader = Reader(database, dates, speed, Forming(forming), clock)
            open_ones.callback(reader.postgres.close)
            return reader

        yield make


def always_new() -> Callable[[], float]:
    """A clock on which every snapshot is too old."""
    ticks = iter(range(10**9))
    return lambda: float(next(ticks))


def test_days_settle_in_random_order_under_readers_without_a_hole_or_a_double(
    database: str, make_reader: Callable[[SettledDates, Any], Reader]
) -> None:
    dates, draw = SettledDates(), Random(SEED)
    readers = [make_reader(dates, always_new()) for _ in range(2)] + [make_reader(dates, lambda: 0.0)]
    for reader in readers:
        assert set(reader.read("SPY", reverse=False).values()) == {SPEED}
    days = [session.date for session in SESSIONS]
    draw.shuffle(days)
    writer = Postgres(database)
    with reading(readers) as wrong:
        for n, day in enumerate(days):
            done = settle(writer, dates, day, minutes_of(day), source="raw log", known_at=KNOWN + timedelta(hours=n))
            assert done == Loaded(rows=2 * PER_DAY, added=2 * PER_DAY)
            again = draw.choice(days[: n + 1])
            repeat = settle(
                writer, dates, again, minutes_of(again), source="raw log", known_at=KNOWN + timedelta(days=1, hours=n)
            )
            assert repeat == Loaded(rows=2 * PER_DAY), "to run a date again is a no-op"
    writer.close()
    assert wrong == []
    assert sum(reader.mixed for reader in readers[:2]) > 0, "no read met both views: nothing was tried"
    assert set(readers[0].read("SPY", reverse=True).values()) == {BATCH}
    assert set(readers[2].read("SPY", reverse=True).values()) == {SPEED}, "an old snapshot is whole too"


def test_a_date_marked_before_its_rows_are_there_is_a_hole_that_readers_find(
    make_reader: Callable[[SettledDates, Any], Reader],
) -> None:
    """What the order of settling guards against: without it the readers above turn red."""
    dates = SettledDates()
    reader = make_reader(dates, always_new())
    dates.settle("1m", SESSIONS[4].date, known_at=KNOWN, source="raw log")
    with pytest.raises(AssertionError):
        reader.read("SPY", reverse=False)
