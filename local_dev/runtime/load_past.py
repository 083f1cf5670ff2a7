"""`python -m local_dev.runtime.load_past`: minutes of the simulated market into the bars table, and their signals.

Its last line says what was loaded.
"""

import os
import sys
import time

from local_dev.runtime.past_signals import past_signals
from local_dev.simulator.history import load
from shared.bars.sessions import sessions_named
from shared.clients.aws import client
from shared.settings import read
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.signals import SignalStore
from speed_layer.signals.config import configured
from speed_layer.signals.settings import SignalsSettings

DAY_MS = 86_400_000


def main() -> int:
    settings, now_s = read(SignalsSettings), int(time.time())
    spans = [tuple(map(int, span.split("-"))) for span in os.environ["SPANS"].split(",")]
    dynamodb = client("dynamodb", read_timeout_s=30.0, attempts=3)
    bars, control = BarStore(dynamodb, settings.bars_table), ControlStore(dynamodb, settings.control_table)
    symbols: list[str] = []
    for since, until in spans:
        symbols = load(bars, since, until, now_s, seed=int(os.environ["SEED"]), say=_say)
    control.put_symbols(sorted({*control.symbols(), *symbols}))
    until = spans[-1][1]
    strategies, sessions = configured(settings.strategies), sessions_named(settings.sessions)
    signals = SignalStore(dynamodb, settings.signals_table)
    stored = sum(
        signals.put_many(past_signals(bars, strategies, sessions, sym, since=until - DAY_MS, until=until, now_s=now_s))
        for sym in symbols
    )
    days = round(sum(until - since for since, until in spans) / DAY_MS)
    _say(f"{len(symbols)} symbols, {days} sessions, {stored} signals")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
