"""A trade date is settled whole or not at all, and again without harm."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from batch_layer.load.rows import Loaded
from batch_layer.settle import settle
from shared.errors import StoreUnavailable
from shared.models.bar import Minute, Partial
from shared.stores.postgres import Postgres
from tests.fakes.postgres import connect, connection, database
from tests.fakes.settled_dates import SettledDates

__all__ = ["connection", "database"]
Connection = psycopg.Connection[tuple[Any, ...]]
DAY = date(2013, 10, 8)
KNOWN = datetime(2013, 10, 9, 2, tzinfo=UTC)
OPEN, MINUTE = 1_381_239_000_000, 60_000


def minute(n: int, sym: str = "SPY", volume: int = 10**6) -> Minute:
    t = OPEN + n * MINUTE
    key = f"{t:013d}{1:012d}{10**9:018d}"
    return Minute(sym, t, Partial(key, key, 10**9, 10**9, volume, volume * 10**9, 1))


MINUTES = [minute(n, sym) for sym in ("AIG", "SPY") for n in range(20)]


@pytest.fixture
def dates() -> SettledDates:
    return SettledDates()


@pytest.fixture
def postgres(database: str) -> Iterator[Postgres]:
    postgres = Postgres(database)
    yield postgres
    postgres.close()


class Cut:
    """Minutes whose connection is ended by the server while they are gone through, once."""

    def __init__(self, postgres: Postgres, database: str) -> None:
        self._postgres, self._database = postgres, database
        self.gone_through = 0

    def __iter__(self) -> Iterator[Minute]:
        self.gone_through += 1
        cut = self.gone_through == 1
        for n, one in enumerate(MINUTES):
            if cut and n == 10:
                with connect(self._database) as other:
                    ended = other.execute(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    ).fetchone()
                assert ended == (1,)
            yield one


def rows(connection: Connection) -> int:
    (found,) = connection.execute("SELECT count(*) FROM bars_1m").fetchone() or (0,)
    return int(found)


def test_its_rows_are_there_when_the_date_is_marked(connection: Connection, postgres: Postgres) -> None:
    class Looking(SettledDates):
        def settle(self, timeframe: str, day: date, *, known_at: datetime, source: str) -> bool:
            seen.append(rows(connection))
            return super().settle(timeframe, day, known_at=known_at, source=source)

    seen: list[int] = []
    dates = Looking()
    loaded = settle(postgres, dates, DAY, MINUTES, source="raw log", known_at=KNOWN)
    assert (loaded, seen) == (Loaded(rows=40, added=40), [40])
    assert dates.days("1m", DAY, DAY)[DAY].known_at == KNOWN


def test_a_repeat_is_a_no_op(connection: Connection, postgres: Postgres, dates: SettledDates) -> None:
    settle(postgres, dates, DAY, MINUTES, source="raw log", known_at=KNOWN)
    before = connection.execute("SELECT xmin, ctid, * FROM bars_1m ORDER BY sym, t").fetchall()
    again = settle(postgres, dates, DAY, MINUTES, source="raw log", known_at=KNOWN + timedelta(hours=1))
    assert again == Loaded(rows=40)
    assert connection.execute("SELECT xmin, ctid, * FROM bars_1m ORDER BY sym, t").fetchall() == before
    assert connection.execute("SELECT count(*) FROM corrections").fetchone() == (0,)
    assert dates.days("1m", DAY, DAY)[DAY].since == KNOWN


def test_what_came_late_changes_its_minute_by_the_next_run(
    connection: Connection, postgres: Postgres, dates: SettledDates
) -> None:
    settle(postgres, dates, DAY, MINUTES, source="raw log", known_at=KNOWN)
    more = [minute(3, volume=2 * 10**6), *(one for one in MINUTES if one != minute(3)), minute(21)]
    later = KNOWN + timedelta(days=1)
    assert settle(postgres, dates, DAY, more, source="raw log", known_at=later) == Loaded(rows=41, added=1, changed=1)
    found = connection.execute("SELECT old ->> 'volume', new ->> 'volume', new ->> 'revision' FROM corrections")
    assert found.fetchall() == [("1.000000", "2.000000", "1")]


def test_earlier_knowledge_does_not_come_back(connection: Connection, postgres: Postgres, dates: SettledDates) -> None:
    settle(postgres, dates, DAY, [minute(0, volume=2 * 10**6)], source="raw log", known_at=KNOWN)
    earlier = settle(postgres, dates, DAY, [minute(0)], source="raw log", known_at=KNOWN - timedelta(hours=1))
    assert (earlier.changed, earlier.outdated) == (0, 1)
    assert connection.execute("SELECT volume FROM bars_1m").fetchall() == [(2,)]
    assert dates.days("1m", DAY, DAY)[DAY].known_at == KNOWN


def test_cut_off_in_the_middle_it_goes_through_the_minutes_again(
    connection: Connection, postgres: Postgres, dates: SettledDates, database: str
) -> None:
    connection.close()
    minutes = Cut(postgres, database)
    loaded = settle(postgres, dates, DAY, minutes, source="raw log", known_at=KNOWN, sleep=lambda seconds: None)
    assert (loaded, minutes.gone_through) == (Loaded(rows=40, added=40), 2)
    with connect(database) as looking:
        assert rows(looking) == 40


def test_cut_off_with_an_iterator_nothing_is_settled(
    connection: Connection, postgres: Postgres, dates: SettledDates, database: str
) -> None:
    """Begun again, an iterator would go on with nothing, and the date would be settled without its minutes."""
    connection.close()
    minutes = iter(Cut(postgres, database))
    with pytest.raises(StoreUnavailable):
        settle(postgres, dates, DAY, minutes, source="raw log", known_at=KNOWN, sleep=lambda seconds: None)
    assert dates.days("1m", DAY, DAY) == {}
    with connect(database) as looking:
        assert rows(looking) == 0


def test_minutes_that_turn_out_to_be_damaged_settle_nothing(
    connection: Connection, postgres: Postgres, dates: SettledDates
) -> None:
    def damaged() -> Iterator[Minute]:
        yield from MINUTES
        raise OSError("the file ends early")

    with pytest.raises(OSError, match="ends early"):
        settle(postgres, dates, DAY, damaged(), source="raw log", known_at=KNOWN)
    assert rows(connection) == 0
    assert dates.days("1m", DAY, DAY) == {}


def test_a_date_without_minutes_can_be_settled(connection: Connection, postgres: Postgres, dates: SettledDates) -> None:
    assert settle(postgres, dates, DAY, [], source="raw log", known_at=KNOWN) == Loaded()
    assert list(dates.days("1m", DAY, DAY)) == [DAY]
