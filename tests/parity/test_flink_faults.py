"""The Flink job when something is wrong with it: faults planted in its SQL are found, a killed job comes back whole.

`make test` looks only whether the faults can still be planted; `make parity` runs a job for each.
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local_dev.runtime.flink import FlinkFailed, FlinkJvm
from shared.frames import decode_bars, partial_from_wire
from speed_layer.engine.flink.main import statements
from speed_layer.persist.handler import persist
from tests.effort import everything
from tests.fakes.kinesis import Kinesis
from tests.parity import hand_made
from tests.parity.conftest import Fed, feed
from tests.parity.flink_path import PLAN, Edit, edited, emitted
from tests.parity.test_flink import Bars, differing, engines, expected, generated
from tests.unit.speed_layer.consumers import NOW_S, Consumers, kept
from tests.unit.speed_layer.records import record

pytestmark = pytest.mark.timeout(900)
ONLY_WHOLE = pytest.mark.skipif(not everything(), reason="a job of Flink's more: make parity runs it")


def instead(old: str, new: str) -> Edit:
    return lambda sql: sql.replace(old, new)


FAULTS: dict[str, Edit] = {
    "an open that comes last": instead("MIN(`first`) AS `first`", "MAX(`first`) AS `first`"),
    "a low that is the highest": instead("MIN(low) AS low", "MAX(low) AS low"),
    "repeats counted": instead(
        "PARTITION BY window_start, window_end, f,", "PARTITION BY window_start, window_end, f, RAND(),"
    ),
    "late parts in windows they came too late for": instead("closed < 1", "closed < 2"),
    "late parts left out of windows still open": instead("closed < 2", "closed < 1"),
    "parts of another version": instead("v = 1 AND", "v > 0 AND"),
    "a day's high that forgets the extended hours": instead("MAX(day_high)", "MAX(high)"),
    "shares cut to hundreds": instead("SUM(volume) AS", "SUM(TRUNCATE(volume, -2)) AS"),
}
"""What the comparison with the Python engine finds."""

BY_HAND: dict[str, Edit] = {
    "parts a second late: windows with their end in them": instead("ELSE sec END", "ELSE sec - 1 END"),
    "late parts at the end of their window": instead("MOD(sec, 300) + 299", "MOD(sec, 300) + 300"),
    "NaN read as nothing": instead("AND (bar.high IS NULL) = (bar.low IS NULL)", ""),
}
"""What the records written by hand find."""


@pytest.mark.parametrize("fault", [*FAULTS.values(), *BY_HAND.values()], ids=[*FAULTS, *BY_HAND])
def test_each_fault_can_be_planted(fault: Edit) -> None:
    assert edited(list(statements("files", {}, {})), fault)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Fed:
    return feed(tmp_path_factory.mktemp("small"), 36, frame=40, decisions=0.5, bursts=3)


@ONLY_WHOLE
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_planted_in_the_sql_is_found(jvm: FlinkJvm, small: Fed, fault: str, tmp_path: Path) -> None:
    made = emitted(jvm, small.shard, tmp_path / "out", edit=FAULTS[fault])
    assert differing(generated(made.bars), engines(small.path)) != []


@ONLY_WHOLE
@pytest.mark.fault("F68", "F70")
@pytest.mark.parametrize("fault", BY_HAND)
def test_a_fault_planted_at_a_boundary_is_found(jvm: FlinkJvm, small: Fed, fault: str, tmp_path: Path) -> None:
    made = emitted(jvm, small.shard, tmp_path / "out", edit=BY_HAND[fault])
    windows = {
        (sym, tf, t // 1000 - small.hand_made): hand_made.powers_in(partial.volume)
        for (sym, tf, t), partial in made.bars.items()
        if sym in hand_made.SYMBOLS
    }
    assert windows != expected(*hand_made.SYMBOLS)


@ONLY_WHOLE
@pytest.mark.fault("F67")
def test_a_job_that_minds_what_it_cannot_read_ends_with_it(jvm: FlinkJvm, small: Fed, tmp_path: Path) -> None:
    with pytest.raises(FlinkFailed):
        emitted(
            jvm,
            small.shard,
            tmp_path / "out",
            edit=instead("'json.ignore-parse-errors' = 'true'", "'json.ignore-parse-errors' = 'false'"),
        )


LIVE = {"execution.checkpointing.interval": "300 ms"}
AT_ONCE = {"sink.rolling-policy.rollover-interval": "200 ms", "sink.rolling-policy.check-interval": "100 ms"}


def records_of(out: Path) -> list[bytes]:
    """Files that Flink has not finished are hidden."""
    return [line for file in sorted(out.rglob("part-*")) for line in file.read_bytes().splitlines()]


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@ONLY_WHOLE
@pytest.mark.fault("F65")
def test_a_job_killed_in_the_middle_repeats_its_bars_and_consumers_end_with_the_same(
    jvm: FlinkJvm, small: Fed, tmp_path: Path
) -> None:
    """The second job begins at the oldest record."""
    lines = (small.shard / "shard").read_bytes().splitlines(keepends=True)
    shard = tmp_path / "shard"
    shard.mkdir()
    (shard / "1").write_bytes(b"".join(lines[: len(lines) // 2]))
    session = jvm.session(more={**PLAN, **LIVE})
    source = {"path": f"file://{shard}", "source.monitor-interval": "200 ms"}
    first, second = tmp_path / "first", tmp_path / "second"
    *tables, insert = statements("files", source, {"path": f"file://{first}", **AT_ONCE})
    for table in tables:
        session.execute_sql(table)
    job = session.execute_sql(insert)
    wait_for(lambda: len(records_of(first)) > 10)
    assert job.is_running, "nothing but we ends it"
    job.cancel()
    wait_for(lambda: job.is_over)
    whole = emitted(jvm, small.shard, second)
    killed, repeated = records_of(first), records_of(second)
    told = [{(bar.sym, bar.tf, bar.t) for data in some for bar in decode_bars(data)} for some in (killed, repeated)]
    assert 50 < len(told[0] & told[1]) < len(told[1]), "repeats, and more than repeats"
    assert differing(generated(whole.bars), engines(small.path)) == []
    minutes = {(sym, t): partial for (sym, tf, t), partial in whole.bars.items() if tf == "1m"}
    for stream in (killed + repeated, killed + repeated + killed):
        world = Consumers(Kinesis(), Kinesis(1))
        persist([record(data) for data in stream], world.edges, NOW_S)
        assert world.shown(sorted({sym for sym, _ in minutes})) == minutes
        assert largest(stream) == whole.bars


def largest(stream: list[bytes]) -> Bars:
    """What a consumer keeps of every timeframe."""
    best = kept([bar for data in stream for bar in decode_bars(data)])
    return {key: partial_from_wire(partial) for key, partial in best.items()}
