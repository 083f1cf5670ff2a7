"""The product's own functions over recorded files, as plainly as they can be called: decode, prepare, merge, present.

Only the de-duplication is written out here: in the product it is the ingester's (first copy wins), not the algebra's.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from shared.bars.algebra import merge, prepare, present
from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS
from shared.bars.sessions import new_york_sessions
from shared.models.bar import EMPTY, Partial
from shared.models.trade import Trade
from shared.polygon.trades import event_of, trade_of
from tests.parity.reference import MINUTE_MS, Bar

Minutes = dict[str, dict[int, Partial]]
"""Symbol -> start of the minute (Unix ms) -> partial."""


def minutes_of(files: Sequence[Path]) -> Minutes:
    """The partials of every minute."""
    sessions = new_york_sessions()
    minutes: Minutes = defaultdict(lambda: defaultdict(lambda: EMPTY))
    for trade in _first_copies(files):
        session = sessions.day_of(trade.t)
        assert session is not None, trade
        minute = trade.t - trade.t % MINUTE_MS
        of_symbol = minutes[trade.sym]
        of_symbol[minute] = merge(of_symbol[minute], prepare(trade, session))
    return minutes


def _first_copies(files: Sequence[Path]) -> Iterator[Trade]:
    seen = set()
    sessions = new_york_sessions()
    for file in files:
        with gzip.open(file, "rb") as lines:
            for line in lines:
                trade = trade_of(event_of(json.loads(line)))
                session = sessions.day_of(trade.t)
                key = (trade.sym, session and session.date, trade.x, trade.trfi, trade.i)
                if key not in seen:
                    seen.add(key)
                    yield trade


def bars(minutes: dict[int, Partial], width_ms: int = MINUTE_MS) -> list[Bar]:
    """What the product presents for one symbol, in order, with windows aligned to the epoch."""
    windows: dict[int, Partial] = defaultdict(lambda: EMPTY)
    for minute, partial in minutes.items():
        start = minute - minute % width_ms
        windows[start] = merge(windows[start], partial)
    return presented(windows)


def presented(windows: dict[int, Partial]) -> list[Bar]:
    """The bars that are shown of some windows (start in Unix ms -> partial), in order."""
    return [bar for start in sorted(windows) if (bar := _shown(start, windows[start])) is not None]


def _shown(start: int, partial: Partial) -> Bar | None:
    bar = present(start, partial)
    if bar is None:
        return None
    prices = {"o": bar.open, "h": bar.high, "l": bar.low, "c": bar.close}
    shown: Bar = {field: Decimal(price).scaleb(-PRICE_DIGITS) for field, price in prices.items()}
    shown |= {"v": Decimal(bar.volume).scaleb(-SIZE_DIGITS), "n": bar.count, "t": bar.t}
    return shown if bar.vwap is None else {**shown, "vw": Decimal(bar.vwap).scaleb(-4)}
