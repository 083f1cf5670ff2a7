"""Generated feeds reconciled: the reference in the vendor's place, and a speed view that lacks some late parts."""

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from batch_layer.fetch.minutes import VendorMinute
from batch_layer.rebuild.minutes import rebuild_minutes
from batch_layer.reconcile.beside import Vendor
from batch_layer.reconcile.report import Report
from batch_layer.reconcile.run import reconcile
from shared.bars.algebra import merge
from shared.bars.sessions import new_york_sessions
from shared.bars.totals import Shown
from shared.frames import Part, decode_frame, partial_from_wire
from shared.models.bar import EMPTY, Minute
from tests.parity.generate import DAYS, Feed, generate, write_lines
from tests.parity.raw_log import RawLog, logged
from tests.parity.reference import MINUTE_MS, Bar, Reference, new_york_ms
from tests.parity.speed_path import SpeedPath, replayed

SEED = 31
_DIGITS = {"o": 9, "h": 9, "l": 9, "c": 9, "v": 6, "vw": 4, "n": 0}
Key = tuple[str, int]


class Streamed:
    """A feed, the ingester that took it, and the raw log."""

    def __init__(self, folder: Path) -> None:
        self.feed: Feed = generate(folder, SEED, bursts=6)
        self.path: SpeedPath = replayed(self.feed.files, SEED, frame=30, decisions=0.6)
        self.log: RawLog = logged(self.path.frames, SEED)
        self.late: list[Part] = [
            part for frame in self.path.frames for part in decode_frame(frame) if part.sym and part.late
        ]


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Streamed:
    return Streamed(tmp_path_factory.mktemp("feed"))


def vendor(reference: Reference, day: date) -> Vendor:
    """The reference's bars of a date as a vendor would tell them."""
    since, until = new_york_ms(day), new_york_ms(day) + 25 * 3_600_000
    told = [
        VendorMinute(sym, int(bar["t"]), Shown(*(_scaled(bar.get(field), digits) for field, digits in _DIGITS.items())))  # type: ignore[arg-type]  # only a VWAP may be missing
        for sym in sorted(reference.symbols())
        for bar in reference.bars(sym, MINUTE_MS, since=since, until=until)
    ]
    return Vendor("reference", told, days_of=())


def _scaled(value: int | Decimal | None, digits: int) -> int | None:
    return None if value is None else int(Decimal(value).scaleb(digits))


def speed(streamed: Streamed, day: date, stored: set[str]) -> Iterator[Minute]:
    """The engine's bases of a date, and the late parts whose ids are stored."""
    base = {
        (sym, t): partial for (sym, tf), of in streamed.path.base.items() if tf == "1m" for t, partial in of.items()
    }
    for part in streamed.late:
        if part.bar is not None and f"{part.sym} {part.late_id}" in stored:
            key = part.sym, part.minute
            base[key] = merge(base.get(key, EMPTY), partial_from_wire(part.bar))
    start = new_york_ms(day)
    yield from (Minute(sym, t, base[sym, t]) for sym, t in sorted(base) if start <= t < start + 24 * 3_600_000)


def reconciled(streamed: Streamed, day: date, stored: set[str], reference: Reference) -> Report:
    lake, sessions = streamed.log.lake, new_york_sessions()
    rebuilt = sorted(rebuild_minutes(lake, day, sessions), key=lambda minute: minute[:2])
    return reconcile(
        day,
        lake,
        sessions,
        rebuilt=rebuilt,
        speed=speed(streamed, day, stored),
        vendor=vendor(reference, day),
        known_at=datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_whole_views_and_the_references_bars_do_not_differ(streamed: Streamed) -> None:
    reference = Reference(streamed.feed.files)
    stored = {f"{part.sym} {part.late_id}" for part in streamed.late}
    bars = 0
    for day in DAYS:
        report = reconciled(streamed, day, stored, reference)
        assert report.differences == []
        assert [one.between for one in report.comparisons[:2]] == ["speed view", "vendor minutes"]
        bars += report.comparisons[1].equal
    assert bars == sum(len(reference.bars(sym, MINUTE_MS)) for sym in reference.symbols())


def test_a_speed_view_without_some_late_parts_is_late_and_nothing_else(streamed: Streamed) -> None:
    reference, draw = Reference(streamed.feed.files), random.Random(SEED)
    stored = {f"{part.sym} {part.late_id}" for part in streamed.late if draw.random() < 0.5}
    missing = {
        (part.sym, part.minute)
        for part in streamed.late
        if f"{part.sym} {part.late_id}" not in stored and part.bar and partial_from_wire(part.bar) != EMPTY
    }
    found: set[Key] = set()
    kinds: Counter[str] = Counter()
    for day in DAYS:
        for one in reconciled(streamed, day, stored, reference).differences:
            found.add((one.sym, one.t))
            kinds[f"{one.between} {one.kind}"] += 1
    assert found == missing
    assert kinds == {"speed view late": len(missing)}
    assert len(missing) > 15


def test_a_vendor_that_does_not_count_late_trades_is_late_and_nothing_else(streamed: Streamed, tmp_path: Path) -> None:
    late = {(part.sym, row.t, row.x, row.i) for part in streamed.late for row in part.trades}
    files = []
    for file in streamed.feed.files:
        lines = gzip.decompress(file.read_bytes()).decode().splitlines()
        files.append(tmp_path / file.name)
        write_lines(files[-1], (line for line in lines if _named(line) not in late))
    whole, in_time = Reference(streamed.feed.files), Reference(files)
    stored = {f"{part.sym} {part.late_id}" for part in streamed.late}
    found = [one for day in DAYS for one in reconciled(streamed, day, stored, in_time).differences]
    assert {(one.between, one.kind) for one in found} == {("vendor minutes", "late")}
    differ = {
        (sym, int(bar["t"]))
        for sym in whole.symbols()
        for bar in _either(whole.bars(sym, MINUTE_MS), in_time.bars(sym, MINUTE_MS))
    }
    assert {(one.sym, one.t) for one in found} == differ
    assert len(differ) > 15


def _named(line: str) -> tuple[str, int, int, str]:
    event = json.loads(line)
    return event["sym"], event["t"], event["x"], event["i"]


def _either(some: list[Bar], others: list[Bar]) -> list[Bar]:
    """Bars that only one side has."""
    return [bar for bar in some if bar not in others] + [bar for bar in others if bar not in some]
