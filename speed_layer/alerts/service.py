"""Rules against what a batch has brought: remember, then store what was found.

The order of writes: the new state together with the crossings it brings, in one item under a condition; then each
crossing under its id, if absent. Cut off between the two, the batch comes again, and the crossings that the state holds
are stored before anything else is looked at; not when they are so old that the table may have removed them since, and
would take them for new. A state that another process has changed meanwhile is no longer ours: then the batch comes
again too.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.alert import Crossing, Reader, StoredRule
from shared.stores.alerts import KEPT_S, STATE_KEPT_S, Held
from speed_layer.alerts.evaluate import Observation, evaluate_all

REFRESH_MS: Final = 3_000
"""How long rules are believed without a look at the table."""

REPEATED_MS: Final = KEPT_S * 1000 // 2
"""Crossings that a state has held for so long are not stored again: half of the time for which they are kept."""


class Store(Protocol):
    """The alerts table (shared/stores/alerts.py); raises StoreUnavailable. `state` raises InvalidRecord, and has told
    of it, for one that cannot be read."""

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
            except InvalidRecord:
                continue  # this rule waits for who can read its state: the others, and all that a batch brings, do not
            except StoreUnavailable:
                self._held.clear()  # whether the table took it is not known
                raise

    def _evaluate(self, rule: StoredRule, seen: Sequence[Observation]) -> None:
        key = rule.id, rule.version
        held = self._held.get(key)
        if held is None:
            held = self._read(*key)
        state, found = evaluate_all(rule, held.state, seen)
        if state != held.state:
            held = Held(state, tuple(found), held.rev + 1, self._now_ms())
            self._write(*key, held)
            self._record(held)
        self._held[key] = held

    def _read(self, id_: str, version: int) -> Held:
        """What the table remembers, with the crossings stored that a process which was killed may not have stored."""
        held, now = self._store.state(id_, version), self._now_ms()
        if now - held.at_ms < REPEATED_MS:
            self._record(held)
        if held.rev and now - held.at_ms >= STATE_KEPT_S * 1000 // 2:
            held = Held(held.state, (), held.rev + 1, now)
            self._write(id_, version, held)
        return held

    def _write(self, id_: str, version: int, held: Held) -> None:
        if not self._store.put_state(id_, version, held):
            raise StoreUnavailable(f"alerts table: the state of {id_} was changed by another process")

    def _record(self, held: Held) -> None:
        for crossing in held.fired:
            self._store.put_crossing(crossing, self._now_ms())
