"""The closed bars that strategies look at: in this process, else in the cache, else rolled up from the bars table.

What is at hand may only be believed if no batch has passed it by. So each place says up to which record it holds
everything and which batch was begun on top of it; where that is not what the control table says, it starts anew. A
batch that Lambda gave up has begun and was never done, so it shows too. Rings of another length than ours are not ours:
the name of a generation begins with a digest of how many bars its rings keep.
"""

import hashlib
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from shared.models.bar import Timeframe
from shared.stores.rings import ClosedBar, Key, Rings, RingsState
from speed_layer.signals.rebuild import StoredMinutes, closed_bars
from speed_layer.signals.ring import Ring

PARALLEL: Final = 8
AT_ONCE: Final = 16
"""Rings that are rolled up before the cache gets them: a try that runs out of time loses no more than these."""
MOST_HELD: Final = 500
"""Rings that stay in the process between two batches: about 100 MB where they are long."""
NOWHERE: Final = RingsState("", "?")
"""Not a place that any batch could have left."""


class ClosedBars:
    """One batch at a time: `begin`, any reads and merges into the rings, `finish`."""

    def __init__(self, cache: Rings, minutes: StoredMinutes, kept: Mapping[Timeframe, int]) -> None:
        """`kept`: bars of a ring by timeframe."""
        self._cache, self._minutes, self._kept = cache, minutes, kept
        self._length = hashlib.blake2b(repr(sorted(kept.items())).encode(), digest_size=4).hexdigest()
        self._held: dict[Key, Ring] = {}
        self._state = NOWHERE

    @property
    def timeframes(self) -> Collection[Timeframe]:
        """Those that there are rings of."""
        return self._kept.keys()

    def begin(self, through: str, first: str) -> None:
        """A batch that starts with record `first` begins; all through record `through` was done ("" for none)."""
        cached = self._cache.state() or NOWHERE
        if self._state != RingsState(
            self._state.generation, through
        ):  # a try leaves bars that a shorter one may not have
            self._held.clear()
        ours = cached.is_believed(through, first) and cached.generation.startswith(f"{self._length}-")
        generation = cached.generation if ours else f"{self._length}-{uuid.uuid4().hex}"
        self._state = RingsState(generation, through, first)
        self._cache.put_state(self._state)

    def rings(self, keys: Iterable[Key], wait: Callable[[], int], now_s: int) -> dict[Key, Ring]:
        """The rings of these symbols and timeframes, to be merged into.

        `wait` returns once the table holds all that closed before this batch, with the time (Unix ms) up to which
        windows had closed then. Raises what it raises, and StoreUnavailable. What is rolled up is in the cache at once,
        for the next try of this batch if there has to be one.
        """
        keys = list(keys)
        absent = [key for key in keys if key not in self._held]
        for key, bars in self._cache.read(absent, self._state.generation).items():
            self._held[key] = Ring(self._kept[key[1]], bars)
        if lost := [key for key in absent if key not in self._held]:
            end = wait()
            with ThreadPoolExecutor(PARALLEL) as pool:
                for at in range(0, len(lost), AT_ONCE):
                    some = lost[at : at + AT_ONCE]
                    rolled = dict(zip(some, pool.map(lambda key: self._roll_up(key, end, now_s), some), strict=True))
                    self._cache.write(self._state, {}, {key: ring.closed for key, ring in rolled.items()})
                    self._held |= rolled
        return {key: self._held[key] for key in keys}

    def _roll_up(self, key: Key, end: int, now_s: int) -> Ring:
        sym, tf = key
        kept = self._kept[tf]
        return Ring(kept, closed_bars(self._minutes, sym, tf, end=end, before=end, need=kept, now_s=now_s))

    def finish(self, last: str, added: Mapping[Key, Iterable[ClosedBar]]) -> None:
        """All through record `last` is in the rings, by adding these bars: let the cache know."""
        self._state = done = RingsState(self._state.generation, last)
        if gone := self._cache.write(done, added, {}):
            self._cache.write(done, {}, {key: self._held[key].closed for key in gone})
        for key in list(self._held)[: max(0, len(self._held) - MOST_HELD)]:
            del self._held[key]
