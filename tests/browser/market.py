"""A made-up market for the page's tests: every second of every symbol follows from its name and the time alone.

Minutes and windows are folded from those seconds, so what the fake platform pushes and what it answers agree exactly.
Times are Unix seconds here; prices are whole units inside (see scale), dollars on the wire.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Span:
    """Trades of a span of time, folded: units of price, shares, count."""

    o: int
    h: int
    l: int  # noqa: E741 -- the wire's own letter
    c: int
    v: int
    n: int


@lru_cache(maxsize=1 << 20)
def second(sym: str, s: int) -> Span:
    """What a second holds: waves of several lengths and a little noise, the same on every machine."""
    middle, seed = SYMBOLS[sym] * scale(sym), sum(map(ord, sym))
    noise = ((s * 2_654_435_761 + seed * 40_503) >> 7) % 997
    wave = (
        0.016 * math.sin(s / 21_000 + seed)
        + 0.009 * math.sin(s / 4_700 + 2 * seed)
        + 0.0035 * math.sin(s / 800 + 3 * seed)
        + 0.0012 * math.sin(s / 130)
        + (noise % 9 - 4) / 12_000
    )
    step, busy = max(1, round(middle / 6_000)), 1.4 + math.sin(s / 5_000) + 2 * (noise > 980)
    c = round(middle * (1 + wave))
    return Span(
        o=c - step * (noise % 3 - 1),
        h=c + step * (1 + noise % 2),
        l=c - step * (1 + noise % 3),
        c=c,
        v=round((40 + noise % 160) * busy),
        n=1 + noise % 4,
    )


def fold(spans: Iterable[Span]) -> Span | None:
    """The spans in order of time as one."""
    all_ = list(spans)
    if not all_:
        return None
    return Span(
        o=all_[0].o,
        h=max(s.h for s in all_),
        l=min(s.l for s in all_),
        c=all_[-1].c,
        v=sum(s.v for s in all_),
        n=sum(s.n for s in all_),
    )


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
