"""Rules against the closed bars of a batch of the bars stream.

A bar is looked at when the engine closes it, never for a revision; what has come late before that counts in it. The
bars before it are in this process, else rolled up from the bars table.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from shared.bars.sessions import SessionTable
from shared.frames import BarRecord, partial_from_wire
from shared.models.alert import StoredRule, StrategySignal
from shared.models.signal import Signal
from shared.stores.rings import ClosedBar, Key
from speed_layer.alerts.bars import observe, observe_signal, timeframe_of, window_of
from speed_layer.alerts.evaluate import Observation
from speed_layer.alerts.service import Alerts, Watched
from speed_layer.revise import ENGINE as REVISED
from speed_layer.signals.rebuild import StoredMinutes, closed_bars
from speed_layer.signals.ring import Ring

SPARE = 16
"""Bars beyond the longest window: what was closed again after a restart still finds those before it."""


class Brought(NamedTuple):
    """A batch: its shard, the record up to which all before it was done, its last record, its bars in the order of the
    stream, and what strategies say of them."""

    shard: str
    before: str
    last: str
    windows: Iterable[BarRecord]
    signals: Iterable[Signal]


class BarAlerts:
    """The rules that look at bars. One batch at a time."""

    def __init__(self, alerts: Alerts, minutes: StoredMinutes, sessions: SessionTable) -> None:
        self._alerts, self._minutes, self._sessions = alerts, minutes, sessions
        self._rings: dict[Key, tuple[int, Ring]] = {}
        self._through: str | None = None

    def take(self, brought: Brought, wait: Callable[[], int], now_s: int) -> None:
        """Raises StoreUnavailable. `wait` as in `ClosedBars.rings`."""
        rules: dict[Key, list[StoredRule]] = defaultdict(list)
        for one in self._alerts.rules():
            rules[one.rule.ticker, timeframe_of(one.rule.when)].append(one)
        windows: dict[Key, list[BarRecord]] = defaultdict(list)
        for window in brought.windows:
            if (window.sym, window.tf) in rules:
                windows[window.sym, window.tf].append(window)
        said: dict[tuple[Key, int], list[Signal]] = defaultdict(list)
        for signal in brought.signals:
            said[(signal.sym, signal.tf), signal.t].append(signal)
        self._forget(rules, brought.before)
        watched: list[Watched] = []
        for key, of_key in windows.items():
            ring = self._ring(key, max(window_of(one.rule.when) for one in rules[key]) + SPARE, wait, now_s)
            watched += self._watched(key, rules[key], of_key, ring, said)
        self._alerts.take(brought.shard, watched)
        self._through = brought.last

    def _forget(self, wanted: Mapping[Key, object], before: str) -> None:
        """Bars that no rule wants any more; all of them where another process has taken a batch meanwhile."""
        if self._through != before:
            self._rings.clear()
        self._rings = {key: held for key, held in self._rings.items() if key in wanted}

    def _ring(self, key: Key, kept: int, wait: Callable[[], int], now_s: int) -> Ring:
        held = self._rings.get(key)
        if held is None or held[0] < kept:
            end = wait()
            bars = closed_bars(self._minutes, *key, end=end, before=end, need=kept, now_s=now_s)
            self._rings[key] = held = kept, Ring(kept, bars)
        return held[1]

    def _watched(
        self,
        key: Key,
        rules: Sequence[StoredRule],
        windows: Iterable[BarRecord],
        ring: Ring,
        said: Mapping[tuple[Key, int], list[Signal]],
    ) -> list[Watched]:
        """Bar by bar, each as it stood when it came."""
        seen: list[list[Observation]] = [[] for _ in rules]
        for window in windows:
            ring.take(ClosedBar(window.t, window.partial.count, window.rev, partial_from_wire(window.partial)))
            if window.engine == REVISED:
                continue
            for found, one in zip(seen, rules, strict=True):
                when = one.rule.when
                if isinstance(when, StrategySignal):
                    signals = said.get((key, window.t), ())
                    found += [observe_signal(x, self._sessions) for x in signals if x.strategy == when.strategy]
                elif (observation := observe(when, ring.bars, window.t, self._sessions)) is not None:
                    found.append(observation)
        return [Watched(rule, found) for rule, found in zip(rules, seen, strict=True)]
