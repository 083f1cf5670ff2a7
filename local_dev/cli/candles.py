"""Bars to be drawn: as many as fit side by side, neighbours put together where there are more."""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple


class Candle(NamedTuple):
    """One bar or several neighbours in one. `t`: start, Unix ms. Prices in USD, volume in shares."""

    t: int
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741  (the field's name on the wire)
    c: Decimal
    v: Decimal


def candles_of(bars: Iterable[dict[str, Any]]) -> list[Candle]:
    """Bars as the API gives them, in order of time."""
    return [Candle(bar["t"], *(Decimal(bar[name]) for name in ("o", "h", "l", "c", "v"))) for bar in bars]


def merged(candles: Sequence[Candle], most: int) -> list[Candle]:
    """At most `most` candles: equally many neighbours make one, but for the last, which may be made of fewer."""
    each = math.ceil(len(candles) / most)
    return [_one(candles[first : first + each]) for first in range(0, len(candles), each)] if each > 1 else [*candles]


def _one(group: Sequence[Candle]) -> Candle:
    return Candle(
        group[0].t,
        group[0].o,
        max(candle.h for candle in group),
        min(candle.l for candle in group),
        group[-1].c,
        sum((candle.v for candle in group), Decimal()),
    )
