"""The merged read: one read over every view that holds minutes of a symbol.

A trade date that is settled is read from the batch view alone, any other from the speed rows with the forming minutes
laid over them. Which dates are settled is asked once, before their rows are read: batch rows are there before their
date is settled, speed rows outlive it, so that every date is whole and stands once, in whatever order dates settle.

A date that is not settled and older than speed rows live, and of which there are none, is read from the minutes that
were imported into the batch view.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from itertools import chain, groupby
from typing import NamedTuple, Protocol

from shared.bars.windows import HOUR_MS, new_york_date, new_york_midnight_ms
from shared.models.bar import Partial
from shared.stores.bars import TTL_S, MinuteItem
from shared.stores.settled_spans import SettledSpans, Span, cut


class SpeedRows(Protocol):
    """Stored minutes of the speed view; raises StoreUnavailable."""

    def minutes(self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False) -> Iterator[MinuteItem]: ...


class FormingMinutes(Protocol):
    """Minutes accepted but perhaps not stored yet, by start (Unix ms). Never raises: without them a read is older."""

    def unstored_minutes(self, sym: str, start: int, end: int) -> Mapping[int, Partial]: ...


class BatchRows(Protocol):
    """Minutes of the batch view (shared/stores/minutes.py); raises StoreUnavailable."""

    def minutes(
        self, sym: str, start_ms: int, end_ms: int, *, reverse: bool = False, as_of: datetime | None = None
    ) -> Iterator[tuple[int, Partial]]: ...


class BatchView(NamedTuple):
    """Settled minutes, and where they are."""

    rows: BatchRows
    settled: SettledSpans


class History:
    """Minutes of one symbol, each once, from all views. Without a batch view nothing is settled."""

    def __init__(self, speed: SpeedRows, forming: FormingMinutes, batch: BatchView | None = None) -> None:
        self._speed = speed
        self._forming = forming
        self._batch = batch

    def minutes(
        self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False, as_of: datetime | None = None
    ) -> Iterator[tuple[int, Partial]]:
        """(minute, partial) of [start, end), Unix ms, in order of time or against it.

        `as_of`: what was known then: settled dates as their rows were, others, and those settled later, by the speed
        rows of minutes begun by then. Lazy: a reader that stops early stops the paging. Raises StoreUnavailable.
        """
        if self._batch is None:
            return self._provisional(sym, start, end, now_s, reverse=reverse, as_of=as_of)
        rows, settled = self._batch
        old = new_york_midnight_ms(new_york_date((now_s - TTL_S) * 1000))

        def view(span: Span) -> Iterator[tuple[int, Partial]]:
            """Of a span that lies on one side of `old`."""
            if span.is_settled:
                return rows.minutes(sym, span.start, span.end, reverse=reverse, as_of=as_of)
            provisional = self._provisional(sym, span.start, span.end, now_s, reverse=reverse, as_of=as_of)
            if span.start >= old:
                return provisional
            imported = rows.minutes(sym, span.start, span.end, reverse=reverse, as_of=as_of)
            return either(provisional, imported, reverse=reverse)

        spans = settled.spans(start, end, reverse=reverse, as_of=as_of)
        return chain.from_iterable(view(piece) for span in spans for piece in cut(span, old, reverse=reverse))

    def _provisional(
        self, sym: str, start: int, end: int, now_s: int, *, reverse: bool, as_of: datetime | None
    ) -> Iterator[tuple[int, Partial]]:
        if as_of is not None:
            end = min(end, int(as_of.timestamp() * 1000) + 1)
        forming = self._forming.unstored_minutes(sym, start, end)
        stored = ((item.t, item.shown) for item in self._speed.minutes(sym, start, end, now_s, reverse=reverse))
        return overlay(stored, forming, reverse=reverse) if forming else stored


def overlay(
    stored: Iterator[tuple[int, Partial]], forming: Mapping[int, Partial], *, reverse: bool
) -> Iterator[tuple[int, Partial]]:
    """Stored minutes with the forming ones among them, in one direction.

    A forming partial stands for its whole minute: it replaces the stored one when it holds more trades and is never
    added to it, so a trade is never counted twice, whether or not late parts are in both.
    """
    waiting = sorted(forming.items(), reverse=not reverse)  # the next one is the last
    for t, partial in stored:
        while waiting and (waiting[-1][0] > t if reverse else waiting[-1][0] < t):
            yield waiting.pop()
        if waiting and waiting[-1][0] == t:
            newer = waiting.pop()[1]
            yield t, newer if newer.count > partial.count else partial
        else:
            yield t, partial
    yield from reversed(waiting)


def either(
    first: Iterator[tuple[int, Partial]], second: Iterator[tuple[int, Partial]], *, reverse: bool
) -> Iterator[tuple[int, Partial]]:
    """Of two views the dates of the first, and of the second those that the first has nothing of. Lazy by the date."""
    streams = [groupby(view, lambda minute: _date_of_hour(minute[0] // HOUR_MS)) for view in (first, second)]
    heads = [next(stream, None) for stream in streams]
    while any(head is not None for head in heads):
        days = [head[0] for head in heads if head is not None]
        day = max(days) if reverse else min(days)
        chosen = 0 if heads[0] is not None and heads[0][0] == day else 1
        for number, head in enumerate(heads):
            if head is not None and head[0] == day:
                if number == chosen:
                    yield from head[1]
                heads[number] = next(streams[number], None)


@lru_cache(maxsize=4_096)
def _date_of_hour(hour: int) -> date:
    """The New York date of an hour since 1970: midnight there is a whole hour here."""
    return new_york_date(hour * HOUR_MS)
