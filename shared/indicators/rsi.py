"""Relative strength index after Wilder."""

from collections.abc import Sequence

_NOTHING = 1e-14
"""TA-Lib takes a smaller sum of average gain and loss for no movement at all."""


def rsi(values: Sequence[float], period: int) -> list[float]:
    """0 to 100: the share of gains in all movement, smoothed with 1 / period from the mean of the first `period` steps.

    One result for each value after the first `period`; none when there are fewer. 0 where nothing has moved, as TA-Lib
    says.
    """
    if len(values) <= period:
        return []
    gain = loss = 0.0
    previous = values[0]
    for value in values[1 : period + 1]:
        step = value - previous
        previous = value
        if step < 0:
            loss -= step
        else:
            gain += step
    share = 1.0 / period
    gain *= share
    loss *= share
    indices = [_index(gain, loss)]
    for value in values[period + 1 :]:
        step = value - previous
        previous = value
        gain *= period - 1
        loss *= period - 1
        if step < 0:
            loss -= step
        else:
            gain += step
        gain *= share
        loss *= share
        indices.append(_index(gain, loss))
    return indices


def _index(gain: float, loss: float) -> float:
    movement = gain + loss
    return 0.0 if movement < _NOTHING else 100 * (gain / movement)
