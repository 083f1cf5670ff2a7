"""Which units go where."""

from datetime import UTC, date, datetime

import pytest

from batch_layer.fetch.days import Completeness
from batch_layer.fetch.fetcher import Fetcher, FlatSource
from batch_layer.fetch.units import Fetched, Unit
from shared.errors import PermanentError
from shared.models.daily import DailyBar
from tests.unit.batch_layer.fetch.support import SESSIONS, client, complete

DAY = date(2020, 1, 3)
UNIT = Unit("flat", start=DAY, end=DAY)


class Shelf:
    """Flat files that hold one bar of any day."""

    def fetch(self, unit: Unit, complete: Completeness) -> Fetched:
        assert unit.start is not None
        complete.check(unit.start, 1)
        return Fetched(bars=[DailyBar("A", unit.start, 1, 1, 1, 1, 1)])


def fetcher(flat: FlatSource | None) -> Fetcher:
    return Fetcher(client("http://127.0.0.1:1"), SESSIONS, complete(), datetime(2020, 1, 4, tzinfo=UTC), flat)


def test_flat_units_are_read_from_the_flat_files_and_not_over_rest() -> None:
    assert [bar.day for bar in fetcher(Shelf())(UNIT).bars] == [DAY]


def test_flat_units_without_a_key_for_them_end_the_run() -> None:
    with pytest.raises(PermanentError, match="own access key"):
        fetcher(None)(UNIT)
