"""`python -m local_dev.runtime.load_past`: minutes of the simulated market into the bars table, and their signals.

Its last line says what was loaded. Repeating it changes nothing.
"""

import os
import sys
import time
from typing import Any

import msgspec

from local_dev.runtime.past_signals import past_signals
from local_dev.runtime.past_task import DAY_MS, Done, Task
from local_dev.simulator.history import load
from shared.bars.sessions import sessions_named
from shared.bars.windows import MINUTE_MS
from shared.clients.aws import client
from shared.settings import read
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.signals import SignalStore
from speed_layer.signals.config import configured
from speed_layer.signals.settings import SignalsSettings

LATER = 10
"""How far a process that nobody waits for stands behind those that serve (nice)."""


class Loader:
    """`settings`: those of the signals function, which knows every table that is needed."""

    def __init__(self, dynamodb: Any, settings: SignalsSettings, seed: int) -> None:
        self._bars = BarStore(dynamodb, settings.bars_table)
        self._control = ControlStore(dynamodb, settings.control_table)
        self._signals = SignalStore(dynamodb, settings.signals_table)
        self._strategies, self._sessions = configured(settings.strategies), sessions_named(settings.sessions)
        self._seed = seed

    def carry_out(self, task: Task) -> Done:
        """Raises StoreUnavailable."""
        loaded = [self._load(*span) for span in task.spans][-1]
        symbols = [sym for sym in loaded if not task.symbols or sym in task.symbols]
        since, until = task.spans[0][0], task.spans[-1][1]
        if task.grows and (now := _now_s() * 1000 // MINUTE_MS * MINUTE_MS) > until:
            self._load(until, now)
            until = now
        signals = 0
        if task.judged:
            judged_from, judged_to = task.judged
            judged_to = max(judged_to, until)
            self._control.put_symbols(sorted({*self._control.symbols(), *symbols}))
            signals = sum(self._judge(sym, judged_from, judged_to) for sym in symbols)
            self._control.put_signal_counts({"stored": self._control.filled_in_signals() + signals})
        loaded_ms = sum(end - start for start, end in task.spans)
        return Done(len(symbols), round(loaded_ms / DAY_MS), signals, since, until)

    def _load(self, since: int, until: int) -> list[str]:
        return load(self._bars, since, until, _now_s(), seed=self._seed, say=_say)

    def _judge(self, sym: str, since: int, until: int) -> int:
        found = past_signals(
            self._bars,
            self._strategies,
            self._sessions,
            sym,
            since=since,
            until=until,
            now_s=_now_s(),
        )
        return self._signals.put_many(found)


def _now_s() -> int:
    return int(time.time())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    task = msgspec.json.decode(os.environ["TASK"], type=Task)
    if not task.awaited:
        os.nice(LATER)
    dynamodb = client("dynamodb", read_timeout_s=30.0, attempts=3)
    done = Loader(dynamodb, read(SignalsSettings), task.seed).carry_out(task)
    _say(msgspec.json.encode(done).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
