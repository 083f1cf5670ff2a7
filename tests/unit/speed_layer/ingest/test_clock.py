"""The feed clock, sentence by sentence of docs/architecture.md."""

import pytest

from shared.polygon.trades import event_of
from speed_layer.ingest.clock import AHEAD_MS, FeedClock
from tests.unit.speed_layer.feed import T0, Rig, trade

SECOND = 1_000


def _clock(now_ms: int | None = T0) -> FeedClock[str]:
    return FeedClock(now_ms)


def test_the_clock_is_the_greatest_accepted_time() -> None:
    clock = _clock()
    for t in (T0 + 5, T0 + 3, T0 + 9, T0 - 100):
        clock.accepted(t)
    assert clock.now_ms == T0 + 9


def test_without_a_clock_the_first_trade_sets_it_at_any_time_of_a_replay() -> None:
    clock = _clock(None)
    clock.start(T0, host_ms=None)
    assert clock.now_ms == T0


def test_on_a_live_feed_a_first_trade_older_than_20_minutes_does_not_set_the_clock_and_one_of_20_minutes_does() -> None:
    clock, host_ms = _clock(None), T0 + 20 * 60 * SECOND
    clock.start(T0 - 1, host_ms)
    assert clock.now_ms is None
    clock.start(T0, host_ms)
    assert clock.now_ms == T0


def test_a_started_clock_is_not_set_again() -> None:
    clock = _clock()
    clock.start(T0 - 5, None)
    assert clock.now_ms == T0


def test_an_accepted_trade_does_not_start_a_clock() -> None:
    clock = _clock(None)
    clock.accepted(T0)
    assert clock.now_ms is None
    assert clock.limit_ms < 0


def test_two_seconds_ahead_is_taken_and_a_millisecond_more_is_held() -> None:
    rig = Rig(T0)
    rig.take(trade(1, T0 + 2 * SECOND))
    assert rig.totals() == (1, 0, 0, 0)
    rig.take(trade(2, T0 + 4 * SECOND + 1))
    assert rig.totals() == (1, 0, 0, 1)
    assert rig.clock.now_ms == T0 + 2 * SECOND


def test_another_trade_2_s_before_the_held_one_releases_it_and_moves_the_clock_to_it() -> None:
    rig = Rig(T0)
    rig.take(trade(1, T0 + 10 * SECOND))
    rig.take(trade(2, T0 + 8 * SECOND))
    assert rig.totals() == (2, 0, 0, 0)
    assert rig.clock.now_ms == T0 + 10 * SECOND


def test_another_trade_more_than_2_s_before_the_held_one_leaves_it_waiting() -> None:
    rig = Rig(T0)
    rig.take(trade(1, T0 + 10 * SECOND))
    rig.take(trade(2, T0 + 8 * SECOND - 1))
    assert rig.totals() == (0, 0, 0, 2), "the second is ahead too, and neither confirms the other"


def test_the_same_trade_again_does_not_release_itself() -> None:
    rig = Rig(T0)
    rig.take(trade(1, T0 + 10 * SECOND))
    rig.take(trade(1, T0 + 10 * SECOND))
    assert rig.totals() == (0, 1, 0, 1)


def test_three_others_behind_the_limit_show_that_a_held_trade_is_wrong() -> None:
    rig = Rig(T0)
    rig.take(trade(1, T0 + 10 * SECOND))
    for n in (2, 3):
        rig.take(trade(n, T0 + n))
    assert rig.totals() == (2, 0, 0, 1)
    rig.take(trade(4, T0 + AHEAD_MS))
    assert rig.totals() == (3, 0, 1, 0)
    assert rig.intake.quarantined == {"future": 1}
    assert rig.clock.now_ms == T0 + AHEAD_MS, "a wrong time never moves the clock"


