"""The range of a session's first minutes."""

from shared.indicators.opening_range import opening_range
from shared.models.bar import Bar


def bar(t: int, high: int, low: int) -> Bar:
    return Bar(t, low, high, low, high, 1, None, 1)


def test_it_takes_bars_that_start_in_it_and_leaves_its_end_out() -> None:
    bars = [bar(99, 90, 1), bar(100, 50, 40), bar(150, 60, 45), bar(199, 55, 30), bar(200, 99, 2)]
    assert opening_range(bars, 100, 200) == (60, 30)


def test_without_a_bar_there_is_none() -> None:
    assert opening_range([bar(99, 90, 1), bar(200, 90, 1)], 100, 200) is None
