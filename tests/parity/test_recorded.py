"""The recorded days through ingester and raw log, rebuilt and reconciled: no difference of ours, none unexplained.

What is expected comes from the engine, from the reference's SQL over the files, and from the published bars as
data/README.md describes them.
"""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from batch_layer.fetch.minutes import VendorMinute
from batch_layer.fetch.rows import Texts, daily_bar, numbers
from batch_layer.rebuild.minutes import rebuild_minutes
from batch_layer.reconcile.beside import Vendor
from batch_layer.reconcile.report import Difference, Report
from batch_layer.reconcile.run import reconcile
from shared.bars.sessions import new_york_sessions
from shared.models.bar import EMPTY, Minute
from shared.models.daily import DailyBar
from shared.stores.lake import Lake
from tests.effort import everything
from tests.parity.raw_log import filed
from tests.parity.reference import MINUTE_MS, NEW_YORK, Reference, new_york_ms
from tests.parity.speed_path import SpeedPath, replayed

pytestmark = pytest.mark.timeout(900)

TRADES = {"AIG": 120_701, "BAC": 336_876, "SPY": 1_141_823}
PUBLISHED = {"AIG": 1_289, "BAC": 1_709, "SPY": 2_469}
"""Trades and minutes of three days (data/README.md)."""
SYMBOLS = tuple(TRADES) if everything() else ("AIG",)
"""The others go through the whole platform (tests/end_to_end/test_recorded.py), and come here with `make parity`."""
DAYS = (date(2013, 10, 7), date(2013, 10, 8), date(2013, 10, 9))


class Streamed(NamedTuple):
    path: SpeedPath
    lake: Lake


@pytest.fixture(scope="module")
def streamed(recorded_trades: list[Path]) -> Streamed:
    files = [file for file in recorded_trades if file.name.startswith(SYMBOLS)]
    path = replayed(files, 7, frame=6_000, decisions=0.5)
    return Streamed(path, filed(path.frames))


@pytest.fixture(scope="module")
def rebuilt(streamed: Streamed) -> dict[date, list[Minute]]:
    """By symbol and time."""
    return {
        day: sorted(rebuild_minutes(streamed.lake, day, new_york_sessions()), key=lambda minute: minute[:2])
        for day in DAYS
    }


@pytest.fixture(scope="module")
def reports(streamed: Streamed, rebuilt: dict[date, list[Minute]], recorded: Path) -> dict[date, Report]:
    return {
        day: reconcile(
            day,
            streamed.lake,
            new_york_sessions(),
            rebuilt=rebuilt[day],
            speed=_speed(streamed.path, day),
            vendor=Vendor("recorded", list(_minutes(recorded, day)), list(_days(recorded, day))),
            known_at=datetime(2013, 10, 10, tzinfo=UTC),
        )
        for day in DAYS
    }


def _speed(path: SpeedPath, day: date) -> Iterator[Minute]:
    for sym in SYMBOLS:
        for t, partial in sorted(path.windows(sym, "1m").items()):
            if _new_york(t).date() == day:
                yield Minute(sym, t, partial)


