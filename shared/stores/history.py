"""The merged read: one read over every view that holds minutes of a symbol.

A trade date that is settled is read from the batch view alone, any other from the speed rows with the forming minutes
laid over them. Which dates are settled is asked once, before their rows are read: batch rows are there before their
date is settled, speed rows outlive it, so that every date is whole and stands once, in whatever order dates settle.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import NamedTuple, Protocol

from shared.models.bar import Partial
from shared.stores.bars import MinuteItem
from shared.stores.settled_spans import SettledSpans, Span


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
        spans = self._batch.settled.spans(start, end, reverse=reverse, as_of=as_of)
        views = (self._of(span, sym, now_s, reverse=reverse, as_of=as_of) for span in spans)
        return chain.from_iterable(views)

    def _of(
        self, span: Span, sym: str, now_s: int, *, reverse: bool, as_of: datetime | None
    ) -> Iterator[tuple[int, Partial]]:
        if self._batch is not None and span.is_settled:
            return self._batch.rows.minutes(sym, span.start, span.end, reverse=reverse, as_of=as_of)
        return self._provisional(sym, span.start, span.end, now_s, reverse=reverse, as_of=as_of)

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
