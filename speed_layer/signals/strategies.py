"""Strategies: pure functions of the last W closed bars of a symbol, W fixed by parameters and timeframe.

Each is data with defaults: what differs between two of a kind is parameters, which are part of a signal's id. Averages
are seeded at the start of the W bars, so what came before them never matters.
"""

from collections.abc import Sequence
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from shared.bars.scale import PRICE_SCALE
from shared.bars.sessions import SessionTable
from shared.bars.windows import MINUTE_MS, STREAM_TIMEFRAMES
from shared.indicators.averages import ema, mean
from shared.indicators.macd import macd
from shared.indicators.opening_range import opening_range
from shared.indicators.rsi import rsi
from shared.models.bar import Bar, Timeframe
from shared.models.signal import Side

Period = Annotated[int, Meta(ge=2, le=250)]
Bars = Sequence[Bar]


class Strategy(Protocol):
    """What judges a bar."""

    def fits(self, tf: Timeframe) -> bool:
        """Whether bars of this timeframe can be judged at all."""

    def window(self, tf: Timeframe) -> int:
        """W: how many bars it looks at, the judged one included."""

    def side(self, bars: Bars, sessions: SessionTable) -> Side | None:
        """What it says of the last of exactly W bars; None for nothing."""


class _Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters, checked when they are made: ValueError where they do not fit one another."""

    def fits(self, tf: Timeframe) -> bool:
        """Whether bars of this timeframe can be judged at all."""
        return True


class Channel(_Params, frozen=True, forbid_unknown_fields=True):
    """The fast EMA crosses out of the channel between two slow ones (Vegas channel): up buys, down sells."""

    fast: Period = 12
    near: Period = 144
    far: Period = 169

    def __post_init__(self) -> None:
        _increasing(fast=self.fast, near=self.near, far=self.far)

    def window(self, tf: Timeframe) -> int:
        return 2 * self.far

    def side(self, bars: Bars, sessions: SessionTable) -> Side | None:
        values = closes(bars)
        averages = [ema(values, period)[-2:] for period in (self.fast, self.near, self.far)]
        (quick_before, quick), *slow = averages
        before, now = [pair[0] for pair in slow], [pair[1] for pair in slow]
        if quick_before <= max(before) and quick > max(now):
            return "buy"
        return "sell" if quick_before >= min(before) and quick < min(now) else None


class RsiReversal(_Params, frozen=True, forbid_unknown_fields=True):
    """RSI comes back: over `low` from below buys, under `high` from above sells."""

    period: Period = 14
    low: Annotated[int, Meta(gt=0, lt=100)] = 30
    high: Annotated[int, Meta(gt=0, lt=100)] = 70

    def __post_init__(self) -> None:
        _increasing(low=self.low, high=self.high)

    def window(self, tf: Timeframe) -> int:
        return 10 * self.period

    def side(self, bars: Bars, sessions: SessionTable) -> Side | None:
        before, now = rsi(closes(bars), self.period)[-2:]
        if before < self.low <= now:
            return "buy"
        return "sell" if before > self.high >= now else None


class MacdCross(_Params, frozen=True, forbid_unknown_fields=True):
    """The MACD line crosses its signal line: up buys, down sells."""

    fast: Period = 12
    slow: Period = 26
    signal: Period = 9

    def __post_init__(self) -> None:
        _increasing(fast=self.fast, slow=self.slow)

    def window(self, tf: Timeframe) -> int:
        return 5 * (self.slow + self.signal)

    def side(self, bars: Bars, sessions: SessionTable) -> Side | None:
        line, average = macd(closes(bars), self.fast, self.slow, self.signal)
        before, now = line[-2] - average[-2], line[-1] - average[-1]
        if before <= 0 < now:
            return "buy"
        return "sell" if before >= 0 > now else None


class OpeningRangeBreakout(_Params, frozen=True, forbid_unknown_fields=True):
    """The first close above the range of the session's first minutes buys, the first one below it sells.

    Only within `session_minutes` of the regular open, which is what the W bars cover.
    """

    range_minutes: Annotated[int, Meta(ge=1, le=120)] = 30
    session_minutes: Annotated[int, Meta(ge=2, le=1440)] = 390

    def __post_init__(self) -> None:
        _increasing(range_minutes=self.range_minutes, session_minutes=self.session_minutes)

    def fits(self, tf: Timeframe) -> bool:
        return self.range_minutes * 60 % STREAM_TIMEFRAMES[tf] == 0  # else a bar is half in the range

    def window(self, tf: Timeframe) -> int:
        return -(-self.session_minutes * 60 // STREAM_TIMEFRAMES[tf])

    def side(self, bars: Bars, sessions: SessionTable) -> Side | None:
        judged, day = bars[-1], sessions.day_of(bars[-1].t)
        if day is None or not day.is_regular(judged.t):
            return None
        end = day.regular_open + self.range_minutes * MINUTE_MS
        if not end <= judged.t < day.regular_open + self.session_minutes * MINUTE_MS:
            return None
        extent = opening_range(bars, day.regular_open, end)
        if extent is None:
            return None
        high, low = extent
        earlier = [bar.close for bar in bars[:-1] if bar.t >= end]
        if judged.close > high and all(close <= high for close in earlier):
            return "buy"
        return "sell" if judged.close < low and all(close >= low for close in earlier) else None


class VolumeSpike(_Params, frozen=True, forbid_unknown_fields=True):
    """At least `factor` times the mean volume of the `bars` before: a rising bar buys, a falling one sells."""

    bars: Period = 20
    factor: Annotated[float, Meta(gt=1, le=1000)] = 5.0

    def window(self, tf: Timeframe) -> int:
        return self.bars + 1

    def side(self, bars: Bars, sessions: SessionTable) -> Side | None:
        *before, judged = bars
        usual = mean([bar.volume for bar in before])
        if not usual or judged.volume < self.factor * usual or judged.close == judged.open:
            return None
        return "buy" if judged.close > judged.open else "sell"


def closes(bars: Bars) -> list[float]:
    """Closing prices in USD, each the double nearest to its decimal."""
    return [bar.close / PRICE_SCALE for bar in bars]


def _increasing(**values: int) -> None:
    """Raises ValueError naming the parameters that are out of order."""
    if list(values.values()) != sorted(set(values.values())):
        raise ValueError(f"must increase: {', '.join(f'{name} {value}' for name, value in values.items())}")
