"""Whom the nightly asks, by what a state folder belongs to."""

import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from local_dev.cli.batch_source import source_of_feed, source_of_state
from local_dev.runtime.feed import Feed
from local_dev.runtime.platform import Platform
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.sources import Recorded, Simulated
from local_dev.runtime.state import Record, Source, Spans
from tests.unit.local_dev.vendor.table_files import bar, write_daily

HISTORY: Spans = ((1_763_960_400_000, 1_764_082_980_000),)
PROMISE_S = 1_764_090_000


def platform(folder: Path, record: Record) -> Platform:
    control = SimpleNamespace(epochs=lambda: [{"promise": PROMISE_S}])
    supervisor = Supervisor(folder / "logs")
    made = SimpleNamespace(state=SimpleNamespace(record=record), supervisor=supervisor, control=control)
    return cast(Platform, made)


def feed(source: object) -> Feed:
    return cast(Feed, SimpleNamespace(source=source, url="http://127.0.0.1:1"))


def test_a_stopped_simulated_market_is_served_from_where_its_feed_had_come_to(tmp_path: Path) -> None:
    """Its first minute after the history is the one that is made of trades."""
    stopped = platform(tmp_path, Record(source=Source("sim", pace="10x"), past=HISTORY))
    try:
        with source_of_state(stopped) as source:
            assert source is not None
            assert (source.name, source.metered) == ("sim", False)
            with urllib.request.urlopen(f"{source.base}/__feed", timeout=10) as answer:  # noqa: S310 -- ours
                assert b'"simulated": true' in answer.read()
            argv = next(child.command.argv for child in stopped.supervisor.children)
    finally:
        stopped.supervisor.stop()
    assert argv[argv.index("--streamed") + 1] == f"{HISTORY[0][1]}-"
    assert (argv[argv.index("--from-ms") + 1], argv[argv.index("--speed") + 1]) == (str(PROMISE_S * 1000), "10")


@pytest.mark.parametrize("source", [None, Source("none")])
def test_a_folder_that_belongs_to_nobody_has_nobody_to_ask(tmp_path: Path, source: Source | None) -> None:
    with source_of_state(platform(tmp_path, Record(source=source))) as found:
        assert found is None


def test_files_with_bars_beside_their_trades_are_asked_and_others_are_not(tmp_path: Path) -> None:
    assert source_of_feed(feed(Recorded(tmp_path, "max"))) is None
    write_daily(tmp_path, bar("A", "2020-01-02"))
    found = source_of_feed(feed(Recorded(tmp_path, "max")))
    assert found is not None
    assert (found.name, found.base) == (str(tmp_path), "http://127.0.0.1:1")


def test_a_simulated_market_that_runs_tells_its_own_history() -> None:
    found = source_of_feed(feed(Simulated("1")))
    assert found is not None
    assert (found.name, found.base, found.metered) == ("sim", "http://127.0.0.1:1", False)
