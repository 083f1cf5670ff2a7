"""The range that the first minutes of a session traded in."""

from collections.abc import Iterable
from typing import Protocol


class HighLow(Protocol):
    """A bar as far as its range goes; `t` is its start, Unix ms."""

    @property
    def t(self) -> int: ...
    @property
    def high(self) -> int: ...
    @property
    def low(self) -> int: ...


def opening_range(bars: Iterable[HighLow], start: int, end: int) -> tuple[int, int] | None:
    """Highest high and lowest low of the bars that start in [start, end), Unix ms; None where there is none.

    Prices keep the scale they come in.
    """
    inside = [bar for bar in bars if start <= bar.t < end]
    if not inside:
        return None
    return max(bar.high for bar in inside), min(bar.low for bar in inside)
