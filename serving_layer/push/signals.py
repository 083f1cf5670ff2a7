"""Signals going out, each change once."""

from collections.abc import Callable, Hashable, Iterable

from serving_layer.push.stored import StoredFeed
from shared.models.signal import StoredSignal
from shared.polygon.events import SIGNAL, signal_event

KnownSince = Callable[[int], Iterable[StoredSignal]]
"""Signals that changed at or after an instant (Unix ms), oldest first. Blocks; StoreUnavailable, InvalidRecord."""


class SignalFeed(StoredFeed[StoredSignal]):
    """A change is one of a kind by id, status and when it was known."""

    what = "signals"

    def identity(self, row: StoredSignal) -> Hashable:
        return row.id, row.status, row.known_at

    def publish(self, row: StoredSignal) -> None:
        if self._hub.wanted(SIGNAL, row.sym):
            self._hub.publish(SIGNAL, row.sym, signal_event(row))
