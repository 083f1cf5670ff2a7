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
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.clients.kinesis import PutRecords
from shared.frames import BarRecord, decode_bars, decode_frame, partial_from_wire
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
Bars = dict[tuple[str, str, int], Partial]


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


def arrived(kinesis: Any, stream: str) -> list[BarRecord]:
    """Every closed window in the stream, as often as it came."""
    shard = kinesis.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    page = kinesis.get_records(ShardIterator=iterator["ShardIterator"], Limit=10_000)
    return [bar for record in page["Records"] for bar in decode_bars(record["Data"])]


def told(bars: list[BarRecord]) -> Bars:
    """Each window; of one that came more than once, all were the same."""
    windows: Bars = {}
    for bar in bars:
        partial = partial_from_wire(bar.partial)
        assert windows.setdefault((bar.sym, bar.tf, bar.t), partial) == partial
    return windows


def await_bars(kinesis: Any, wanted: int) -> list[BarRecord]:
    """Until so many have come, repeated ones each time."""
    deadline = time.monotonic() + ARRIVE_S
    while len(bars := arrived(kinesis, "bars")) < wanted and time.monotonic() < deadline:
        time.sleep(0.5)
    return bars


def closed_by(frames: list[bytes], want: Bars) -> Bars:
    promise = max(p.sec for frame in frames for p in decode_frame(frame) if not p.sym)
    return {key: value for key, value in want.items() if key[2] // 1000 + STREAM_TIMEFRAMES[key[1]] <= promise}


@pytest.mark.fault("F65")
def test_windows_close_by_heartbeats_of_both_shards_and_a_killed_job_repeats_them(
    jar: Path, url: str, tmp_path: Path
) -> None:
    """The feed in thirds, and after each its windows: nothing waits for the end, of which there is none. Before the
    last part the job is killed; the next one begins at the oldest record."""
    feed = generate(tmp_path / "feed", 41, days=(DAY,), bursts=6)
    path = beating(feed.files, 41, frame=40, decisions=0.5)
    kinesis = clients(url)("kinesis")
    for name, shards in (("trades", SHARDS), ("bars", 1)):
        kinesis.create_stream(StreamName=name, ShardCount=shards)
    put = PutRecords(kinesis, "trades", SHARDS)
    want = {(sym, tf, t): partial for (sym, tf), windows in path.base.items() for t, partial in windows.items()}
    third = len(path.frames) // 3
    first, second = (closed_by(path.frames[: n * third], want) for n in (1, 2))
    assert 50 < len(first) < len(second) < len(want)

    def give(frames: list[bytes]) -> None:
        by_call = [(lane_of(frame), frame) for frame in frames]
        for start in range(0, len(by_call), 100):
            assert all(put(by_call[start : start + 100]))
        assert all(put([(lane, data) for lane, data in enumerate(BROKEN) if data]))

    with flink_job.jvm(jar) as jvm:
        job = flink_job.start(jvm, kinesis, url, trades="trades", bars="bars")
        for frames, windows in ((path.frames[:third], first), (path.frames[third : 2 * third], second)):
            give(frames)
            assert told(await_bars(kinesis, len(windows))) == windows
        assert job.is_running
        job.cancel()
        give(path.frames[2 * third :])
        job = flink_job.start(jvm, kinesis, url, trades="trades", bars="bars")
        bars = await_bars(kinesis, len(second) + len(want))
        assert len(bars) == len(second) + len(want), "what was told came again"
        assert told(bars) == want
        assert job.is_running
        job.cancel()
