"""What a day adds up to, whatever the order in which its minutes became known."""

from hypothesis import given
from hypothesis import strategies as st

from serving_layer.push.day import KEPT_MINUTES, NOTHING, Day, Sums, add
from shared.bars.sessions import new_york_sessions
from tests.unit.serving_layer.push.support import MINUTE, T0

SESSION = new_york_sessions().day_of(T0)
assert SESSION is not None
HALF_HOUR = 30 * MINUTE


def sums(t: int, trades: int = 1, rev: int = 0) -> Sums:
    """A minute of `trades` trades of 100 shares, whose key begins with its start."""
    return Sums(trades, rev, 100 * trades, 1_000 * trades, f"{t:013d}")


def known() -> Day:
    assert SESSION is not None
    day = Day(SESSION)
    day.take_stored([])
    return day


def volume(day: Day, t: int, own: Sums) -> int:
    return day.through(t, own)[0].volume


def test_a_day_adds_the_minutes_before_and_the_minute_itself_and_nothing_after() -> None:
    day = known()
    for n in range(4):
        day.take_record(T0 + n * MINUTE, sums(T0 + n * MINUTE))
    assert volume(day, T0 + 2 * MINUTE, sums(T0 + 2 * MINUTE)) == 300


def test_the_official_open_is_the_first_trade_of_the_regular_session_and_none_before() -> None:
    day = known()
    early = T0 - HALF_HOUR
    day.take_record(early, sums(early))
    assert day.through(early, sums(early))[1] is None
    day.take_record(T0 + MINUTE, sums(T0 + MINUTE))
    for t in (T0 + MINUTE, T0 + 5 * MINUTE):
        assert day.through(t, sums(t))[1] == f"{T0 + MINUTE:013d}"
    assert day.through(early, sums(early))[1] is None, "a bar of before the open that is sent again"


def test_a_minute_without_an_open_does_not_set_the_official_one() -> None:
    day = known()
    day.take_record(T0, sums(T0)._replace(first=None))
    day.take_record(T0 + MINUTE, sums(T0 + MINUTE))
    assert day.through(T0 + 2 * MINUTE, NOTHING)[1] == f"{T0 + MINUTE:013d}"


def test_what_only_trades_after_the_close_has_no_official_open() -> None:
    day = known()
    after = T0 + 7 * 60 * MINUTE
    day.take_record(after, sums(after))
    assert day.through(after, sums(after))[1] is None


def test_of_a_minute_the_record_with_most_trades_counts_then_the_one_with_most_late_parts() -> None:
    day = known()
    assert day.take_record(T0, sums(T0, 5))
    assert not day.take_record(T0, sums(T0, 5)), "the same again"
    assert not day.take_record(T0, sums(T0, 4, rev=1)), "late parts alone, before the table had the minute"
    assert day.take_record(T0, sums(T0, 5, rev=1))
    assert day.take_record(T0, sums(T0, 6, rev=1))
    assert volume(day, T0 + MINUTE, NOTHING) == 600


def test_closed_seconds_stand_for_a_minute_until_its_record_is_there() -> None:
    day = known()
    assert day.take_second(T0, sums(T0, 2)).volume == 200
    assert day.take_second(T0, sums(T0, 1)).volume == 300
    assert volume(day, T0 + MINUTE, NOTHING) == 300
    day.take_record(T0, sums(T0, 4))
    assert volume(day, T0 + MINUTE, NOTHING) == 400, "never added to it"


def test_seconds_that_come_after_the_record_of_their_minute_go_on_from_those_before() -> None:
    day = known()
    day.take_second(T0, sums(T0, 57))
    day.take_record(T0, sums(T0, 59))
    assert day.take_second(T0, sums(T0, 1)).volume == 5_800
    assert day.take_second(T0, sums(T0, 1)).volume == 5_900
    assert volume(day, T0 + MINUTE, NOTHING) == 5_900, "the minute counts once"


def test_a_late_second_counts_before_the_revised_record_comes() -> None:
    day = known()
    day.take_second(T0, sums(T0, 2))
    day.take_second(T0, sums(T0, 1))
    assert day.take_record(T0, sums(T0, 2)), "the record is new, though it holds less"
    assert volume(day, T0 + MINUTE, NOTHING) == 300


def test_a_day_is_not_known_before_the_table_was_read() -> None:
    assert SESSION is not None
    day = Day(SESSION)
    day.take_record(T0 + MINUTE, sums(T0 + MINUTE))
    assert not day.reaches(T0 + MINUTE)
    day.take_stored([(T0, sums(T0)), (T0 + MINUTE, sums(T0 + MINUTE))])
    assert day.reaches(T0)
    assert volume(day, T0 + MINUTE, sums(T0 + MINUTE)) == 200, "a minute that both have counts once"


def test_a_revision_of_a_minute_that_was_folded_away_needs_the_table_again() -> None:
    day = known()
    minutes = [(T0 + n * MINUTE, sums(T0 + n * MINUTE)) for n in range(KEPT_MINUTES + 4)]
    for t, one in minutes:
        day.take_record(t, one)
        day.fold()
    last = minutes[-1][0]
    assert volume(day, last + MINUTE, NOTHING) == 100 * len(minutes)
    assert not day.reaches(T0)
    assert day.take_record(T0, sums(T0, 2, rev=1))
    assert not day.reaches(last), "until the table has told what was folded"
    day.take_stored(minutes)
    assert volume(day, T0, sums(T0, 2)) == 200
    assert volume(day, last + MINUTE, NOTHING) == 100 * (len(minutes) + 1)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9), st.integers(0, 2)), max_size=80))
def test_however_records_come_and_are_folded_the_day_is_the_sum_of_the_best_of_each_minute(
    records: list[tuple[int, int, int]],
) -> None:
    """The table is read again where the day asks for it, and has what was there by then."""
    day = known()
    best: dict[int, Sums] = {}
    for n, trades, rev in records:
        t = T0 + n * MINUTE
        one = sums(t, trades, rev)
        if t not in best or (trades, rev) > (best[t].trades, best[t].rev):
            best[t] = one
        day.take_record(t, one)
        if not day.is_known:
            day.take_stored(list(best.items()))
        day.fold()
    end = T0 + 61 * MINUTE
    total, official = day.through(end, NOTHING)
    assert (total.trades, total.volume) == (sum(s.trades for s in best.values()), sum(s.volume for s in best.values()))
    assert official == min((s.first for s in best.values() if s.first), default=None)


@given(st.lists(st.builds(sums, st.integers(T0, T0 + 9)), max_size=5))
def test_sums_add_in_any_order(parts: list[Sums]) -> None:
    forward, backward = NOTHING, NOTHING
    for one in parts:
        forward, backward = add(forward, one), add(one, backward)
    assert forward == backward


def test_a_record_that_the_table_is_ahead_of_is_no_news_and_one_it_has_already_is() -> None:
    day = known()
    day.take_stored([(T0, sums(T0, 6, rev=1))])
    assert not day.take_record(T0, sums(T0, 5)), "what an ingester emits again after its restart"
    assert not day.is_best(T0, sums(T0, 5))
    assert day.take_record(T0, sums(T0, 6, rev=1)), "the stream brings what the table had first"
    assert not day.take_record(T0, sums(T0, 6, rev=1))
