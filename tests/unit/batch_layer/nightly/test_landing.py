"""What a fetch brought comes back as it was; the newest is what counts."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from batch_layer.fetch.minutes import VendorMinute
from batch_layer.fetch.units import Fetched, Refused
from batch_layer.lake.objects import Objects
from batch_layer.nightly.landing import BrokenLanding, Landing, Told
from shared.bars.totals import Shown
from shared.models.daily import DailyBar, Dividend, Split, Ticker
from tests.unit.shared.stores.conftest import BUCKET

DAY = date(2013, 10, 8)
AT = datetime(2013, 10, 9, 0, 15, 30, 250_000, tzinfo=UTC)
BAR = DailyBar("BRK.A", DAY, 170_000 * 10**9, 171_000 * 10**9, 169_000 * 10**9, 170_500 * 10**9, 300_500_000)
TOLD = Told(
    Fetched(
        bars=[BAR, DailyBar("X", DAY, None, None, None, None, 0, None, 0)],
        splits=[Split("AAPL", date(2014, 6, 9), Decimal(1), Decimal("0.7137"), "E1", AT)],
        dividends=[Dividend("SPY", DAY, Decimal("0.838005"), "D1", AT, paid=date(2013, 10, 31))],
        tickers=[Ticker("SPY", "SPDR S&P 500", updated=AT, details='{"a":1}')],
        refused=[Refused(b'{"T":"\xff\x00"}', "shape", "no text")],
    ),
    minutes=[VendorMinute("SPY", 1_381_239_000_000, Shown(10, 12, 9, 11, 500, None, 7))],
    compared=["SPY"],
    refused=[Refused(b"{}", "minute", "no minute")],
)


@pytest.fixture
def landing(s3: Any) -> Landing:
    return Landing(Objects(s3, BUCKET))


def test_what_was_put_comes_back_with_the_time_of_asking(landing: Landing) -> None:
    key = landing.put(DAY, AT, TOLD)
    landed = landing.newest(DAY)
    assert landed is not None
    assert (landed.key, landed.known_at) == (key, AT)
    assert landed.told == TOLD


def test_the_newest_asking_counts_and_the_others_stay(landing: Landing, s3: Any) -> None:
    later = AT.replace(day=10)
    for known_at, bars in ((later, [BAR]), (AT, [])):
        landing.put(DAY, known_at, Told(Fetched(bars=bars)))
    landed = landing.newest(DAY)
    assert landed is not None
    assert (landed.known_at, landed.told.fetched.bars) == (later, [BAR])
    assert len(s3.list_objects_v2(Bucket=BUCKET)["Contents"]) == 2
    assert landing.symbols_on(DAY) == 1
    before = landing.before(DAY)
    assert before is not None
    assert (before.known_at, before.told.fetched.bars) == (AT, [])


def test_a_date_that_nobody_asked_for_has_nothing(landing: Landing) -> None:
    landing.put(DAY, AT, TOLD)
    other = date(2013, 10, 7)
    assert landing.newest(other) is None
    assert landing.symbols_on(other) is None
    assert landing.before(DAY) is None


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"", lambda data: b"{}"])
def test_damage_is_told_not_taken_for_an_empty_day(landing: Landing, s3: Any, damage: Any) -> None:
    key = landing.put(DAY, AT, TOLD)
    data = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=key, Body=damage(data))
    with pytest.raises(BrokenLanding):
        landing.newest(DAY)
