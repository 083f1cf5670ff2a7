"""From the raw log alone: the tables as the stream functions had left them, and the stream's tail."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import cast

import pytest

from local_dev.runtime.raw_log import Rebuilt, SpeedView, rebuild
from shared.bars.algebra import merge_all
from shared.bars.sessions import new_york_sessions
from shared.clients.kinesis import PutRecords
from shared.frames import Part, decode_frame, partial_from_wire
from shared.models.bar import Partial
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.lake import Lake
from shared.stores.ticks import TTL_S, TickStore
from speed_layer.archive.handler import archive
from tests.fakes.bar_rows import BarRows
from tests.fakes.control_rows import ControlRows
from tests.fakes.kinesis import Kinesis
from tests.fakes.s3 import S3
from tests.unit.speed_layer.feed import LANES, S0
from tests.unit.speed_layer.records import heartbeat, part, record

SHARDS, NOW_S = 2, S0 + 86_400


class Ticks:
    """Keeps what is put, by the name of its batch."""

    def __init__(self) -> None:
        self.batches: dict[str, list[Part]] = {}

    def put(self, parts: Iterable[Part], first_sequence: str, now_s: int) -> None:
        assert first_sequence not in self.batches
        assert now_s == NOW_S
        self.batches[first_sequence] = list(parts)

    @property
    def parts(self) -> list[Part]:
        return [part for batch in self.batches.values() for part in batch]


class Machine:
    """A raw log, and empty tables and streams after a kill."""

    def __init__(self) -> None:
        self.ticks = Ticks()
        self.lake, self.rows, self.control, self.stream = Lake(S3(), "lake"), BarRows(), ControlRows(), Kinesis(SHARDS)

    def log(self, shard: int, *frames: list[Part]) -> None:
        """Archive frames of a shard, each in a batch of its own."""
        for number, parts in enumerate(frames):
            arrived = datetime.fromtimestamp(max(one.sec for one in parts), UTC).date()
            archive([record(parts, number, shard)._replace(arrived=arrived)], self.lake)

    def rebuild(self, tail_from_s: int = 0) -> Rebuilt | None:
        put = PutRecords(self.stream, "trades", SHARDS)
        bars, control = cast(BarStore, self.rows), cast(ControlStore, self.control)
        ticks = cast(TickStore, self.ticks)
        view = SpeedView(bars, ticks, control, put, SHARDS, LANES, new_york_sessions())
        return rebuild(self.lake, view, NOW_S, tail_from_s=tail_from_s)

    def shown(self) -> list[tuple[int, Partial]]:
        return [(item.t, item.shown) for item in self.rows.minutes("SPY", 0, 10**14, NOW_S)]


def vouches(rebuilt: Rebuilt | None) -> int | None:
    """The promise of a rebuild, None for one of an empty log."""
    return rebuilt.promise if rebuilt else None


@pytest.fixture
def machine() -> Machine:
    return Machine()


def _partial(*parts: Part) -> Partial:
    return merge_all(partial_from_wire(one.bar) for one in parts if one.bar)


def test_parts_in_time_and_late_parts_are_in_their_minute_once(machine: Machine) -> None:
    first, late, again = part(S0, (1, 2)), part(S0 + 1, (3,), f="1-0-2", late=1), part(S0, (1, 2))
    machine.log(0, [first], [late], [again])
    machine.rebuild()
    assert machine.shown() == [(S0 * 1000, _partial(first, late))]
    assert machine.control.marks == {("SPY", (S0 - 1_800) * 1000)}


def test_a_very_late_trade_that_had_been_counted_before_is_not_counted_by_the_rebuild_either(machine: Machine) -> None:
    machine.log(0, [part(S0, (1, 2))], [part(S0, (1, 3), f="1-0-2", late=5)], [part(S0, (2,), f="1-0-3", late=5)])
    machine.rebuild()
    assert machine.shown() == [(S0 * 1000, _partial(part(S0, (1, 2, 3))))]


def test_the_log_is_vouched_for_up_to_the_heartbeat_of_the_slower_shard(machine: Machine) -> None:
    machine.log(0, [part(S0)], [heartbeat(S0 + 9)])
    machine.log(1, [heartbeat(S0 + 4)])
    assert vouches(machine.rebuild()) == S0 + 4
    heartbeats = {one.sec for data in machine.stream.records() for one in decode_frame(data) if not one.sym}
    assert heartbeats == {S0 + 3, S0 + 4}


def test_a_gap_that_was_not_filled_yet_is_still_told(machine: Machine) -> None:
    machine.log(0, [part(S0)], [Part(1, "1-0-1", "", S0 + 9, gap=S0 * 1000 - 5_000)])
    machine.log(1, [heartbeat(S0 + 4)])
    machine.rebuild()
    heartbeats = [one for data in machine.stream.records() for one in decode_frame(data) if not one.sym]
    assert {one.gap for one in heartbeats} == {S0 * 1000 - 5_000}


def test_a_shard_without_a_heartbeat_vouches_for_nothing(machine: Machine) -> None:
    machine.log(0, [part(S0)], [heartbeat(S0 + 9)])
    assert vouches(machine.rebuild()) == 0


def test_the_tail_is_back_in_the_stream_and_epochs_go_on_after_the_greatest(machine: Machine) -> None:
    parts = [part(S0 + 60, (1,), f="7-0-1"), part(S0 + 61, (2,), f="12-0-1")]
    machine.log(0, parts, [heartbeat(S0 + 62)])
    machine.log(1, [heartbeat(S0 + 62)])
    machine.rebuild()
    assert [one for data in machine.stream.records() for one in decode_frame(data) if one.sym] == parts
    assert machine.control.take_lease("next", NOW_S, NOW_S + 10) == 13


def test_symbols_and_the_first_and_last_of_the_log_are_told(machine: Machine) -> None:
    machine.log(0, [part(S0 + 60, (1,)), part(S0 + 61, (3,), f="1-0-2", sym="AIG", late=1)], [heartbeat(S0 + 62)])
    machine.log(1, [heartbeat(S0 + 62)])
    newest = max(row.t for row in part(S0 + 61, (3,)).trades)
    assert machine.rebuild() == (S0 + 62, newest, (S0 + 60) * 1000, ["AIG", "SPY"])


def test_ticks_are_back_each_part_once_as_far_as_they_would_still_be_kept(machine: Machine) -> None:
    old, kept = part(S0, (1,)), part(S0 + TTL_S + 1, (2,), f="1-0-2")
    machine.log(0, [old], [kept], [kept], [heartbeat(S0 + TTL_S + 1)])
    machine.log(1, [heartbeat(S0 + TTL_S + 1)])
    machine.rebuild()
    assert machine.ticks.parts == [kept]


@pytest.mark.parametrize(("tail_from_s", "tail"), [(S0 + 1, True), (S0 + 2, False)])
def test_a_live_feed_that_stopped_long_ago_has_no_tail_to_go_on_from(
    machine: Machine, tail_from_s: int, tail: bool
) -> None:
    machine.log(0, [part(S0)], [heartbeat(S0 + 1)])
    machine.log(1, [heartbeat(S0 + 1)])
    machine.rebuild(tail_from_s)
    assert bool(machine.stream.records()) is tail
    assert machine.shown() == [(S0 * 1000, _partial(part(S0)))]


def test_an_empty_log_gives_nothing(machine: Machine) -> None:
    assert machine.rebuild() is None
    assert machine.stream.records() == []
