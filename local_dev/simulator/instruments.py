"""What is traded: well-known tickers with made-up behaviour. Prices are plausible, not anybody's."""

from typing import NamedTuple

NYSE, ARCA, NASDAQ, BZX = 10, 11, 12, 19
TAPE_OF = {NYSE: 1, ARCA: 2, BZX: 2, NASDAQ: 3}


class Instrument(NamedTuple):
    """`level` USD about which the price wanders; `volatility` of a day and `beta` to the market as fractions;
    `activity` trades a second in a usual hour; `spread` cents; `listed` = exchange id."""

    sym: str
    listed: int
    level: float
    volatility: float
    beta: float
    activity: float
    spread: int

    @property
    def tape(self) -> int:
        return TAPE_OF[self.listed]


INSTRUMENTS = (
    Instrument("AAPL", NASDAQ, 268.0, 0.012, 1.1, 8.0, 1),
    Instrument("AMD", NASDAQ, 214.0, 0.026, 1.6, 6.0, 3),
    Instrument("AMZN", NASDAQ, 226.0, 0.014, 1.2, 6.5, 2),
    Instrument("AVGO", NASDAQ, 347.0, 0.020, 1.4, 3.5, 8),
    Instrument("BRK.B", NYSE, 502.0, 0.007, 0.6, 1.2, 12),
    Instrument("DIA", ARCA, 466.0, 0.003, 0.9, 1.4, 4),
    Instrument("DIS", NYSE, 108.0, 0.011, 0.9, 2.0, 2),
    Instrument("F", NYSE, 12.9, 0.015, 1.0, 3.0, 1),
    Instrument("GOOGL", NASDAQ, 292.0, 0.014, 1.1, 5.5, 3),
    Instrument("INTC", NASDAQ, 36.4, 0.022, 1.2, 5.0, 1),
    Instrument("IWM", ARCA, 238.0, 0.006, 1.2, 4.0, 1),
    Instrument("JPM", NYSE, 304.0, 0.009, 0.9, 2.5, 5),
    Instrument("KO", NYSE, 71.5, 0.006, 0.4, 2.0, 1),
    Instrument("META", NASDAQ, 612.0, 0.015, 1.2, 4.0, 14),
    Instrument("MSFT", NASDAQ, 486.0, 0.010, 1.0, 5.0, 6),
    Instrument("NFLX", NASDAQ, 109.0, 0.015, 1.0, 3.0, 3),
    Instrument("NVDA", NASDAQ, 183.0, 0.020, 1.6, 12.0, 1),
    Instrument("PLTR", NASDAQ, 164.0, 0.028, 1.7, 6.0, 3),
    Instrument("QQQ", NASDAQ, 607.0, 0.004, 1.2, 7.0, 1),
    Instrument("SPY", ARCA, 672.0, 0.002, 1.0, 9.0, 1),
    Instrument("TSLA", NASDAQ, 408.0, 0.024, 1.6, 8.5, 5),
    Instrument("XOM", NYSE, 117.0, 0.010, 0.6, 2.5, 2),
)
