"""Bars as candles with their volume, in text. A chart is a picture: numbers become floats here, and only here."""

import math
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple, TextIO

import plotext

from local_dev.cli.candles import Candle, merged
from shared.bars.windows import NEW_YORK

PLAIN_SIZE: Final = (100, 30)
"""Columns and rows where nobody's terminal says how many."""
SMALLEST: Final = (40, 16)
VOLUME_ROWS: Final = 7
WIDEST_STEP: Final = 4  # columns from one candle to the next when there are few
UP, DOWN, WICK = "█", "░", "│"
PRICE_TICKS: Final = 5
VOLUME_LABEL: Final = 6


class Picture(NamedTuple):
    columns: int
    rows: int
    colours: bool


class Tick(NamedTuple):
    value: float
    label: str


def picture_for(out: TextIO) -> Picture:
    """As wide as the terminal; one without colours and of a fixed size where there is none."""
    if not out.isatty():
        return Picture(*PLAIN_SIZE, colours=False)
    columns, rows = shutil.get_terminal_size(PLAIN_SIZE)
    return Picture(max(columns, SMALLEST[0]), max(rows - 2, SMALLEST[1]), colours=True)


def chart(name: str, candles: Sequence[Candle], picture: Picture) -> str:
    """`name` heads it. Candles stand side by side however much time is between them."""
    if not candles:
        return f"{name}: no bars in this range"
    prices = _price_ticks(candles)
    margin = max(len(prices[0].label), len(prices[-1].label), VOLUME_LABEL)
    columns = picture.columns - margin - 2
    shown = merged(candles, columns)
    step = max(1, min(WIDEST_STEP, columns // len(shown)))
    placed = list(zip(range(0, step * len(shown), step), shown, strict=True))

    _begin(Picture(picture.columns, picture.rows - VOLUME_ROWS - 2, picture.colours), columns, margin, prices)
    for place, candle in placed:
        _draw_candle(place, candle)
    plotext.xticks([], [])
    above = _built(picture)

    _begin(Picture(picture.columns, VOLUME_ROWS, picture.colours), columns, margin, _volume_ticks(shown))
    for place, candle in placed:
        if candle.v:
            plotext.plot([place, place], [0, float(candle.v)], marker=UP, color=_colour(candle))
    labels = _time_labels(shown)
    every = math.ceil((max(map(len, labels)) + 4) / step)
    plotext.xticks([place for place, _ in placed[::every]], labels[::every])
    return "\n".join((_heading(name, candles, shown), above, _built(picture)))


def _heading(name: str, candles: Sequence[Candle], shown: Sequence[Candle]) -> str:
    each = math.ceil(len(candles) / len(shown))
    together = f", {each} to a candle" if each > 1 else ""
    count = "1 bar" if len(candles) == 1 else f"{len(candles):,} bars"
    since, until = (_new_york(candles[index].t).strftime("%Y-%m-%d %H:%M") for index in (0, -1))
    return f"{name} | {since} to {until} New York | last {candles[-1].c:f} | {count}{together}"


def _begin(size: Picture, columns: int, margin: int, ticks: Sequence[Tick]) -> None:
    """An empty plot of `columns` places, its labels `margin` wide, from the first tick to the last."""
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(size.columns, size.rows)
    plotext.xlim(0, columns - 1)
    plotext.ylim(ticks[0].value, ticks[-1].value)
    plotext.yticks([tick.value for tick in ticks], [f"{tick.label:>{margin}}" for tick in ticks])


def _built(picture: Picture) -> str:
    text: str = plotext.build()
    text = text if picture.colours else plotext.uncolorize(text)
    return "\n".join(line.rstrip() for line in text.rstrip("\n ").split("\n"))


def _draw_candle(place: int, candle: Candle) -> None:
    """The body is drawn over the wick. Up is solid and down is hatched, so that it can be read without colours."""
    colour = _colour(candle)
    body = UP if candle.c >= candle.o else DOWN
    plotext.plot([place, place], [float(candle.l), float(candle.h)], marker=WICK, color=colour)
    plotext.plot([place, place], [float(candle.o), float(candle.c)], marker=body, color=colour)


def _colour(candle: Candle) -> str:
    return "green" if candle.c >= candle.o else "red"


def _price_ticks(candles: Sequence[Candle]) -> list[Tick]:
    """From the lowest price to the highest, with as many digits as tell them apart, at least cents."""
    low, high = min(candle.l for candle in candles), max(candle.h for candle in candles)
    if low == high:
        low, high = low - Decimal("0.01"), high + Decimal("0.01")
    gap = (high - low) / (PRICE_TICKS - 1)
    digits = max(2, -gap.adjusted())
    values = [low + gap * number for number in range(PRICE_TICKS)]
    return [Tick(float(value), f"{value:.{digits}f}") for value in values]


def _volume_ticks(candles: Sequence[Candle]) -> list[Tick]:
    most = float(max(candle.v for candle in candles))
    return [Tick(0.0, "0"), Tick(most or 1.0, _short(most) if most else "")]


def _short(shares: float) -> str:
    """At most VOLUME_LABEL characters: 999.4k, 1M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if shares >= 0.9995 * size:
            return f"{shares / size:.4g}{unit}"
    return f"{shares:.4g}"


def _time_labels(candles: Sequence[Candle]) -> list[str]:
    """As short as they can be: days alone for bars of days, hours alone within one day."""
    starts = [_new_york(candle.t) for candle in candles]
    if all(start.hour == start.minute == 0 for start in starts):
        return [f"{start:%Y-%m-%d}" for start in starts]
    one_day = starts[-1] - starts[0] < timedelta(days=1) and starts[0].date() == starts[-1].date()
    return [f"{start:%H:%M}" if one_day else f"{start:%m-%d %H:%M}" for start in starts]


def _new_york(t_ms: int) -> datetime:
    return datetime.fromtimestamp(t_ms / 1000, UTC).astimezone(NEW_YORK)
