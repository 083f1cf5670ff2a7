"""Crossings going out, each once, to connections of the key whose rule it is."""

from collections.abc import Callable, Hashable, Iterable

from serving_layer.push.stored import StoredFeed
from shared.models.alert import StoredCrossing
from shared.polygon.events import ALERT, alert_event

FiredSince = Callable[[int], Iterable[StoredCrossing]]
"""Crossings stored at or after an instant (Unix ms), oldest first. Blocks; StoreUnavailable, InvalidRecord."""


class AlertFeed(StoredFeed[StoredCrossing]):
    """A crossing is one of a kind by its id."""

    what = "alerts"

    def identity(self, row: StoredCrossing) -> Hashable:
        return row.crossing.id

    def publish(self, row: StoredCrossing) -> None:
        one = row.crossing
        if self._hub.wanted(ALERT, one.sym):
            self._hub.publish(ALERT, one.sym, alert_event(row), one.owner)