def _minutes(recorded: Path, day: date) -> Iterator[VendorMinute]:
    for sym in SYMBOLS:
        for row in _rows(recorded / f"minute/{sym}_{day}.csv.gz"):
            yield VendorMinute(sym, int(row["window_start"]) // 10**6, numbers(_texts(row)))


def _days(recorded: Path, day: date) -> Iterator[DailyBar]:
    for sym in SYMBOLS:
        for row in _rows(recorded / f"daily/{sym}.csv.gz"):
            if int(row["window_start"]) // 10**6 == new_york_ms(day):
                yield daily_bar(sym, day, _texts(row))


def _rows(file: Path) -> list[dict[str, str]]:
    with gzip.open(file, "rt", newline="") as stream:
        return list(csv.DictReader(stream))


def _texts(row: dict[str, str]) -> Texts:
    """A count of 0 means "unknown" (data/README.md)."""
    count = None if row["transactions"] == "0" else row["transactions"]
    return Texts(row["open"], row["high"], row["low"], row["close"], row["volume"], None, count)


def _new_york(t: int) -> datetime:
    return datetime.fromtimestamp(t // 1000, NEW_YORK)


def _of_vendor(reports: dict[date, Report]) -> list[Difference]:
    return [one for report in reports.values() for one in report.differences if one.between == "vendor minutes"]


def test_rebuilt_minutes_are_those_of_the_engine_on_all_days(
    streamed: Streamed, rebuilt: dict[date, list[Minute]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The engine's are the reference's: tests/end_to_end/test_recorded.py."""
    mine = {minute[:2]: minute.partial for minutes in rebuilt.values() for minute in minutes}
    engine = {
        (sym, t): partial
        for sym in SYMBOLS
        for t, partial in streamed.path.windows(sym, "1m").items()
        if partial != EMPTY
    }
    different = sum(mine.get(key) != engine.get(key) for key in {*mine, *engine})
    accepted = streamed.path.intake.accepted
    with capsys.disabled():
        print(f"\n{accepted:,} trades, {len(engine):,} minutes rebuilt: {different} differences")  # noqa: T201  # asked for
    assert (different, accepted) == (0, sum(TRADES[sym] for sym in SYMBOLS))
    assert len(engine) >= sum(PUBLISHED[sym] for sym in SYMBOLS)


def test_the_speed_view_is_what_is_rebuilt(reports: dict[date, Report]) -> None:
    speed = [report.comparisons[0] for report in reports.values()]
    assert [one.between for one in speed] == ["speed view"] * 3
    assert sum(one.bars for one in speed) >= sum(PUBLISHED[sym] for sym in SYMBOLS)
    assert sum(one.differing for one in speed) == 0


def test_every_published_minute_that_differs_has_a_reason(
    reports: dict[date, Report], capsys: pytest.CaptureFixture[str]
) -> None:
    found, kinds = _of_vendor(reports), Counter[str]()
    for report in reports.values():
        kinds.update(report.comparisons[1].kinds)
    with capsys.disabled():
        print(f"\n{sum(kinds.values()):,} published minutes differ: {dict(kinds)}")  # noqa: T201  # the same
    assert [one for one in found if one.kind == "unexplained"] == []
    assert sum(report.unexplained for report in reports.values()) == 0
    assert kinds.total() == len(found)
    assert set(kinds) == {"rule", "gap"}


def test_the_minutes_that_differ_are_those_that_the_reference_finds(
    reports: dict[date, Report], recorded: Path, recorded_trades: list[Path]
) -> None:
    """One symbol, whose bars the reference makes in SQL; the source's rows are read here once more."""
    bars = Reference([file for file in recorded_trades if file.name.startswith("AIG")]).bars("AIG", MINUTE_MS)
    mine = {int(bar["t"]): [bar[field] for field in "ohlcv"] for bar in bars}
    theirs = {
        int(row["window_start"]) // 10**6: [Decimal(row[name]) for name in ("open", "high", "low", "close", "volume")]
        for day in DAYS
        for row in _rows(recorded / f"minute/AIG_{day}.csv.gz")
    }
    differ = {t for t in {*mine, *theirs} if mine.get(t) != theirs.get(t)}
    assert {one.t for one in _of_vendor(reports) if one.sym == "AIG"} == differ
    assert len(differ) > 300


def test_the_one_minute_with_more_shares_than_its_trades_is_the_gap(reports: dict[date, Report]) -> None:
    (gap,) = (one for one in _of_vendor(reports) if one.kind == "gap")
    assert (gap.sym, _new_york(gap.t).strftime("%m-%d %H:%M")) == ("AIG", "10-07 13:46")
    assert "1500 shares more" in gap.reason


def test_every_day_of_the_source_is_a_sum_of_its_own_minutes(reports: dict[date, Report]) -> None:
    days = [one for report in reports.values() for one in report.differences if one.between == "vendor days"]
    assert {one.kind for one in days} <= {"rule"}
    volumes = [one for one in days if "v" in one.fields]
    assert len(volumes) == 3 * len(SYMBOLS)  # it counts no trade before the open
    ends = Counter(one.reason.rsplit(" to ", 1)[1] for one in volumes)
    assert {end: ends[end] for end in ("16:01", "16:30")} == {"16:01": 2, "16:30": 1}, "AIG's"
    assert ends["16:00"] == len(volumes) - 3
