"""What a file leaves in the database, and what a second look at it leaves."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from batch_layer.fetch.units import Refused
from batch_layer.imports import run
from batch_layer.imports.bars import Bar, Wrong
from batch_layer.imports.run import import_rows
from batch_layer.load.rows import load_daily
from shared.models.bar import MinuteBar
from shared.models.daily import DailyBar
from shared.stores.postgres import Postgres
from tests.fakes.postgres import database

__all__ = ["database"]

NANO, MICRO = 10**9, 10**6
DAY, AT = date(2024, 1, 2), datetime(2024, 2, 1, tzinfo=UTC)
T = int(datetime(2024, 1, 2, 14, 30, tzinfo=UTC).timestamp()) * 1000
WRONG = Wrong(7, Refused(b'{"line": 7}', "price", "high must not be below low"))


def day(number: int, close: int = 11) -> DailyBar:
    return DailyBar("A", DAY + timedelta(days=number), 10 * NANO, 12 * NANO, 9 * NANO, close * NANO, 5 * MICRO)


def minute(number: int) -> MinuteBar:
    return MinuteBar("A", T + 60_000 * number, 10 * NANO, 12 * NANO, 9 * NANO, 11 * NANO, 5 * MICRO, 10_000)


@pytest.fixture
def postgres(database: str) -> Iterator[Postgres]:
    postgres = Postgres(database)
    yield postgres
    postgres.close()


def rows(*given: Bar | Wrong) -> Iterator[Bar | Wrong]:
    return iter(given)


def test_days_are_stored_as_imported_and_a_repeat_is_a_no_op(postgres: Postgres) -> None:
    first = import_rows(postgres, "daily", rows(day(0), WRONG, day(1)), AT)
    assert (first.bars, first.loaded.added, dict(first.reasons)) == (2, 2, {"price": 1})
    assert (first.first, first.last, first.symbols) == (DAY, DAY + timedelta(days=1), {"A"})
    stored = "SELECT day, close::text, volume::text, source, known_at, revision FROM bars_1d ORDER BY day"
    before = postgres.rows(stored)
    assert before == [(DAY + timedelta(days=n), "11.000000000", "5.000000", "import", AT, 0) for n in (0, 1)]
    again = import_rows(postgres, "daily", rows(day(0), WRONG, day(1)), AT + timedelta(days=1))
    assert (again.loaded.added, again.loaded.changed, again.loaded.outdated) == (0, 0, 0)
    assert postgres.rows(stored) == before
    assert postgres.rows("SELECT relation, reason, row, source FROM quarantine") == [
        ("bars_1d", "price", '{"line": 7}', "import")
    ]


def test_an_imported_value_that_differs_is_a_correction_and_the_old_one_is_kept(postgres: Postgres) -> None:
    postgres.run(lambda c: load_daily(c, [day(0, 10)], source="vendor", known_at=AT - timedelta(days=1)))
    assert import_rows(postgres, "daily", rows(day(0)), AT).loaded.changed == 1
    assert postgres.rows("SELECT old ->> 'close', new ->> 'close', source FROM corrections") == [
        ("10.000000000", "11.000000000", "import")
    ]


def test_minutes_are_stored_without_a_partial_and_settle_nothing(postgres: Postgres) -> None:
    imported = import_rows(postgres, "minute", rows(minute(0), minute(1), WRONG), AT)
    assert (imported.bars, imported.loaded.added) == (2, 2)
    assert postgres.rows("SELECT t, open::text, vwap::text, count, partial, source FROM bars_1m ORDER BY t") == [
        (datetime(2024, 1, 2, 14, 30 + n, tzinfo=UTC), "10.000000000", "1.0000", None, None, "import") for n in (0, 1)
    ]
    assert postgres.rows("SELECT relation FROM quarantine") == [("bars_1m",)]
    assert import_rows(postgres, "minute", rows(minute(0)), AT + timedelta(days=1)).loaded.added == 0


@pytest.mark.parametrize("size", [1, 2, 3])
def test_batches_of_any_size_leave_the_same(postgres: Postgres, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(run, "BATCH_ROWS", size)
    imported = import_rows(postgres, "daily", rows(day(0), WRONG, day(1), day(2), WRONG), AT)
    assert (imported.bars, imported.loaded.added, sum(imported.reasons.values())) == (3, 3, 2)
    assert postgres.rows("SELECT count(*) FROM bars_1d") == [(3,)]


def test_what_was_stored_before_a_file_turned_out_to_be_broken_stays(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH_ROWS", 1)

    def broken() -> Iterator[Bar | Wrong]:
        yield day(0)
        raise OSError("the file ends")

    with pytest.raises(OSError, match="ends"):
        import_rows(postgres, "daily", broken(), AT)
    assert postgres.rows("SELECT count(*) FROM bars_1d") == [(1,)]
    assert import_rows(postgres, "daily", rows(day(0), day(1)), AT + timedelta(hours=1)).loaded.added == 1
