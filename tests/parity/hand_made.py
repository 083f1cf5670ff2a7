"""Records written out by hand in front of a generated feed, and the windows that they must give.

Every part adds another power of two shares, so a window's volume names the parts that are in it. Nothing here is the
product's: records are plain JSON, windows are named one by one.
"""

import json
from collections.abc import Iterator
from typing import Any

Windows = dict[tuple[str, str, int], set[int]]
"""(symbol, timeframe, start in Unix seconds after the first hour's) -> the powers of two that are in it."""

PACKED = ("PACK", "BESIDE")
BOUNDARIES = "EDGE"
TOO_LATE = "LATE"
NOT_A_NUMBER = "NAN"
SYMBOLS = {*PACKED, BOUNDARIES, TOO_LATE, NOT_A_NUMBER}


def records(start: int) -> list[bytes]:
    """In the order of the stream. `start`: start of an hour, Unix seconds, an hour at least before the feed's first."""
    return [json.dumps(parts).encode() for parts in _records(start)]


def _records(start: int) -> Iterator[list[dict[str, Any]]]:
    # One record, five seconds, two symbols: neither its first nor its last part's time is that of all.
    yield [
        _part(start, 1, sym, second, power)
        for sym, second, power in (
            *(("PACK", 59, 0), ("PACK", 60, 1), ("BESIDE", 60, 0), ("PACK", 299, 2), ("BESIDE", 300, 1)),
            ("PACK", 300, 3),
        )
    ]
    # The minute before a boundary and the one after it, at each timeframe's.
    edges = (59, 60, 299, 300, 899, 900, 1799, 1800, 3599, 3600)
    for power, second in enumerate(edges):
        yield [_part(start, 2 + power, BOUNDARIES, second, power)]
    # In the last second of a closed minute, of closed five minutes, and of nothing that is closed.
    yield [_part(start, 20 + late, TOO_LATE, 299, late, late=late) for late in range(3)]
    right = _part(start, 30, NOT_A_NUMBER, 10, 0)
    yield [right]
    for number, wrong in enumerate(_wrong(), 31):
        bar = {**_part(start, number, NOT_A_NUMBER, 10, number)["bar"], **wrong}
        yield [{**right, "f": f"9-0-{number}", "bar": bar}, {**right, "f": "9-0-30"}]


def _wrong() -> Iterator[dict[str, Any]]:
    nan = "NaN"
    yield from ({name: nan} for name in ("volume", "notional", "count", "high", "low", "first", "last"))
    yield {"high": nan, "low": nan}
    yield {"high": "Infinity"}
    yield {"day": {"first": KEY, "last": KEY, "high": nan, "low": "10"}}


def windows() -> Windows:
    """What must come of them."""
    first = {"5m": 0, "15m": 0, "30m": 0, "1h": 0}
    return {
        ("PACK", "1m", 0): {0},
        ("PACK", "1m", 60): {1},
        ("PACK", "1m", 240): {2},
        ("PACK", "1m", 300): {3},
        ("PACK", "5m", 0): {0, 1, 2},
        ("PACK", "5m", 300): {3},
        **{("PACK", tf, 0): {0, 1, 2, 3} for tf in ("15m", "30m", "1h")},
        ("BESIDE", "1m", 60): {0},
        ("BESIDE", "1m", 300): {1},
        ("BESIDE", "5m", 0): {0},
        ("BESIDE", "5m", 300): {1},
        **{("BESIDE", tf, 0): {0, 1} for tf in ("15m", "30m", "1h")},
        **dict(_of_boundaries()),
        (TOO_LATE, "1m", 240): {0},
        (TOO_LATE, "5m", 0): {0, 1},
        **{(TOO_LATE, tf, 0): {0, 1, 2} for tf in ("15m", "30m", "1h")},
        (NOT_A_NUMBER, "1m", 0): {0},
        **{(NOT_A_NUMBER, tf, start): {0} for tf, start in first.items()},
    }


def _of_boundaries() -> Iterator[tuple[tuple[str, str, int], set[int]]]:
    minutes = (0, 60, 240, 300, 840, 900, 1740, 1800, 3540, 3600)
    yield from (((BOUNDARIES, "1m", start), {power}) for power, start in enumerate(minutes))
    longer = {
        "5m": {0: {0, 1, 2}, 300: {3}, 600: {4}, 900: {5}, 1500: {6}, 1800: {7}, 3300: {8}, 3600: {9}},
        "15m": {0: {0, 1, 2, 3, 4}, 900: {5, 6}, 1800: {7}, 2700: {8}, 3600: {9}},
        "30m": {0: {0, 1, 2, 3, 4, 5, 6}, 1800: {7, 8}, 3600: {9}},
        "1h": {0: {0, 1, 2, 3, 4, 5, 6, 7, 8}, 3600: {9}},
    }
    for tf, starts in longer.items():
        yield from (((BOUNDARIES, tf, start), powers) for start, powers in starts.items())


KEY = f"{1:013d}{1:012d}{10 * 10**9:018d}"


def _part(start: int, frame: int, sym: str, second: int, power: int, *, late: int = 0) -> dict[str, Any]:
    t = (start + second) * 1000
    key = f"{t:013d}{frame:012d}{10 * 10**9:018d}"
    shares = str(2**power)
    bar = {"first": key, "last": key, "high": "10", "low": "10", "volume": shares, "notional": f"{shares}0", "count": 1}
    return {"v": 1, "f": f"9-0-{frame}", "sym": sym, "sec": start + second, "late": late, "bar": bar}


def powers_in(volume: int) -> set[int]:
    """Of which powers of two shares a volume (10^-6 share) is the sum."""
    shares, rest = divmod(volume, 10**6)
    assert rest == 0
    return {power for power in range(shares.bit_length()) if shares >> power & 1}
