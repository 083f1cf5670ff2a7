"""Loading the past of the simulated market into tables of the emulator: minutes, symbols, signals."""

import itertools

import pytest

from local_dev.runtime import load_past
from local_dev.runtime.destinations import Clients
from local_dev.runtime.load_past import Loader
from local_dev.runtime.past_task import Task
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.signals import SignalStore
from speed_layer.signals.settings import SignalsSettings

HOUR, MINUTE = 3_600_000, 60_000
END = 1_767_999_600_000  # a whole hour
SPIKES = '[{"strategy": "volume_spike", "timeframes": ["1m"], "params": {"bars": 2, "factor": 1.1}}]'
KEYS = {"bars": ("sym", "t", "N"), "control": ("pk", "sk", "S"), "signals": ("sym", "bar", "S")}
_runs = itertools.count()


class Tables:
    """Tables of their own, empty at first, and a loader of them whose clock stands `late_ms` after END."""

    def __init__(self, emulator: Clients, monkeypatch: pytest.MonkeyPatch, late_ms: int = 0) -> None:
        run, dynamodb = next(_runs), emulator("dynamodb")
        names = {name: f"{name}-past-{run}" for name in KEYS}
        for name, (partition, sort, kind) in KEYS.items():
            dynamodb.create_table(
                TableName=names[name],
                AttributeDefinitions=[
                    {"AttributeName": partition, "AttributeType": "S"},
                    {"AttributeName": sort, "AttributeType": kind},
                ],
                KeySchema=[
                    {"AttributeName": partition, "KeyType": "HASH"},
                    {"AttributeName": sort, "KeyType": "RANGE"},
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        monkeypatch.setattr(load_past, "_now_s", lambda: (END + late_ms) // 1000)
        settings = SignalsSettings(
            names["bars"], names["control"], names["signals"], "", "", sessions="SIMULATED", strategies=SPIKES
        )
        self.loader = Loader(dynamodb, settings, seed=1)
        self.bars, self.control = BarStore(dynamodb, names["bars"]), ControlStore(dynamodb, names["control"])
        self.signals = SignalStore(dynamodb, names["signals"])

    def minutes(self, sym: str) -> list[int]:
        return [item.t for item in self.bars.minutes(sym, END - 4 * HOUR, END + HOUR, END // 1000)]


def test_minutes_symbols_and_signals_are_there_and_counted(emulator: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Tables(emulator, monkeypatch)
    tables.control.put_symbols(["ZZZ"])
    done = tables.loader.carry_out(Task(((END - 2 * HOUR, END),), (END - 2 * HOUR, END), seed=1, grows=True))
    assert (done.since, done.until) == (END - 2 * HOUR, END)
    symbols = tables.control.symbols()
    assert len(symbols) == done.symbols + 1
    assert "ZZZ" in symbols
    minutes = tables.minutes("SPY")
    assert (minutes[0], minutes[-1]) == (END - 2 * HOUR, END - MINUTE)
    stored = [one for sym in symbols for one in tables.signals.of_symbol(sym, 0, END)]
    assert done.signals == len(stored) == tables.control.signal_counts()["stored"]
    assert {one.known_at - one.t for one in stored} == {MINUTE}


def test_minutes_that_pass_while_it_loads_are_loaded_too(emulator: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Tables(emulator, monkeypatch, late_ms=2 * MINUTE + 59_000)
    done = tables.loader.carry_out(Task(((END - HOUR, END),), (END - HOUR, END), seed=1, grows=True))
    assert done.until == END + 2 * MINUTE
    assert tables.minutes("SPY")[-1] == END + MINUTE
    judged = [one.t for sym in tables.control.symbols() for one in tables.signals.of_symbol(sym, 0, END + HOUR)]
    assert max(judged) == END + MINUTE


def test_spans_that_follow_one_another_give_the_signals_of_the_whole_each_counted_once(
    emulator: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    middle = END - 37 * MINUTE
    pieces, whole = Tables(emulator, monkeypatch), Tables(emulator, monkeypatch)
    for span in ((END - 2 * HOUR, middle), (middle, END)):
        pieces.loader.carry_out(Task((span,), span, seed=1, grows=False, symbols=("SPY",)))
    span = END - 2 * HOUR, END
    whole.loader.carry_out(Task((span,), span, seed=1, grows=False, symbols=("SPY",)))
    expected = list(whole.signals.of_symbol("SPY", 0, END))
    assert min(one.t for one in expected) < middle - MINUTE < max(one.t for one in expected)
    assert list(pieces.signals.of_symbol("SPY", 0, END)) == expected
    assert pieces.control.signal_counts() == whole.control.signal_counts() == {"stored": len(expected)}


def test_a_span_of_the_past_stays_within_its_end(emulator: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Tables(emulator, monkeypatch, late_ms=HOUR)
    spans = ((END - 3 * HOUR, END - 2 * HOUR), (END - HOUR, END))
    done = tables.loader.carry_out(Task(spans, None, seed=1, grows=False))
    assert (done.since, done.until, done.signals) == (END - 3 * HOUR, END, 0)
    minutes = tables.minutes("SPY")
    assert not [t for t in minutes if END - 2 * HOUR <= t < END - HOUR]
    assert (minutes[0], minutes[-1]) == (END - 3 * HOUR, END - MINUTE)


def test_only_symbols_of_the_feed_are_told_and_judged(emulator: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Tables(emulator, monkeypatch)
    done = tables.loader.carry_out(
        Task(((END - 2 * HOUR, END),), (END - 2 * HOUR, END), seed=1, grows=True, symbols=("SPY", "AAPL"))
    )
    assert (done.symbols, tables.control.symbols()) == (2, ["AAPL", "SPY"])
    assert list(tables.signals.of_symbol("MSFT", 0, END)) == []


def test_loading_again_changes_nothing(emulator: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    tables, task = Tables(emulator, monkeypatch), Task(((END - HOUR, END),), None, seed=1, grows=False)
    tables.loader.carry_out(task)
    before = list(tables.bars.minutes("SPY", END - HOUR, END, END // 1000))
    tables.loader.carry_out(task)
    assert list(tables.bars.minutes("SPY", END - HOUR, END, END // 1000)) == before
