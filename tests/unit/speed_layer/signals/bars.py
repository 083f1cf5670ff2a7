"""Bars for strategies."""

from collections.abc import Sequence

from shared.models.bar import Bar
from tests.unit.speed_layer.feed import T0

MINUTE = 60_000


def bar(t: int, close: float, *, open_: float | None = None, volume: int = 100, spread: float = 0.0) -> Bar:
    """A bar from dollars and shares; it reaches `spread` beyond its open and close."""
    first = close if open_ is None else open_
    high, low = max(first, close) + spread, min(first, close) - spread
    return Bar(t, _nanos(first), _nanos(high), _nanos(low), _nanos(close), volume * 10**6, None, 1)


def _nanos(dollars: float) -> int:
    return round(dollars * 10**9)


def line(closes: Sequence[float], start: int = T0, width: int = MINUTE) -> list[Bar]:
    """Bars one after the other with these closes."""
    return [bar(start + number * width, close) for number, close in enumerate(closes)]
