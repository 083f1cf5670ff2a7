"""Which trade date a schedule's own time is about, and when nothing more is expected of one."""

from datetime import UTC, date, datetime

import pytest

from batch_layer.nightly.trade_date import asked_for
from shared.bars.sessions import SIMULATED, XNYS, sessions_named
from shared.errors import InvalidRecord

NEW_YORK = sessions_named(XNYS)


@pytest.mark.parametrize(
    ("asked", "day"),
    [
        ({"day": "2013-10-08"}, date(2013, 10, 8)),
        ({"at": "2026-11-28T01:15:00Z"}, date(2026, 11, 27)),  # 20:15 in New York, in winter the next day in UTC
        ({"at": "2026-07-01T00:15:00Z"}, date(2026, 6, 30)),  # in summer as well
        ({"at": "2026-11-30T13:00:00Z", "back": 1}, date(2026, 11, 27)),  # a Monday: the Friday before
        ({"at": "2026-11-27T13:00:00Z", "back": 1}, date(2026, 11, 25)),  # the day before was Thanksgiving
    ],
)
def test_a_run_is_about_a_given_date_or_that_of_its_schedule(asked: dict[str, object], day: date) -> None:
    assert asked_for(asked, NEW_YORK) == day


@pytest.mark.parametrize(
    "asked", [{}, {"day": "8 October"}, {"day": 20131008}, {"at": "soon"}, {"at": "1990-01-01", "back": 9}]
)
def test_anything_else_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(InvalidRecord) as refused:
        asked_for(asked, NEW_YORK)
    assert refused.value.reason == "input"


@pytest.mark.parametrize(
    ("day", "over"),
    [
        (date(2013, 10, 8), datetime(2013, 10, 9, 0, 0, tzinfo=UTC)),  # 20:00 in summer
        (date(2013, 12, 2), datetime(2013, 12, 3, 1, 0, tzinfo=UTC)),  # 20:00 in winter
        (date(2026, 11, 27), datetime(2026, 11, 27, 22, 0, tzinfo=UTC)),  # a half day: 17:00
    ],
)
def test_a_session_is_over_four_hours_after_its_close(day: date, over: datetime) -> None:
    session = NEW_YORK.day(day)
    assert session is not None
    assert session.extended_close == int(over.timestamp() * 1000)


def test_a_market_that_never_closes_is_over_at_midnight() -> None:
    session = sessions_named(SIMULATED).day(date(2026, 11, 27))
    assert session is not None
    assert session.extended_close == session.end
