"""A date is rebuilt only from a raw log that its heartbeats vouch for: in every shard, from after the session."""

from datetime import date, datetime
from typing import Any

import pytest

from batch_layer.lake.objects import Objects
from batch_layer.nightly.whole import LogNotWhole, check_whole
from shared.bars.sessions import SessionDay, new_york_sessions
from shared.bars.windows import NEW_YORK
from shared.frames import VERSION, Part, encode
from shared.stores.lake import Lake, Lines, raw_hour
from tests.unit.shared.stores.conftest import BUCKET

DAY = date(2013, 10, 8)


def at(hour: int, minute: int = 0, day: int = 8) -> int:
    """Unix second of a New York time in October 2013."""
    return int(datetime(2013, 10, day, hour, minute, tzinfo=NEW_YORK).timestamp())


@pytest.fixture
def session() -> SessionDay:
    session = new_york_sessions().day(DAY)
    assert session is not None
    return session


class Log:
    """A raw log that grows object by object."""

    def __init__(self, s3: Any) -> None:
        self.lake, self.objects = Lake(s3, BUCKET), Objects(s3, BUCKET)
        self._next = 0

    def add(self, shard: str, *parts: Part) -> None:
        self._next += 1
        lines = [Lines(*raw_hour(part.sec), [encode(part)]) for part in parts]
        self.lake.put_raw(shard, f"{self._next:056d}", lines)


def trade(sec: int) -> Part:
    return Part(VERSION, "1-0-1", "SPY", sec)


def heartbeat(sec: int) -> Part:
    return Part(VERSION, "1-0-2", "", sec)


@pytest.fixture
def log(s3: Any) -> Log:
    return Log(s3)


def is_whole(log: Log, session: SessionDay) -> bool:
    try:
        check_whole(log.lake, log.objects, session)
    except LogNotWhole:
        return False
    return True


def test_each_shard_must_have_promised_the_end_of_the_session(log: Log, session: SessionDay) -> None:
    log.add("a", trade(at(10)), heartbeat(at(19, 59)))
    log.add("b", trade(at(11)))
    assert not is_whole(log, session)
    log.add("a", heartbeat(at(20)))
    assert not is_whole(log, session)
    log.add("b", heartbeat(at(20)))
    assert is_whole(log, session)


def test_a_trade_after_the_session_vouches_for_nothing(log: Log, session: SessionDay) -> None:
    log.add("a", trade(at(10)))
    log.add("a", trade(at(20, 1)))
    assert not is_whole(log, session)


@pytest.mark.parametrize("day", [9, 14, 31])
def test_a_replay_whose_clock_leaps_over_the_night_vouches_on_a_later_date(
    log: Log, session: SessionDay, day: int
) -> None:
    log.add("a", trade(at(10)), heartbeat(at(19, 58)))
    assert not is_whole(log, session)
    log.add("a", trade(at(4, 1, day)), heartbeat(at(4, 0, day)))
    assert is_whole(log, session)


def test_of_a_replay_in_one_batch_the_last_promise_vouches_for_all_dates(log: Log, session: SessionDay) -> None:
    parts = [trade(at(10, day=day)) for day in (8, 9, 10, 11, 14, 15, 16, 17)]
    log.add("a", *parts)
    assert not is_whole(log, session)
    log.add("a", heartbeat(at(0, day=18)))
    assert is_whole(log, session)


def test_a_shard_that_had_nothing_on_that_date_is_not_waited_for(log: Log, session: SessionDay) -> None:
    log.add("a", trade(at(10)), heartbeat(at(20)))
    log.add("b", trade(at(10, 0, 9)))
    assert is_whole(log, session)


def test_a_date_of_which_nothing_was_streamed_is_whole(log: Log, session: SessionDay) -> None:
    assert is_whole(log, session)
