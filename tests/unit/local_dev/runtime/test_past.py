"""Which minutes of the simulated market are loaded when."""

from datetime import UTC, datetime

from local_dev.runtime.past import REACH_MS, plan

MINUTE, HOUR = 60_000, 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


NOON = ms("2026-01-20T17:00")  # in New York
START, RECENT = ms("2025-12-21T05:00"), ms("2026-01-18T05:00")
"""New York midnights 30 and 2 days before."""


def test_a_new_state_gets_two_sessions_and_today_first_and_thirty_in_the_end() -> None:
    first, older, known = plan((), 0, NOON + 59_999, kept=False, live=True)
    assert first == known == ((RECENT, NOON),)
    assert older == ((START, RECENT),)


def test_older_sessions_that_did_not_get_there_are_loaded_the_next_time() -> None:
    first, older, known = plan(((RECENT, NOON),), NOON + HOUR, NOON + HOUR, kept=True, live=True)
    assert (first, older, known) == ((), ((START, RECENT),), ((RECENT, NOON),))


def test_nothing_is_loaded_twice() -> None:
    whole = ((START, NOON),)
    assert plan(whole, NOON + HOUR, NOON + HOUR, kept=True, live=True) == ((), (), whole)


def test_a_day_without_us_is_loaded_from_the_minute_that_nobody_closed() -> None:
    stopped, back = NOON + HOUR + 29_000, NOON + 24 * HOUR
    hole = (NOON + HOUR, back)
    assert plan(((START, NOON),), stopped, back, kept=True, live=True) == ((hole,), (), ((START, NOON), hole))


def test_a_hole_that_the_ingester_fills_is_left_to_it() -> None:
    stopped = NOON + HOUR
    assert plan(((START, NOON),), stopped, stopped + REACH_MS, kept=True, live=True).first == ()
    assert plan(((START, NOON),), stopped, stopped + REACH_MS + MINUTE, kept=True, live=True).first != ()


def test_a_feed_that_never_began_leaves_its_hole_from_where_the_history_ended() -> None:
    back = NOON + 5 * HOUR
    assert plan(((START, NOON),), 0, back, kept=True, live=True).first == ((NOON, back),)


def test_a_market_that_does_not_keep_the_hosts_time_has_no_holes() -> None:
    assert plan(((START, NOON),), NOON, NOON + 24 * HOUR, kept=True, live=False).first == ()


def test_after_an_unclean_stop_all_that_was_loaded_is_loaded_again() -> None:
    known, back = ((START, NOON), (NOON + HOUR, NOON + 9 * HOUR)), NOON + 10 * HOUR
    assert plan(known, back, back, kept=False, live=True) == (known, (), known)
