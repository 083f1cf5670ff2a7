"""The merged read: one read over every view that holds minutes of a symbol.

A stored view gives each minute once; the forming view then lays over it what is not stored yet. Both speak partials by
minute, so a view of settled sessions takes its place beside the speed rows without a change to what reads them.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from shared.models.bar import Partial
from shared.stores.bars import MinuteItem


class SpeedRows(Protocol):
    """Stored minutes of the speed view; raises StoreUnavailable."""

    def minutes(self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False) -> Iterator[MinuteItem]: ...


class FormingMinutes(Protocol):
    """Minutes accepted but perhaps not stored yet, by start (Unix ms). Never raises: without them a read is older."""

    def unstored_minutes(self, sym: str, start: int, end: int) -> Mapping[int, Partial]: ...


class History:
    """Minutes of one symbol, each once, from all views."""

    def __init__(self, speed: SpeedRows, forming: FormingMinutes) -> None:
        self._speed = speed
        self._forming = forming

    def minutes(
        self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False
    ) -> Iterator[tuple[int, Partial]]:
        """(minute, partial) of [start, end), Unix ms, in order of time or against it.

        Lazy: a reader that stops early stops the paging of the table. Raises StoreUnavailable.
        """
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
