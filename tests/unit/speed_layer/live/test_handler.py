"""Late parts: stored once, in whatever order they and the engine's minutes arrive."""

import itertools
import random
from typing import Any

import pytest
from msgspec.structs import replace

from shared.bars.algebra import merge_all
from shared.bars.sessions import SIMULATED, new_york_sessions, sessions_named
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.errors import StoreUnavailable
from shared.frames import VERSION, BarRecord, Part, decode_bars, encode, partial_from_wire, partial_to_wire
from shared.models.bar import Partial
from shared.stores.bars import LatePart
from shared.stores.old_trades import without_known_trades
from speed_layer.archive.handler import archive
from speed_layer.engine.python import NAME
from speed_layer.kinesis_event import StreamRecord
from speed_layer.live.handler import handle
from tests.fakes.kinesis import Answer, Kinesis
from tests.unit.speed_layer.consumers import NOW_S, Consumers, kept
from tests.unit.speed_layer.feed import S0
from tests.unit.speed_layer.records import part, record

MINUTE = S0 * 1000


@pytest.fixture
def world() -> Consumers:
    return Consumers(Kinesis(), Kinesis(1))


def _partial(one: Part) -> Partial:
    assert one.bar is not None
    return partial_from_wire(one.bar)


def _base(*parts: Part) -> StreamRecord:
    """The engine's one-minute record of some parts."""
    wire = partial_to_wire(merge_all(map(_partial, parts)))
    return record(encode([BarRecord(VERSION, "SPY", "1m", MINUTE, wire, 0, NAME, S0 + 60)]))


