"""Averages of a sequence, oldest value first."""

from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean of at least one value, summed from the oldest on."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def ema(values: Sequence[float], period: int) -> list[float]:
    """Exponential moving average: its first value is the mean of the first `period` values, then k = 2 / (period + 1).

    One result for each value from number `period` on; none when there are fewer.
    """
    if len(values) < period:
        return []
    k = 2.0 / (period + 1)
    average = first = mean(values[:period])
    return [first, *[average := (value - average) * k + average for value in values[period:]]]
