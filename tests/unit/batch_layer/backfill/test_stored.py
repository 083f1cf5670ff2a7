"""What becomes of a unit that was fetched: its rows stored, what could not be read set aside, once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from batch_layer.backfill.stored import Backfill
from batch_layer.fetch.units import Fetched, Refused, Unit
from shared.models.daily import DailyBar
from shared.stores.postgres import Postgres
from tests.fakes.postgres import database

__all__ = ["database"]

DAY, AT = date(2024, 1, 2), datetime(2024, 1, 3, tzinfo=UTC)
NANO, MICRO = 10**9, 10**6
UNIT = Unit("grouped", start=DAY, end=DAY)
BAR = DailyBar("AAPL", DAY, 10 * NANO, 12 * NANO, 9 * NANO, 11 * NANO, 500 * MICRO)
REFUSED = (Refused(b'{"T":"\xff\x00"}', "shape", "no text"), Refused(b'{"T":"B","o":-1}', "price", "below zero"))


@pytest.fixture
def postgres(database: str) -> Iterator[Postgres]:
    postgres = Postgres(database)
    yield postgres
    postgres.close()


def test_rows_are_stored_and_what_cannot_be_read_is_set_aside_with_its_bytes(postgres: Postgres) -> None:
    backfill = Backfill(postgres, "vendor", AT)
    outcome = backfill.run([UNIT], lambda unit: Fetched(bars=[BAR], refused=REFUSED))
    assert (outcome.stored, outcome.failed) == (1, [])
    assert postgres.rows("SELECT sym, day, close::text, source FROM bars_1d") == [
        ("AAPL", DAY, "11.000000000", "vendor")
    ]
    assert postgres.rows("SELECT relation, reason, row, source FROM quarantine ORDER BY reason") == [
        ("bars_1d", "price", '{"T":"B","o":-1}', "vendor"),
        ("bars_1d", "shape", '{"T":"\\xff\\0"}', "vendor"),
    ]
    assert (backfill.loaded.rows, backfill.loaded.added, backfill.loaded.quarantined) == (3, 1, 2)
    assert backfill.symbols_on(DAY) == 1
    assert backfill.symbols_on(date(2024, 1, 3)) is None


def test_a_unit_that_is_done_is_not_fetched_again_but_another_source_asks_for_its_own(postgres: Postgres) -> None:
    asked: list[str] = []

    def fetch(unit: Unit) -> Fetched:
        asked.append(unit.id)
        return Fetched(bars=[BAR])

    first = Backfill(postgres, "vendor", AT)
    first.run([UNIT], fetch)
    again = Backfill(postgres, "vendor", AT)
    assert again.run([UNIT], fetch).done_before == 1
    assert asked == [UNIT.id]
    other = Backfill(postgres, "/files", AT)
    other.run([UNIT], fetch)
    assert asked == [UNIT.id, UNIT.id]
    assert (other.loaded.added, other.loaded.changed, other.loaded.quarantined) == (0, 0, 0)
