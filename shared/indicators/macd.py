"""Moving average convergence and divergence."""

from collections.abc import Sequence

from shared.indicators.averages import ema


def macd(values: Sequence[float], fast: int, slow: int, signal: int) -> tuple[list[float], list[float]]:
    """The MACD line, EMA(fast) - EMA(slow), and its EMA(signal): equally long, empty where values are too few.

    As in TA-Lib both averages begin at value number `slow`: the fast one is seeded with the `fast` values that end
    there. `fast` must be less than `slow`.
    """
    quick, steady = ema(values[slow - fast :], fast), ema(values, slow)
    line = [a - b for a, b in zip(quick, steady, strict=False)]  # too few values for the slow one leave it empty
    averages = ema(line, signal)
    return line[len(line) - len(averages) :], averages
