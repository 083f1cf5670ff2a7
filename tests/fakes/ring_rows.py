"""The cache's rings in memory, with the rules of Rings: what it answers Valkey answers (tests/unit/shared/stores)."""

import copy
from collections.abc import Iterable, Mapping

from shared.models.bar import Timeframe
from shared.stores.rings import ClosedBar, Key, RingsState


class RingRows:
    """`down`: it answers nothing and keeps what it has."""

    def __init__(self, kept: Mapping[Timeframe, int]) -> None:
        self._kept = kept
        self.down = False
        self._state: RingsState | None = None
        self._rings: dict[Key, tuple[str, dict[int, ClosedBar]]] = {}
        self.remember()

    def state(self) -> RingsState | None:
        return None if self.down else self._state

    def put_state(self, state: RingsState) -> bool:
        if not self.down:
            self._state = state
        return not self.down

    def read(self, keys: Iterable[Key], generation: str) -> dict[Key, list[ClosedBar]]:
        found = {} if self.down else {key: self._rings[key] for key in keys if key in self._rings}
        return {key: sorted(bars.values()) for key, (of, bars) in found.items() if of == generation}

    def write(
        self, state: RingsState, added: Mapping[Key, Iterable[ClosedBar]], whole: Mapping[Key, Iterable[ClosedBar]]
    ) -> set[Key]:
        if self.down:
            return set()
        gone = {key for key in added if key not in self._rings or self._rings[key][0] != state.generation}
        for key in added.keys() - gone:
            bars = self._rings[key][1]
            for bar in added[key]:
                held = bars.get(bar.t)
                if held is None or (held.count, held.rev) < (bar.count, bar.rev):
                    bars[bar.t] = bar
            for t in sorted(bars)[: -self._kept[key[1]]]:
                del bars[t]
        for key, given in whole.items():
            self._rings[key] = (state.generation, {bar.t: bar for bar in given})
        if not gone:
            self._state = state
        return gone

    def empty(self) -> None:
        """As after a restart."""
        self._state = None
        self._rings.clear()

    def forget(self) -> None:
        """One ring is evicted."""
        if self._rings:
            del self._rings[next(iter(self._rings))]

    def remember(self) -> None:
        self._earlier = copy.deepcopy((self._state, self._rings))

    def go_back(self) -> None:
        """What it held when it was told to remember: writes that arrive late, or a replica that was behind."""
        self._state, self._rings = copy.deepcopy(self._earlier)
