"""What a full minute costs: twenty symbols close a bar of every timeframe, with the packaged strategies."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from shared.bars.sessions import sessions_named
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.frames import VERSION, BarRecord, encode, partial_to_wire
from shared.models.bar import Partial
from shared.stores.control import Progress
from shared.stores.lake import Lake
from shared.stores.rings import ClosedBar, Rings, RingsState
from shared.stores.valkey import Valkey
from speed_layer.engine.python import NAME
from speed_layer.signals.closed import ClosedBars
from speed_layer.signals.config import configured
from speed_layer.signals.handler import kept_bars
from speed_layer.signals.service import Edges, Marks, handle
from tests.fakes.bar_rows import BarRows
from tests.fakes.control_rows import ControlRows
from tests.fakes.s3 import S3
from tests.fakes.signal_rows import SignalRows
from tests.fakes.valkey import ValkeyServer
from tests.unit.shared.indicators.test_against_talib import walk
from tests.unit.speed_layer.feed import S0
from tests.unit.speed_layer.records import record

SYMBOLS = [f"SYM{number}" for number in range(20)]
HOUR = S0 - S0 % 3600
"""Unix seconds: every timeframe closes here."""


def partial(t: int, price: float, count: int) -> Partial:
    nano = round(price * 10**9)
    first, last = (f"{t + ms:013d}{q:012d}{nano:018d}" for q, ms in ((1, 0), (2, 900)))
    return Partial(first, last, nano, nano, count * 10**8, count * nano * 10**8, count)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path)
    yield server
    server.kill()


def minute(hour: int) -> bytes:
    """The records of the minute that ends an hour (Unix seconds): a bar of each timeframe for every symbol."""
    price = walk(5)
    return encode(
        [
            BarRecord(VERSION, sym, tf, t, partial_to_wire(partial(t, price[hour // 3600 % 60], 9)), 0, NAME, hour)
            for tf, seconds in STREAM_TIMEFRAMES.items()
            for sym in SYMBOLS
            for t in [(hour - seconds) * 1000]
        ]
    )


def a_million_steps() -> float:
    """Processor seconds of a plain loop, about 70 ms where nothing else runs: what this machine is worth just now."""
    begin = time.process_time()
    total = 0.0
    for number in range(1_000_000):
        total += number * 0.5
    return time.process_time() - begin


def test_a_full_minute_takes_well_under_100_ms_of_processor_time(server: ValkeyServer) -> None:
    strategies = configured()
    kept = kept_bars(strategies)
    control, signals = ControlRows(), SignalRows()
    rings = Rings(Valkey(server.client, time.monotonic), kept)
    rows = BarRows()
    prices = walk(1)[:400]
    whole = {
        (sym, tf): [
            ClosedBar(t, 9, 0, partial(t, prices[n % len(prices)], 9))
            for n in range(kept[tf])
            for t in [(HOUR - (kept[tf] - n) * seconds) * 1000]
        ]
        for tf, seconds in STREAM_TIMEFRAMES.items()
        if tf in kept
        for sym in SYMBOLS
    }
    ClosedBars(rings, rows, kept).begin("", "1")
    state = rings.state()
    assert state is not None
    rings.write(RingsState(state.generation, "1"), {}, whole)
    control.put_progress("signals", Progress("1", HOUR, 0))
    edges = Edges(
        cast(Marks, control),
        ClosedBars(rings, rows, kept),
        rows,
        signals,
        Lake(S3(), "lake"),
        strategies,
        sessions_named("XNYS"),
        lambda: HOUR * 1000,
        time.sleep,
    )
    took = []
    for number in range(1, 6):
        batch = [record(minute(HOUR + number * 3600), number + 1)]
        begin = time.process_time()
        handle(batch, edges)
        took.append(time.process_time() - begin)
    assert min(took[1:]) < min(a_million_steps() for _ in range(3)), "the first one reads its rings from the cache"
    assert len(signals.rows) >= len(SYMBOLS), "there was something to say"
    assert rows.reads == 0, "every ring was there"
