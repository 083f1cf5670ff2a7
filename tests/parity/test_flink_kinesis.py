"""The Flink job by the real Kinesis connector, on the emulator's streams: frames in, records out as the feed goes on.

The connector's jar is the one in locks/connector.json, or the file that FLINK_CONNECTOR names.
"""

import os
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from local_dev.runtime import flink_job
from local_dev.runtime.deploy import clients
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.servers import start_emulator
from shared.clients.kinesis import PutRecords
from shared.frames import decode_bars, decode_frame, partial_from_wire
from shared.models.bar import Partial
from stacks.constructs.connector import ConnectorError, connector, locked
from tests.effort import everything
from tests.parity.flink_path import BROKEN, beating
from tests.parity.generate import generate

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(not everything(), reason="a job of Flink's more: make parity runs it"),
]
SHARDS = 2
DAY = date(2013, 11, 29)
ARRIVE_S = 300.0


@pytest.fixture(scope="module")
def jar() -> Path:
    named = os.environ.get("FLINK_CONNECTOR")
    try:
        return Path(named) if named else connector(locked())
    except ConnectorError as error:
        pytest.skip(str(error))


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    supervisor = Supervisor(tmp_path / "logs")
    yield start_emulator(supervisor, tmp_path).url
    supervisor.stop()


def lane_of(frame: bytes) -> int:
    return int(decode_frame(frame)[0].f.split("-")[1])


def arrived(kinesis: Any, stream: str) -> dict[tuple[str, str, int], Partial]:
    """Every closed window in the stream; of one that came more than once, all were the same."""
    bars: dict[tuple[str, str, int], Partial] = {}
    shard = kinesis.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    page = kinesis.get_records(ShardIterator=iterator["ShardIterator"], Limit=10_000)
    for record in page["Records"]:
        for bar in decode_bars(record["Data"]):
            partial = partial_from_wire(bar.partial)
            assert bars.setdefault((bar.sym, bar.tf, bar.t), partial) == partial
    return bars


def await_bars(kinesis: Any, wanted: int) -> dict[tuple[str, str, int], Partial]:
    deadline = time.monotonic() + ARRIVE_S
    while len(bars := arrived(kinesis, "bars")) < wanted and time.monotonic() < deadline:
        time.sleep(0.5)
    return bars


def test_windows_close_by_heartbeats_of_both_shards(jar: Path, url: str, tmp_path: Path) -> None:
    """Half of the feed, its windows, the other half, the rest: nothing waits for the end, of which there is none."""
    feed = generate(tmp_path / "feed", 41, days=(DAY,), bursts=6)
    path = beating(feed.files, 41, frame=40, decisions=0.5)
    kinesis = clients(url)("kinesis")
    for name, shards in (("trades", SHARDS), ("bars", 1)):
        kinesis.create_stream(StreamName=name, ShardCount=shards)
    put = PutRecords(kinesis, "trades", SHARDS)
    half = len(path.frames) // 2
    promised = max(p.sec for frame in path.frames[:half] for p in decode_frame(frame) if not p.sym)
    widths = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600}
    want = {(sym, tf, t): partial for (sym, tf), windows in path.base.items() for t, partial in windows.items()}
    closed = {key: value for key, value in want.items() if key[2] // 1000 + widths[key[1]] <= promised}
    assert 100 < len(closed) < len(want)
    with flink_job.jvm(jar) as jvm:
        job = flink_job.start(jvm, kinesis, url, trades="trades", bars="bars")
        for part in (path.frames[:half], path.frames[half:]):
            by_call = [(lane_of(frame), frame) for frame in part]
            for start in range(0, len(by_call), 100):
                assert all(put(by_call[start : start + 100]))
            assert all(put([(lane, data) for lane, data in enumerate(BROKEN) if data]))
            expected = closed if part == path.frames[:half] else want
            bars = await_bars(kinesis, len(expected))
            assert {key: bars.get(key) for key in expected} == expected
        assert bars == want
        assert job.is_running
        job.cancel()
