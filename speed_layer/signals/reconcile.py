"""The signals table made to say what was judged: every write is conditional, so any of them may be repeated."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, NamedTuple, Protocol

from shared.models.signal import Signal, StoredSignal
from shared.stores.rings import Key
from speed_layer.signals.batch import Due
from speed_layer.signals.judge import Judgement

PARALLEL: Final = 8


class Store(Protocol):
    """The signals table (shared/stores/signals.py); raises StoreUnavailable."""

    def insert(self, signal: Signal, now_ms: int, record: str) -> StoredSignal: ...
    def activate(self, signal: Signal, now_ms: int) -> bool: ...
    def withdraw(self, signal: Signal, now_ms: int) -> bool: ...
    def of_symbol(self, sym: str, start: int, end: int) -> Iterable[StoredSignal]: ...


class Judged(NamedTuple):
    """What strategies say of the due bars (by start, Unix ms) of one symbol and timeframe."""

    key: Key
    due: Mapping[int, Due]
    judgement: Judgement

    @property
    def finds(self) -> bool:
        """Whether there is any signal."""
        return any(signal is not None for signal in self.judgement.values())


def reconcile(judged: Iterable[Judged], store: Store, now_ms: Callable[[], int], *, tried: bool) -> list[StoredSignal]:
    """Activate and withdraw what has to be; returns every signal of these bars as the table held it before, new ones as
    they are now.

    Signals of a bar that is judged for the first time can only be new, so nothing is read for it; unless the batch may
    have been `tried` before.
    """
    judged = [one for one in judged if one.judgement]
    asked = [(one, times) for one in judged if (times := [t for t, due in one.due.items() if due.again or tried])]
    held: dict[str, StoredSignal] = {}
    with ThreadPoolExecutor(PARALLEL) as pool:
        for found in pool.map(lambda ask: _held(ask[0], ask[1], store), asked):
            held |= found
        changes = [change for one in judged for change in _changes(one, held, store, now_ms)]
        return list(pool.map(lambda change: change(), changes))


def _held(judged: Judged, times: list[int], store: Store) -> dict[str, StoredSignal]:
    """Stored signals by id of these bars."""
    stored = store.of_symbol(judged.key[0], min(times), max(times) + 1)
    return {one.id: one for one in stored if one.id in judged.judgement}


def _changes(
    judged: Judged, held: Mapping[str, StoredSignal], store: Store, now_ms: Callable[[], int]
) -> Iterator[Callable[[], StoredSignal]]:
    for id_, signal in judged.judgement.items():
        stored = held.get(id_)
        if signal is None and stored is not None:
            yield partial(_withdraw, stored, store, now_ms)
        elif signal is not None:
            yield partial(_activate, signal, stored, judged.due[signal.t].record, store, now_ms)


def _withdraw(stored: StoredSignal, store: Store, now_ms: Callable[[], int]) -> StoredSignal:
    if stored.status == "active":
        store.withdraw(stored.signal, now_ms())
    return stored


def _activate(
    signal: Signal, stored: StoredSignal | None, record: str, store: Store, now_ms: Callable[[], int]
) -> StoredSignal:
    stored = stored or store.insert(signal, now_ms(), record)
    if stored.status != "active" or stored.signal != signal:
        store.activate(signal, now_ms())
    return stored
