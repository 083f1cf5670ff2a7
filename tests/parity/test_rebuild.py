"""The batch layer's minutes, from the raw log, against the reference and against engine plus late parts."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import pytest

from batch_layer.rebuild.minutes import rebuild_minutes
from shared.bars.sessions import new_york_sessions
from shared.frames import Part, decode_frame
from shared.models.bar import EMPTY, Partial
from shared.stores.lake import Lake
from shared.stores.old_trades import OLD_RANK, without_known_trades
from tests.parity import ours
from tests.parity.generate import DAYS, generate
from tests.parity.raw_log import logged
from tests.parity.reference import MINUTE_MS, Reference
from tests.parity.speed_path import SpeedPath, arrivals, replayed, taken

Minutes = dict[str, dict[int, Partial]]


def rebuilt(lake: Lake, days: Iterable[date]) -> Minutes:
    """Symbol -> start of the minute (Unix ms) -> partial; each is made once."""
    minutes: Minutes = defaultdict(dict)
    for day in days:
        for sym, t, partial in rebuild_minutes(lake, day, new_york_sessions()):
            assert t not in minutes[sym], (sym, t)
            minutes[sym][t] = partial
    return minutes


def engine_and_late(path: SpeedPath, syms: Iterable[str]) -> Minutes:
    """What the speed view holds, without minutes that nothing has updated."""
    return {sym: {t: partial for t, partial in path.windows(sym, "1m").items() if partial != EMPTY} for sym in syms}


def parts_of(frames: Sequence[bytes]) -> list[Part]:
    return [part for frame in frames for part in decode_frame(frame) if part.sym]


@pytest.mark.parametrize(("seed", "frame", "decisions"), [(11, 40, 0.6), (12, 700, 1.0), (13, 3, 0.01)], ids=str)
def test_a_rebuild_equals_the_reference_and_engine_plus_late_parts(
    seed: int, frame: int, decisions: float, tmp_path: Path
) -> None:
    feed = generate(tmp_path, seed, bursts=6)
    reference, path = Reference(feed.files), replayed(feed.files, seed, frame=frame, decisions=decisions)
    log = logged(path.frames, seed)
    minutes, parts = rebuilt(log.lake, DAYS), len(parts_of(path.frames))
    assert path.framer.counts["late"] > 0
    assert path.intake.duplicates > 100
    assert log.lines > parts * 1.05
    assert minutes == engine_and_late(path, reference.symbols())
    bars = {sym: ours.presented(minutes[sym]) for sym in reference.symbols()}
    assert bars == {sym: reference.bars(sym, MINUTE_MS) for sym in reference.symbols()}
    assert sum(map(len, bars.values())) > 500


def test_trades_that_an_ingester_without_memory_sends_again_count_once(tmp_path: Path) -> None:
    """The second ingester is told only the promise: half of what it sends is in the log, partly in the same seconds."""
    feed = generate(tmp_path, 21, days=DAYS[:2], bursts=8)
    reference, waiting, draw = Reference(feed.files), list(arrivals(feed.files)), random.Random(21)
    held_back = [line for line in waiting if draw.random() < 0.2]
    again = [line for line in waiting if line in set(held_back) or draw.random() < 0.3]
    first = taken(SpeedPath(), [line for line in waiting if line not in set(held_back)], 1, frame=50, decisions=0.3)
    second = taken(SpeedPath(2, first.framer.promise), again, 2, frame=50, decisions=0.3)
    log = logged([*first.frames, *second.frames], 21)
    late = parts_of(second.frames)
    assert {part.late for part in late} == {5}
    fresh = {part.identity: partial for part, partial in without_known_trades(late, log.lake, new_york_sessions())}
    assert sum(len(part.trades) for part in late) > len(held_back) * 1.5
    assert 0 < len(fresh) < len(late)
    assert OLD_RANK < 5
    minutes = rebuilt(log.lake, DAYS[:2])
    for sym in reference.symbols():
        assert ours.presented(minutes[sym]) == reference.bars(sym, MINUTE_MS), sym


def test_sums_and_prices_of_any_size_stay_exact() -> None:
    """Two parts whose notional, together, is more than 128 bits."""
    price, size = 10**18 - 1, 10**18 - 1
    rows = [
        f'[{1_381_240_000_000 + n * 1000},{n},4,0,"{n}","999999999.999999999","999999999999.999999",[],1]'
        for n in range(2)
    ]
    bars = [
        f'{{"volume":"{200 * size // 10**6}.9998","notional":"{"9" * 29}.{"9" * 15}","count":1,"low":"0.000000001"}}',
        f'{{"volume":"1","notional":"{"9" * 29}.{"8" * 15}","count":1,"high":"999999999.999999999"}}',
    ]
    lines = [
        f'{{"v":1,"f":"1-0-{n}","sym":"HUGE","sec":{1_381_240_000 + n},"bar":{bar},"trades":[{row}]}}'.encode()
        for n, (bar, row) in enumerate(zip(bars, rows, strict=True))
    ]
    log = logged([b"[" + b",".join(lines) + b"]"], 1)
    (minute,) = rebuild_minutes(log.lake, date(2013, 10, 8), new_york_sessions())
    assert minute.partial.notional == 10**44 - 1 + 10**44 - 1 - (10**15 - 1) + 888_888_888_888_888
    assert minute.partial.volume == 200 * size // 10**6 * 10**6 + 999_800 + 10**6
    assert (minute.partial.count, minute.partial.high, minute.partial.low) == (2, price, 1)


def test_an_hour_without_a_log_has_no_minutes() -> None:
    log = logged([], 1)
    assert list(rebuild_minutes(log.lake, date(2013, 10, 8), new_york_sessions())) == []
