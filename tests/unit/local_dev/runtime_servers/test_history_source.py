"""The simulated market as a source of history, in a process of its own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from batch_layer.fetch.fetcher import Fetcher
from batch_layer.fetch.units import Unit
from local_dev.runtime.history_source import simulated
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.sources import Simulated
from local_dev.simulator.market import SYMBOLS
from shared.bars.sessions import SIMULATED, sessions_named
from shared.bars.windows import new_york_date, new_york_midnight_ms
from tests.unit.batch_layer.fetch.support import client, complete

HALF_HOUR_MS = 1_800_000


def test_what_a_nightly_asks_of_the_simulated_market_it_has(tmp_path: Path) -> None:
    """At ten times the host's pace, from a time in the future that its feed had reached."""
    supervisor = Supervisor(tmp_path / "logs")
    reached = int(datetime.now(UTC).timestamp() * 1000) + 40 * 86_400_000
    day = new_york_date(reached) - timedelta(days=1)
    streamed = new_york_midnight_ms(day) + HALF_HOUR_MS
    sessions = sessions_named(SIMULATED)
    try:
        past = ((streamed - HALF_HOUR_MS, streamed), (streamed + HALF_HOUR_MS, reached // 60_000 * 60_000))
        with simulated(supervisor, Simulated("10"), past, reached) as source:
            fetch = Fetcher(client(source.base), sessions, complete(), datetime.now(UTC))
            bars = fetch(Unit("grouped", start=day, end=day)).bars
            assert sorted(bar.sym for bar in bars) == sorted(SYMBOLS)
            (alone,) = fetch(Unit("range", "KO", day, day)).bars
            assert alone in bars
            assert fetch(Unit("splits", asked=day)).splits == []
            assert [one.sym for one in fetch(Unit("tickers", asked=day)).tickers] == sorted(SYMBOLS)
    finally:
        supervisor.stop()