def _revised(world: Consumers) -> list[tuple[str, int, int, int]]:
    """(timeframe, start in Unix s, count, rev) of every record sent, in order."""
    records = [one for data in world.bars.records() for one in decode_bars(data)]
    return [(one.tf, one.t // 1000, one.partial.count, one.rev) for one in records]


def test_only_late_parts_are_kept_and_no_heartbeat(world: Consumers) -> None:
    handle([record([part(S0), part(S0 + 1, late=1)])], world.edges, NOW_S)
    (item,) = world.rows.minutes("SPY", 0, 10**14, NOW_S)
    assert item.late == {f"1-0-1#{S0 + 1}": LatePart(1, _partial(part(S0 + 1)))}
    assert item.base is None


@pytest.mark.fault("F16")
@pytest.mark.parametrize("rank", range(1, 6))
def test_every_timeframe_that_had_closed_on_it_is_revised_and_no_other(rank: int, world: Consumers) -> None:
    handle([record([part(S0 + 1, late=rank)])], world.edges, NOW_S)
    starts = {"1m": S0, "5m": S0, "15m": S0, "30m": S0, "1h": S0 - 1_800}
    assert _revised(world) == [(tf, starts[tf], 1, 1) for tf in list(STREAM_TIMEFRAMES)[:rank]]


def test_the_mark_comes_before_the_write_and_the_write_before_the_read(
    world: Consumers, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = world.control.log

    def logged(call: str) -> Any:
        original = getattr(world.rows, call)

        def called(*arguments: Any) -> Any:
            log.append(call)
            return original(*arguments)

        return called

    for call in ("put_late", "minutes"):
        monkeypatch.setattr(world.rows, call, logged(call))
    handle([record([part(S0 + 1, late=1), part(S0 + 2, late=1)])], world.edges, NOW_S)
    assert log == ["mark", "put_late", "put_late", "minutes"]


@pytest.mark.fault("F33")
def test_a_batch_that_comes_again_changes_nothing(world: Consumers) -> None:
    batch = [record([part(S0 + 1, late=2)]), record([part(S0 + 1, late=2)], 2)]
    handle(batch, world.edges, NOW_S)
    before = world.shown(["SPY"])
    handle(batch, world.edges, NOW_S)
    assert world.shown(["SPY"]) == before
    assert _revised(world) == [("1m", S0, 1, 1), ("5m", S0, 1, 1)] * 2


@pytest.mark.fault("F16")
def test_late_parts_and_minutes_in_any_order_give_the_same_final_records() -> None:
    on_time, late, later = (
        part(S0, (1, 2)),
        part(S0 + 1, (3,), f="1-0-2", late=1),
        part(S0 + 2, (4,), f="1-0-3", late=2),
    )
    whole = merge_all(map(_partial, (on_time, late, later)))
    steps = [
        ("persist", _base(on_time)),
        ("live", record([late])),
        ("live", record([later], 2)),
        ("persist", _base(on_time)),
    ]
    for order in itertools.permutations(steps):
        world = Consumers(Kinesis(), Kinesis(1))
        for kind, one in order:
            world.handle(kind, [one])
        assert world.shown(["SPY"]) == {("SPY", MINUTE): whole}
        final = kept([one for data in world.bars.records() for one in decode_bars(data)])
        assert {key: partial_from_wire(wire) for key, wire in final.items()} == {
            ("SPY", "1m", MINUTE): whole,
            ("SPY", "5m", MINUTE): whole,
        }


def test_a_base_that_is_stored_between_any_two_steps_of_live_is_in_some_revised_record() -> None:
    """`persist` runs as a whole between two steps of `live`; whichever reads last sees both."""
    on_time, late = part(S0, (1, 2)), part(S0 + 1, (3,), f="1-0-2", late=1)
    for step in ("mark_late", "put_late", "minutes"):
        for before in (True, False):
            world = Consumers(Kinesis(), Kinesis(1))
            _interrupt(world, step, before, _base(on_time))
            world.handle("live", [record([late])])
            assert max(_revised(world), key=lambda one: one[2:]) == ("1m", S0, 3, 1), (step, before)


def _interrupt(world: Consumers, step: str, before: bool, base: StreamRecord) -> None:
    """Let `persist` run once, just before or just after the first call of a step."""
    owner: Any = world.control if step == "mark_late" else world.rows
    original = getattr(owner, step)

    def interrupted(*arguments: Any) -> Any:
        setattr(owner, step, original)
        if before:
            world.handle("persist", [base])
        result = original(*arguments)
        if step == "minutes":
            result = iter(list(result))
        if not before:
            world.handle("persist", [base])
        return result

    setattr(owner, step, interrupted)


def test_a_stream_that_does_not_take_a_revised_bar_makes_the_batch_come_again(world: Consumers) -> None:
    world.bars.answers = lambda n: Answer([False])
    with pytest.raises(StoreUnavailable):
        handle([record([part(S0, late=1)])], world.edges, NOW_S)
    world.bars.answers = lambda n: Answer()
    handle([record([part(S0, late=1)])], world.edges, NOW_S)
    assert _revised(world) == [("1m", S0, 1, 1)]


@pytest.mark.fault("F30", "F67")
def test_a_malformed_record_is_quarantined_and_the_batch_goes_on(world: Consumers) -> None:
    handle([record(b"no json"), record([part(S0, late=1)], 2)], world.edges, NOW_S)
    assert list(world.s3.objects) == ["quarantine/stage=live/date=2013-10-08/shardId-000000000000-1.jsonl.gz"]
    assert len(_revised(world)) == 1


def test_a_busy_hour_is_revised_in_records_of_bounded_size(world: Consumers) -> None:
    draw = random.Random(1)
    parts = [part(S0 + draw.randrange(1_800), (n,), f=f"1-0-{n}", late=5) for n in range(1, 200)]
    handle([record(parts)], world.edges, NOW_S)
    starts = {t for tf, t, _, _ in _revised(world) if tf == "1m"}
    assert starts == {one.sec - one.sec % 60 for one in parts}
    assert ("1h", S0 - 1_800, 199, 199) in _revised(world)


# -- trades older than the ingester's memory ---------------------------------------------------------------------------


def test_a_very_late_trade_that_an_earlier_frame_logged_is_not_counted_again(world: Consumers) -> None:
    archive([record([part(S0, (1, 2), f="1-0-1")])], world.lake)
    again = part(S0, (2, 3), f="1-0-7", late=3)
    assert list(without_known_trades([again], world.lake, new_york_sessions())) == [(again, _partial(part(S0, (3,))))]
    handle([record([again])], world.edges, NOW_S)
    assert world.shown(["SPY"])["SPY", MINUTE].count == 1


def test_a_very_late_part_that_holds_nothing_new_leaves_no_trace(world: Consumers) -> None:
    archive([record([part(S0, (1, 2), f="1-0-1")])], world.lake)
    handle([record([part(S0, (2, 1), f="1-0-7", late=5)])], world.edges, NOW_S)
    assert (world.shown(["SPY"]), world.control.marks, world.bars.records()) == ({}, set(), [])


@pytest.mark.parametrize(
    "logged",
    [
        part(S0, (1,), f="1-0-7"),
        part(S0, (1,), f="1-0-8"),
        part(S0, (1,), f="2-0-1"),
        part(S0, (1,), f="1-0-1", sym="BAC"),
        part(S0 + 1, (1,), f="1-0-1"),
    ],
    ids=["the part itself", "a later frame", "a later epoch", "another symbol", "another second"],
)
def test_what_did_not_come_before_it_is_no_reason_to_drop_a_trade(logged: Part, world: Consumers) -> None:
    archive([record([logged])], world.lake)
    again = part(S0, (1,), f="1-0-7", late=3)
    assert list(without_known_trades([again], world.lake, new_york_sessions())) == [(again, _partial(again))]


def test_frames_are_ordered_by_epoch_then_counter_as_numbers(world: Consumers) -> None:
    archive([record([part(S0, (1,), f="2-0-9")])], world.lake)
    later = [part(S0, (1,), f="2-0-10", late=3), part(S0, (1,), f="10-0-1", late=3)]
    assert list(without_known_trades(later, world.lake, new_york_sessions())) == []


def test_the_log_of_an_hour_is_read_once_for_all_very_late_parts_of_a_batch(world: Consumers) -> None:
    for n in range(5):
        archive([record([part(S0 + n, (n,), f=f"1-0-{n}")], n)], world.lake)
    again = [part(S0 + n % 60, (n,), f=f"1-0-{n + 9}", late=5) for n in range(300)]
    assert len(list(without_known_trades(again, world.lake, new_york_sessions()))) == 295
    assert len(world.s3.reads) == 5


def test_what_the_ingester_remembers_is_not_looked_up(world: Consumers) -> None:
    archive([record([part(S0, (1,), f="1-0-1")])], world.lake)
    again = part(S0, (1,), f="1-0-7", late=2)
    assert list(without_known_trades([again], world.lake, new_york_sessions())) == [(again, _partial(again))]


def test_a_very_late_part_of_a_day_that_only_the_simulated_market_trades_on_counts_there(world: Consumers) -> None:
    to_sunday_s = 5 * 86_400
    assert new_york_sessions().day_of((S0 + to_sunday_s) * 1000) is None

    def on_sunday(one: Part) -> Part:
        rows = [replace(row, t=row.t + to_sunday_s * 1000) for row in one.trades]
        return replace(one, sec=one.sec + to_sunday_s, trades=rows)

    archive([record([on_sunday(part(S0, (1,), f="1-0-1"))])], world.lake)
    again = on_sunday(part(S0, (1, 2), f="1-0-7", late=3))
    handle([record([again])], world.edges._replace(sessions=sessions_named(SIMULATED)), NOW_S)
    ((_, shown),) = world.shown(["SPY"]).items()
    assert shown.count == 1
