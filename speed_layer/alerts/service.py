"""Rules against what a batch has brought: remember, then store what was found.

The order of writes: the new state together with the crossings it brings, in one item under a condition; then each
crossing under its id, if absent. Cut off between the two, the batch comes again, and the crossings that the state holds
are stored before anything else is looked at. A state that another process has changed meanwhile is no longer ours: then
the batch comes again too.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from shared.errors import StoreUnavailable
from shared.models.alert import Crossing, Reader, StoredRule
from shared.stores.alerts import Held
from speed_layer.alerts.evaluate import Observation, evaluate_all

REFRESH_MS: Final = 3_000
"""How long rules are believed without a look at the table."""


class Store(Protocol):
    """The alerts table (shared/stores/alerts.py); raises StoreUnavailable."""

    def rules_for(self, reader: Reader) -> list[StoredRule]: ...
    def enter(self, reader: Reader, shard: str, process: str) -> bool: ...
    def state(self, id_: str, version: int) -> Held: ...
    def put_state(self, id_: str, version: int, held: Held) -> bool: ...
    def put_crossing(self, crossing: Crossing, now_ms: int) -> bool: ...


class Watched(NamedTuple):
    """A rule and what it has to look at, in the order of the stream."""

    rule: StoredRule
    seen: Sequence[Observation]


class Alerts:
    """The rules of one stream function, as one process knows them. `now_ms`: this host's Unix time."""

    def __init__(self, reader: Reader, store: Store, now_ms: Callable[[], int]) -> None:
        self._reader, self._store, self._now_ms = reader, store, now_ms
        self._process = uuid.uuid4().hex
        self._rules: list[StoredRule] = []
        self._read_ms: int | None = None
        self._held: dict[tuple[str, int], Held] = {}

    def rules(self) -> list[StoredRule]:
        """Those in force, a few seconds old at most."""
        now = self._now_ms()
        if self._read_ms is None or not 0 <= now - self._read_ms < REFRESH_MS:
            self._rules, self._read_ms = self._store.rules_for(self._reader), now
            known = {(one.id, one.version) for one in self._rules}
            self._held = {key: held for key, held in self._held.items() if key in known}
        return self._rules

    def take(self, shard: str, watched: Iterable[Watched]) -> None:
        """Evaluate what a batch of a shard has brought. Raises StoreUnavailable: then it has to come again."""
        watched = [one for one in watched if one.seen]
        if not watched:
            return
        if not self._store.enter(self._reader, shard, self._process):
            self._held.clear()
        for one in watched:
            try:
                self._evaluate(one.rule, one.seen)
            except StoreUnavailable:
                self._held.clear()  # whether the table took it is not known
                raise

    def _evaluate(self, rule: StoredRule, seen: Sequence[Observation]) -> None:
        key = rule.id, rule.version
        held = self._held.get(key)
        if held is None:
            held = self._store.state(*key)
            self._record(held)
        state, found = evaluate_all(rule, held.state, seen)
        if state != held.state:
            held = Held(state, tuple(found), held.rev + 1)
            if not self._store.put_state(*key, held):
                raise StoreUnavailable(f"alerts table: the state of {rule.id} was changed by another process")
            self._record(held)
        self._held[key] = held

    def _record(self, held: Held) -> None:
        for crossing in held.fired:
            self._store.put_crossing(crossing, self._now_ms())
