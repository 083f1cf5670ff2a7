"""Alerts in memory, with AlertStore's rules: what it answers the table answers (tests/unit/shared/stores)."""

from collections.abc import Callable, Iterator

from shared.models.alert import Crossing, Reader, StoredCrossing, StoredRule
from shared.stores.alerts import KEPT_S, STATE_KEPT_S, Held, place_of


class AlertRows:
    """`before(call)` is asked before every call, `after(call)` after it has had its effect; either may raise."""

    def __init__(
        self, before: Callable[[str], None] = lambda call: None, after: Callable[[str], None] = lambda call: None
    ) -> None:
        self.rows: dict[tuple[str, str], StoredRule] = {}
        self.removed: set[tuple[str, str]] = set()
        self.states: dict[tuple[str, int], Held] = {}
        self.fired: dict[tuple[str, str], StoredCrossing] = {}
        self.readers: dict[tuple[str, str], str] = {}
        self.before, self.after = before, after

    def put_rule(self, stored: StoredRule) -> bool:
        self.before("put_rule")
        key = stored.owner, stored.id
        held = self.rows.get(key)
        if (held is None) != (stored.version == 1) or key in self.removed:
            return False
        if held is not None and held.version != stored.version - 1:
            return False
        self.rows[key] = stored
        return True

    def remove_rule(self, owner: str, id_: str, now_s: int) -> bool:
        self.before("remove_rule")
        if self.rule(owner, id_) is None:
            return False
        self.removed.add((owner, id_))
        return True

    def rule(self, owner: str, id_: str) -> StoredRule | None:
        self.before("rule")
        return None if (owner, id_) in self.removed else self.rows.get((owner, id_))

    def rules_of(self, owner: str, after: str = "") -> Iterator[StoredRule]:
        self.before("rules_of")
        keys = sorted(key for key in self.rows.keys() - self.removed if key[0] == owner and key[1] > after)
        return iter([self.rows[key] for key in keys])

    def rules_for(self, reader: Reader) -> list[StoredRule]:
        self.before("rules_for")
        held = [self.rows[key] for key in self.rows.keys() - self.removed]
        return sorted((one for one in held if one.rule.reader == reader), key=lambda one: one.id)

    def state(self, id_: str, version: int) -> Held:
        self.before("state")
        return self.states.get((id_, version), Held())

    def put_state(self, id_: str, version: int, held: Held) -> bool:
        self.before("put_state")
        if self.states.get((id_, version), Held()).rev != held.rev - 1:
            return False
        self.states[id_, version] = held
        self.after("put_state")
        return True

    def put_crossing(self, crossing: Crossing, now_ms: int) -> bool:
        self.before("put_crossing")
        stored = StoredCrossing(crossing, now_ms)
        new = self.fired.setdefault((crossing.owner, place_of(stored)), stored) is stored
        self.after("put_crossing")
        return new

    def crossings_of(
        self, owner: str, now_s: int, *, after: str = "", reverse: bool = True
    ) -> Iterator[StoredCrossing]:
        self.before("crossings_of")
        for key in sorted(self.fired, reverse=reverse):
            behind = not after or (key[1] < after if reverse else key[1] > after)
            if key[0] == owner and behind and self.fired[key].known_at // 1000 + KEPT_S > now_s:
                yield self.fired[key]

    def remove_old(self, now_s: int) -> None:
        """As the table does: what is past its time goes, sooner or later."""
        self.fired = {key: one for key, one in self.fired.items() if one.known_at // 1000 + KEPT_S > now_s}
        self.states = {key: held for key, held in self.states.items() if held.at_ms // 1000 + STATE_KEPT_S > now_s}

    def fired_since(self, since_ms: int) -> Iterator[StoredCrossing]:
        self.before("fired_since")
        found = [one for one in self.fired.values() if one.known_at >= since_ms]
        return iter(sorted(found, key=lambda one: (one.known_at, one.crossing.id)))

    def enter(self, reader: Reader, shard: str, process: str) -> bool:
        self.before("enter")
        before = self.readers.get((reader, shard))
        self.readers[reader, shard] = process
        return before == process
