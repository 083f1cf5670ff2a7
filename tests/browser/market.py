"""A made-up market for the page's tests: every second of every symbol follows from its name and the time alone.

Minutes and windows are folded from those seconds, so what the fake platform pushes and what it answers agree exactly.
Times are Unix seconds here; prices are whole units inside (see scale), dollars on the wire.
"""

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

SYMBOLS = {
    "ALFA": 182.4,
    "BRVO": 47.15,
    "CHRL": 1_204.0,
    "DLTA": 12.6,
    "ECHO": 318.7,
    "FXTR.B": 96.3,
    "GOLF": 0.84,
    "HTEL": 68.0,
}
SILENT = "ZULU"
"""A symbol that is listed and has never traded."""


class Span(NamedTuple):
    """Trades of a span of time, folded: units of price, shares, count."""

    o: int
    h: int
    l: int  # noqa: E741 -- the wire's own letter
    c: int
    v: int
    n: int


@lru_cache(maxsize=1 << 16)
def _minute(sym: str, minute: int) -> tuple[float, float]:
    """The price in the middle of a minute without its noise, and how busy the minute is: waves of several lengths."""
    seed = sum(map(ord, sym))
    wave = (
        0.016 * math.sin(minute / 350 + seed)
        + 0.009 * math.sin(minute / 78 + 2 * seed)
        + 0.0035 * math.sin(minute / 13 + 3 * seed)
        + 0.0012 * math.sin(minute / 2.2)
    )
    return SYMBOLS[sym] * scale(sym) * (1 + wave), 1.4 + math.sin(minute / 83)


def second(sym: str, s: int) -> Span:
    """What a second holds: the same on every machine."""
    middle, busy = _minute(sym, s // 60)
    noise = ((s * 2_654_435_761 + len(sym) * 40_503) >> 7) % 997
    step = max(1, round(middle / 6_000))
    c = round(middle * (1 + (noise % 9 - 4) / 12_000))
    return Span(
        c - step * (noise % 3 - 1),
        c + step * (1 + noise % 2),
        c - step * (1 + noise % 3),
        c,
        round((40 + noise % 160) * (busy + 2 * (noise > 980))),
        1 + noise % 4,
    )


def fold(spans: Iterable[Span]) -> Span | None:
    """The spans in order of time as one."""
    columns = list(zip(*spans, strict=True))
    if not columns:
        return None
    o, h, low, c, v, n = columns
    return Span(o[0], max(h), min(low), c[-1], sum(v), sum(n))


@lru_cache(maxsize=1 << 16)
def _whole_minute(sym: str, start: int) -> Span:
    whole = fold(second(sym, s) for s in range(start, start + 60))
    assert whole is not None
    return whole


def minutes(sym: str, start: int, end: int) -> Iterator[tuple[int, Span]]:
    """(start, minute) of [start, end); the last one holds the seconds before `end` only."""
    if sym not in SYMBOLS:
        return
    for minute in range(start - start % 60, end, 60):
        part = _whole_minute(sym, minute) if minute + 60 <= end else fold(second(sym, s) for s in range(minute, end))
        if part is not None:
            yield minute, part


def scale(sym: str) -> int:
    """Units in a dollar: cents, and below a dollar hundredths of them."""
    return 100 if SYMBOLS[sym] >= 1 else 10_000


def fields(sym: str, span: Span) -> dict[str, Any]:
    """The fields that bars have on every wire."""
    return {name: getattr(span, name) / scale(sym) for name in "ohlc"} | {"v": span.v}
