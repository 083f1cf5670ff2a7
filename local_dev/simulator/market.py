"""The market as pure functions of (seed, symbol, time): its price, how busy it is, when it is halted.

History and live trades are both drawn from these, so they agree, and a restart goes on along the same path.
"""

import math
from datetime import datetime
from functools import lru_cache

import numpy as np

from local_dev.simulator.chance import Floats, Ints, Keys, keys_of, smooth_noise, uniform
from local_dev.simulator.instruments import INSTRUMENTS
from shared.bars.windows import NEW_YORK

SYMBOLS = [instrument.sym for instrument in INSTRUMENTS]
BURST_BITS = 13  # waves of eight seconds
DAY_S, HOUR_S = 86_400, 3_600
OCTAVES = range(10, 32)  # waves of 2^10 ms, about a second, to 2^31 ms, about 25 days
ROUGHNESS = 0.62  # so that the waves together move by about one volatility in a day
MARKET_VOLATILITY = 0.008
HALT_BLOCK_MS = 2 * HOUR_S * 1000
HALT_CHANCE = 0.02  # of a symbol in a block: about five halts a day
HALT_MS = (120_000, 300_000)

_PACE_MINUTES = (0, 240, 569, 570, 630, 750, 870, 959, 960, 1_200, 1_440)
_PACE = (0.40, 0.42, 0.60, 1.20, 0.85, 0.62, 0.74, 1.20, 0.60, 0.42, 0.40)
"""How busy each minute of the New York day is beside a usual hour: a U in regular hours, never dead."""
_SIZES = {octave: ROUGHNESS * math.sqrt(2**octave / (DAY_S * 1000)) for octave in OCTAVES}
_PACE_OF_MINUTE = np.interp(np.arange(1_440), np.array(_PACE_MINUTES), np.array(_PACE))


class Market:
    """One made-up market. `symbol` arguments are positions in SYMBOLS, times Unix ms UTC; arrays go in pairs."""

    def __init__(self, seed: int, activity: float = 1.0) -> None:
        """`activity`: how many times the usual number of trades."""
        names = tuple(SYMBOLS)
        self.seed = seed
        self.activity = activity
        self._own = [keys_of(seed, f"own {octave}", names) for octave in OCTAVES]
        self._common = [keys_of(seed, f"common {octave}", ("market",)) for octave in OCTAVES]
        self._halt, self._halt_at, self._halt_for = (keys_of(seed, f"halt {n}", names) for n in range(3))
        self._burst = keys_of(seed, "burst", names)
        self._level = np.array([one.level for one in INSTRUMENTS])
        self._volatility = np.array([one.volatility for one in INSTRUMENTS])
        self._beta = np.array([one.beta for one in INSTRUMENTS])
        self._activity = np.array([one.activity for one in INSTRUMENTS])

    def mid(self, symbol: Ints, t_ms: Ints, shortest: int = OCTAVES[0]) -> Floats:
        """Middle of bid and ask, USD, without waves that are shorter than 2^shortest ms."""
        return self.mid_on(self.tide(t_ms, shortest), symbol, t_ms, shortest)

    def tide(self, t_ms: Ints, shortest: int) -> Floats:
        """How far the market as a whole has moved, in its volatilities."""
        return _waves(self._common, np.zeros(len(t_ms), np.int64), t_ms, shortest)

    def mid_on(self, tide: Floats, symbol: Ints, t_ms: Ints, shortest: int) -> Floats:
        """`mid` where the tide is known: it is the same for all symbols."""
        own = self._volatility[symbol] * _waves(self._own, symbol, t_ms, shortest)
        x = own + MARKET_VOLATILITY * self._beta[symbol] * tide
        return self._level[symbol] * (1.0 + x * (1.0 + x * (0.5 + x / 6.0)))  # e^x near 0, in exact operations

    def rate(self, symbol: Ints, sec: Ints) -> Floats:
        """Trades a second to expect; 0 while the symbol is halted."""
        pace = _PACE_OF_MINUTE[(sec + new_york_offset(sec)) % DAY_S // 60]
        burst = 1.0 + 0.6 * smooth_noise(self._burst, symbol, sec * 1000, BURST_BITS)
        usual: Floats = self.activity * self._activity[symbol]
        return np.where(self.is_halted(symbol, sec * 1000), 0.0, usual * pace * burst)

    def is_halted(self, symbol: Ints, t_ms: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether trading of the symbol is interrupted."""
        block = t_ms // HALT_BLOCK_MS
        shortest, longest = HALT_MS
        start = block * HALT_BLOCK_MS + uniform(self._halt_at[symbol], block) * (HALT_BLOCK_MS - longest)
        end = start + shortest + uniform(self._halt_for[symbol], block) * (longest - shortest)
        return (uniform(self._halt[symbol], block) < HALT_CHANCE) & (start <= t_ms) & (t_ms < end)


def _waves(keys: list[Keys], row: Ints, t_ms: Ints, shortest: int) -> Floats:
    """Noise of every period together: one volatility in a day."""
    total = np.zeros(len(t_ms))
    for octave, of_octave in zip(OCTAVES, keys, strict=True):
        if octave >= shortest:
            total += _SIZES[octave] * smooth_noise(of_octave, row, t_ms, octave)
    return total


def new_york_offset(sec: Ints) -> Ints:
    """Seconds that New York's clock is ahead of UTC (negative), which only ever changes on a whole hour of UTC."""
    hours = sec // HOUR_S
    first, last = int(hours.min()), int(hours.max())
    return np.array([_offset_in(hour) for hour in range(first, last + 1)], np.int64)[hours - first]


@lru_cache(maxsize=1 << 14)
def _offset_in(hour: int) -> int:
    offset = datetime.fromtimestamp(hour * HOUR_S, NEW_YORK).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