def test_duplicates_are_dropped_first_and_show_nothing() -> None:
    rig = Rig(T0)
    rig.take(trade(2, T0), trade(3, T0 + 1))
    rig.take(trade(1, T0 + 10 * SECOND))
    for _ in range(2):
        rig.take(trade(2, T0), trade(3, T0 + 1))
    assert rig.totals() == (2, 4, 0, 1)


def test_refilled_trades_show_nothing_against_what_the_stream_sends_meanwhile() -> None:
    rig = Rig(T0)
    rig.take(trade(9, T0 + 10 * SECOND))
    _refill(rig, *(trade(n, T0 + n) for n in range(1, 6)))
    assert rig.totals() == (5, 0, 0, 1)
    _refill(rig, trade(7, T0 + 8 * SECOND))
    assert rig.totals() == (7, 0, 0, 0), "but they confirm it"


def _refill(rig: Rig, *trades: dict[str, object]) -> None:

    rig.intake.take_refill([event_of(element) for element in trades])


def test_a_wrong_trade_may_come_again_with_its_right_time() -> None:
    rig = Rig(T0)
    rig.take(trade(1, T0 + 10 * SECOND), *(trade(n, T0) for n in (2, 3, 4)))
    rig.take(trade(1, T0 + 5))
    assert rig.totals() == (4, 0, 1, 0)


def test_at_the_end_of_the_feed_held_trades_are_accepted_in_order_of_time() -> None:
    rig = Rig(T0)
    rig.take(trade(1, T0 + 20 * SECOND), trade(2, T0 + 10 * SECOND))
    rig.intake.end()
    assert rig.totals() == (2, 0, 0, 0)
    assert rig.clock.now_ms == T0 + 20 * SECOND
    assert [t for _, t, _ in rig.trades()] == [T0 + 10 * SECOND, T0 + 20 * SECOND]


@pytest.mark.fault("F13", "F20")
def test_on_a_live_feed_what_is_2_s_past_the_hosts_time_is_always_refused() -> None:
    rig = Rig()
    rig.take(trade(1, T0 + 2 * SECOND + 1), host_ms=T0)
    assert rig.totals() == (0, 0, 1, 0), "not even as the first trade"
    rig.take(trade(2, T0 + 2 * SECOND), host_ms=T0)
    assert rig.totals() == (1, 0, 1, 0)
    rig.take(trade(3, T0 + 2 * SECOND + 1), trade(4, T0 + 2 * SECOND + 1), host_ms=T0)
    assert rig.totals() == (1, 0, 3, 0), "nor confirmed by another of the kind"


@pytest.mark.fault("F20")
def test_small_steps_do_not_lead_a_live_clock_past_the_hosts_time() -> None:
    rig = Rig(T0)
    rig.take(*(trade(n, T0 + n * 900) for n in range(10)), host_ms=T0)
    assert rig.clock.now_ms == T0 + 1_800
    assert rig.totals() == (3, 0, 7, 0)


def test_silence_moves_the_clock_one_second_behind() -> None:
    clock = _clock()
    for _ in range(8):
        clock.silence(250)
    assert clock.now_ms == T0 + 1_000


def test_silence_counts_in_steps_of_at_most_250_ms() -> None:
    clock = _clock()
    clock.silence(60_000)
    for _ in range(4):
        clock.silence(250)
    assert clock.now_ms == T0 + 250


def test_silence_does_not_start_a_clock_and_never_turns_it_back() -> None:
    clock = _clock(None)
    clock.silence(250)
    assert clock.now_ms is None
    clock = _clock()
    clock.silence(250)
    assert clock.now_ms == T0


def test_a_trade_after_silence_counts_from_itself() -> None:
    clock = _clock()
    for _ in range(8):
        clock.silence(250)
    clock.accepted(T0 + 5_000)
    clock.silence(250)
    assert clock.now_ms == T0 + 5_000
    for _ in range(7):
        clock.silence(250)
    assert clock.now_ms == T0 + 6_000
