"""Minutes of the simulated market as its vendor publishes them: drawn as history before its feed began, made of its
trades since then.

A whole hour of a symbol's trades takes a tenth of a second to make: hours that can no longer change are kept, packed.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from local_dev.simulator.feed import SimulatedFeed
from local_dev.simulator.market import DAY_S, SYMBOLS, Market
from local_dev.simulator.past import Past
from local_dev.simulator.reach import history_start
from local_dev.simulator.trades import CONDITIONS, LATEST_MS, MOST
from local_dev.vendor.errors import WrongInputError
from shared.bars.algebra import merge_all, prepare_rows
from shared.bars.conditions import effect_of
from shared.bars.windows import END_OF_TIME_MS, HOUR_MS, MINUTE_MS, new_york_date, new_york_midnight_ms
from shared.models.bar import Partial
from shared.stores.packed import pack, pack_lines, unpack

Spans = tuple[tuple[int, int | None], ...]
"""[from, to) in Unix ms, in order of time."""
Piece = tuple[int, int]
DAY_MS = DAY_S * 1000
PRICE_TIMES, SIZE_TIMES = 10**5, 10**2
"""From what trades are drawn in, 10^-4 USD and 10^-4 share, to what bars are made of."""
EFFECTS = np.array([effect_of(conditions, regular=True) for conditions in CONDITIONS], np.int64)
"""By position in CONDITIONS: the market is always in regular hours."""
_SPAN = re.compile(r"(\d{13})-(\d{13})?", re.ASCII)


class Stretch(NamedTuple):
    """[since, until) in Unix ms, and whether its minutes are made of trades."""

    since: int
    until: int
    streamed: bool


class Minutes:
    """`streamed`: spans in which an earlier feed of this market sent its trades; the last has no end where this feed
    goes on with it. What lies outside of them, before this feed, is history. One thread at a time."""

    def __init__(self, market: Market, feed: SimulatedFeed, streamed: Spans = ()) -> None:
        self._feed, self._spans = feed, streamed
        self._past = Past(market)
        self._hours: dict[tuple[int, int], bytes] = {}
        self._days: dict[tuple[int, date], Partial] = {}

    def reach(self) -> tuple[date, date]:
        """The first and the last trade date that may have bars."""
        (first, *_), last_ms = self._stretches(), self._feed.known_ms
        return new_york_date(first.since), new_york_date(last_ms)

    def minutes(self, symbol: int, start_ms: int, end_ms: int) -> Iterator[tuple[int, Partial]]:
        """Minutes that begin in [start_ms, end_ms), Unix ms, and have trades, as far as the feed's clock."""
        for since, until, streamed in self._stretches():
            first, end = max(since, start_ms), min(until, end_ms, self._feed.known_ms)
            if not streamed:
                yield from self._history(symbol, first, end)
                continue
            for piece in _hours(first, end, since, until):
                for t, partial in self._of_trades(symbol, piece).items():
                    if start_ms <= t < end:
                        yield t, partial

    def day(self, symbol: int, day: date) -> Partial:
        """All minutes of a trade date so far."""
        known = self._days.get((symbol, day))
        if known is not None:
            return known
        start, end = new_york_midnight_ms(day), new_york_midnight_ms(day + timedelta(days=1))
        partial = merge_all(partial for _, partial in self.minutes(symbol, start, end))
        if self._is_final(end):
            self._days[symbol, day] = partial
        return partial

    def unmade(self) -> Iterator[tuple[int, Piece]]:
        """Pieces of the last day that can no longer change and were not asked for yet, with their symbols."""
        now_ms = self._feed.known_ms
        for since, until, streamed in self._stretches():
            pieces = _hours(max(since, now_ms - DAY_MS), min(until, now_ms), since, until) if streamed else ()
            for piece in pieces:
                if self._is_final(piece[1]):
                    names = range(len(SYMBOLS))
                    yield from ((number, piece) for number in names if (number, piece[0]) not in self._hours)

    def make(self, symbol: int, piece: Piece) -> None:
        self._of_trades(symbol, piece)

    def _is_final(self, until_ms: int) -> bool:
        """Whether the last trade of what ends then has arrived."""
        return until_ms + LATEST_MS <= self._feed.known_ms

    def _stretches(self) -> list[Stretch]:
        """All of the market's time in order, from where its history begins; the last is endless."""
        spans = [(since, END_OF_TIME_MS if until is None else until) for since, until in self._spans]
        if not spans or spans[-1][1] < END_OF_TIME_MS:
            spans.append((self._feed.begins_ms, END_OF_TIME_MS))
        start = history_start(spans[0][0])
        stretches = []
        for since, until in spans:
            stretches.append(Stretch(start, since - since % MINUTE_MS, streamed=False))
            stretches.append(Stretch(since, until, streamed=True))
            start = until
        return stretches

    def _history(self, symbol: int, start_ms: int, end_ms: int) -> Iterator[tuple[int, Partial]]:
        """Whole days are drawn: what they have in common is kept by its ends."""
        first = start_ms // DAY_MS * DAY_MS
        for day_ms in range(first, end_ms, DAY_MS):
            minute = day_ms // MINUTE_MS
            for hour, lines in self._past.hours(symbol, minute, minute + DAY_MS // MINUTE_MS):
                if hour + HOUR_MS > start_ms and hour < end_ms:
                    for t, partial in unpack(hour, pack_lines(lines)).items():
                        if start_ms <= t < end_ms:
                            yield t, partial

    def _of_trades(self, symbol: int, piece: Piece) -> dict[int, Partial]:
        since, until = piece
        hour_ms = since - since % HOUR_MS
        if (symbol, since) in self._hours:
            return unpack(hour_ms, self._hours[symbol, since])
        final, now_ms = self._is_final(until), self._feed.known_ms
        made = self._made(symbol, since // 1000, min(until // 1000, now_ms // 1000 + 1), now_ms)
        if final:
            self._hours[symbol, since] = pack(hour_ms, made)
        return made

    def _made(self, symbol: int, first_sec: int, end_sec: int, now_ms: int) -> dict[int, Partial]:
        """Partials of the trades that have arrived."""
        drawn = self._feed.trades.drawn(first_sec, end_sec, [symbol])
        arrived = drawn.due_ms <= now_ms
        t_ms, row = drawn.t_ms[arrived], drawn.row[arrived]
        price, size = drawn.price[arrived] * PRICE_TIMES, drawn.size[arrived] * SIZE_TIMES
        columns = (t_ms, row % (DAY_S * MOST), price, size, EFFECTS[drawn.kind[arrived]])
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        minute = t_ms // MINUTE_MS
        edges = np.flatnonzero(np.diff(minute, prepend=-1, append=-1)).tolist() if rows else []
        return {int(minute[top]) * MINUTE_MS: prepare_rows(rows[top:end]) for top, end in pairwise(edges)}


def _hours(first: int, end: int, since: int, until: int) -> Iterator[Piece]:
    """The hours of [first, end), each whole but for what of it lies outside of [since, until)."""
    for hour in range(first - first % HOUR_MS, end, HOUR_MS):
        yield max(hour, since), min(hour + HOUR_MS, until)


def parse_spans(text: str) -> Spans:
    """`FROM-TO,...` in Unix ms, whole minutes in order of time, the last TO may be left out. Raises WrongInputError."""
    spans: list[tuple[int, int | None]] = []
    after: int | None = 0
    for part in filter(None, text.split(",")):
        match = _SPAN.fullmatch(part)
        since, until = (int(match[1]), int(match[2]) if match[2] else None) if match else (0, None)
        wrong = after is None or since < max(after, 1) or since % MINUTE_MS or (until or 0) % MINUTE_MS
        if wrong or (until is not None and until <= since):
            raise WrongInputError(f"a span is FROM-TO, Unix ms of whole minutes in order of time, was {part!r}")
        spans.append((since, until))
        after = until
    return tuple(spans)
