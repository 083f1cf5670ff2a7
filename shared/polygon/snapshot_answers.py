"""Snapshots in Polygon's answers: exact numbers as JSON text; an object without a value is left out, never null."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import msgspec

from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS, divide_half_even, format_scaled, parse_scaled
from shared.frames import TradeRow
from shared.models.bar import Bar
from shared.polygon.numbers import VWAP_DIGITS, price_text
from shared.polygon.trade_answers import NS_ZEROS, snapshot_trade_text

PERCENT_DIGITS = 4


class Entry(NamedTuple):
    """What is known of a symbol: its day so far and the one before, its newest minute, its last trade.

    `volume` of the day so far in 10^-6 share, whether or not there is a day's bar yet. `last_is_of_day`: whether the
    last trade is of the day.
    """

    sym: str
    day: Bar | None = None
    previous: Bar | None = None
    minute: Bar | None = None
    volume: int = 0
    last: TradeRow | None = None
    last_is_of_day: bool = False

    @property
    def is_empty(self) -> bool:
        return self.day is None and self.previous is None and self.minute is None and self.last is None

    @property
    def change(self) -> int | None:
        """Last price of the day less the close before it, in 10^-9 USD."""
        price = None
        if self.last is not None and self.last_is_of_day:
            price = parse_scaled(self.last.p, PRICE_DIGITS)
        elif self.minute is not None:
            price = self.minute.close
        return None if price is None or self.previous is None else price - self.previous.close

    @property
    def gain(self) -> Fraction | None:
        """`change` as a part of the close before."""
        change = self.change
        return None if change is None or self.previous is None else Fraction(change, self.previous.close)


def entry_text(entry: Entry) -> str:
    """One symbol's object, as `ticker` and `tickers` hold it."""
    fields = [f'"ticker":"{entry.sym}"']
    change, gain = entry.change, entry.gain
    if change is not None and gain is not None:
        fields += [f'"todaysChange":{format_scaled(change, PRICE_DIGITS)}', f'"todaysChangePerc":{_percent(gain)}']
    if entry.last is not None:
        fields.append(f'"updated":{entry.last.t}{NS_ZEROS}')
    elif entry.minute is not None:
        fields.append(f'"updated":{entry.minute.t}{NS_ZEROS}')
    if entry.day is not None:
        fields.append(f'"day":{{{_ohlc(entry.day)}}}')
    if entry.last is not None:
        fields.append(f'"lastTrade":{snapshot_trade_text(entry.last)}')
    if entry.minute is not None:
        fields.append(f'"min":{_minute(entry.minute, entry.volume)}')
    if entry.previous is not None:
        fields.append(f'"prevDay":{{{_ohlc(entry.previous)}}}')
    return f"{{{','.join(fields)}}}"


def one_ticker(text: str, *, request_id: str) -> bytes:
    """The envelope of one symbol."""
    return f'{{"ticker":{text},'.encode() + msgspec.json.encode({"status": "OK", "request_id": request_id})[1:]


def many_tickers(texts: bytes, count: int, *, request_id: str) -> bytes:
    """The envelope of several: `texts` are joined with commas."""
    tail = msgspec.json.encode({"status": "OK", "request_id": request_id, "count": count})
    return b'{"tickers":[' + texts + b"]," + tail[1:]


def movers(entries: Sequence[Entry], *, up: bool, least_volume: int, most: int) -> list[Entry]:
    """Those that gained most, or lost most, of at least a volume (10^-6 share); the name decides between equals."""
    moved = [(entry.gain, entry) for entry in entries if entry.gain and entry.volume >= least_volume]
    chosen = sorted((-gain if up else gain, entry.sym, entry) for gain, entry in moved if (gain > 0) == up)
    return [entry for _, _, entry in chosen[:most]]


def _ohlc(bar: Bar) -> str:
    prices = zip("ohlc", (bar.open, bar.high, bar.low, bar.close), strict=True)
    texts = [f'"{name}":{price_text(price)}' for name, price in prices]
    texts.append(f'"v":{format_scaled(bar.volume, SIZE_DIGITS)}')
    if bar.vwap is not None:
        texts.append(f'"vw":{format_scaled(bar.vwap, VWAP_DIGITS)}')
    return ",".join(texts)


def _minute(bar: Bar, volume: int) -> str:
    """`av`, `dav`: the day's volume so far, as a number and as decimal text; `dv`: the minute's as text."""
    own, day = format_scaled(bar.volume, SIZE_DIGITS), format_scaled(volume, SIZE_DIGITS)
    return f'{{"av":{day},{_ohlc(bar)},"t":{bar.t},"n":{bar.count},"dv":"{own}","dav":"{day}"}}'


def _percent(gain: Fraction) -> str:
    scaled = abs(gain) * 100 * 10**PERCENT_DIGITS
    rounded = divide_half_even(scaled.numerator, scaled.denominator)
    return format_scaled(rounded if gain > 0 else -rounded, PERCENT_DIGITS)
