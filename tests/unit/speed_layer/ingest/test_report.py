"""What the control table learns of an ingester: counts, and every symbol that there is."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from shared.errors import StoreUnavailable
from shared.stores.control import ControlStore
from speed_layer.ingest.report import SYMBOLS_EVERY_S, report
from tests.fakes import virtual_time
from tests.unit.speed_layer.feed import T0, trade
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor


class Control:
    """`failing` calls fail before the others succeed."""

    def __init__(self, symbols: list[str], failing: int = 0) -> None:
        self.held, self.failing = symbols, failing
        self.written: list[tuple[float, list[str]]] = []
        self.states: list[str] = []

    def put_epoch(self, epoch: int, counts: dict[str, Any]) -> None:
        self.states.append(counts["state"])

    def symbols(self) -> list[str]:
        if self.failing:
            self.failing -= 1
            raise StoreUnavailable("control table")
        return self.held

    def put_symbols(self, symbols: list[str]) -> None:
        self.held = symbols
        self.written.append((asyncio.get_running_loop().time(), symbols))


def play(control: Control, symbols: Sequence[str] = ("SPY", "BAC", "SPY", "AIG"), quiet_s: float = 0.0) -> None:
    """A trade every 3 s, then silence, then the feed's end."""

    async def scene(run: Run) -> None:
        telling = asyncio.create_task(report(run.ingester, run.publisher, cast(ControlStore, control), 1))
        await run.ingester.on_up()
        for n, sym in enumerate(symbols):
            await run.send(trade(n, T0 + n * 1_000, sym=sym))
            await asyncio.sleep(3)
        await asyncio.sleep(quiet_s)
        await run.end()
        await telling

    assert virtual_time.run(Streams().ingester(1, Vendor([])).live_through(scene))


def test_new_symbols_join_those_that_the_table_holds_every_10_seconds_and_at_the_end() -> None:
    control = Control(["XOM"])
    play(control, "ABCDEFGH")
    assert control.held == [*"ABCDEFGH", "XOM"]
    times = [at - virtual_time.START_S for at, _ in control.written]
    assert times == [SYMBOLS_EVERY_S, 2 * SYMBOLS_EVERY_S, pytest.approx(24, abs=1.5)]


def test_symbols_that_are_known_are_not_written_again() -> None:
    control = Control(["AIG", "BAC", "SPY"])
    play(control, quiet_s=60)
    assert control.written == []


def test_symbols_that_the_table_did_not_take_are_told_later_and_the_counts_go_on() -> None:
    control = Control([], failing=2)
    play(control, quiet_s=2)
    assert control.failing == 0
    assert control.held == ["AIG", "BAC", "SPY"]
    assert control.states.count("running") > 5
    assert control.states[-1] == "ended"
