"""Any batches, in any order, repeated, leave what a plain model of the rules leaves."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch_layer.load import rows
from batch_layer.load.rows import Loaded, load_daily
from shared.models.daily import DailyBar
from tests.effort import examples

Connection = psycopg.Connection[tuple[Any, ...]]
FIRST = datetime(2026, 3, 3, tzinfo=UTC)
NANO = 10**9

good_bars = st.builds(
    lambda sym, day, low, spread, volume, vwap, count: DailyBar(
        sym, day, low, low + spread, low, low + spread, volume, vwap, count
    ),
    st.sampled_from("AB"),
    st.sampled_from([date(2026, 2, 27), date(2026, 3, 2)]),
    st.integers(1, 2),
    st.integers(0, 1),
    st.integers(0, 1),
    st.none() | st.integers(1, 2),
    st.none() | st.integers(0, 1),
)
any_bars = st.one_of(
    good_bars,
    good_bars.map(lambda bar: bar._replace(open=None, high=None, low=None, close=None)),
    st.builds(
        lambda bar, change: bar._replace(**change),
        good_bars,
        st.sampled_from([{"open": None}, {"high": 0}, {"close": 9}, {"volume": -1}, {"sym": ""}, {"sym": "\0"}]),
    ),
)
batches = st.lists(st.tuples(st.integers(0, 3), st.lists(any_bars, max_size=5)), max_size=6)
REPEATED = settings(
    max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@dataclass
class Model:
    """What the table should hold, by key: the bar and since when it is known; and what was corrected."""

    kept: dict[tuple[str, date], tuple[DailyBar, datetime]] = field(default_factory=dict)
    corrections: list[tuple[DailyBar, datetime, DailyBar, datetime]] = field(default_factory=list)

    def load(self, bars: list[DailyBar], known_at: datetime, chunk: int) -> Counter[str]:
        tally: Counter[str] = Counter()
        for start in range(0, len(bars), chunk):
            good = [bar for bar in bars[start : start + chunk] if is_good(bar)]
            tally["broken"] += len(bars[start : start + chunk]) - len(good)
            written = [n for n, bar in enumerate(good) if self._write(bar, known_at, tally)]
            tally.update(self._verdict(bar, known_at) for n, bar in enumerate(good) if n not in written)
        return +tally

    def _write(self, bar: DailyBar, known_at: datetime, tally: Counter[str]) -> bool:
        """Take a bar that is new, or known later than another one."""
        was, since = self.kept.get((bar.sym, bar.day), (None, FIRST))
        if was is None:
            self.kept[bar.sym, bar.day] = (bar, known_at)
            tally["added"] += 1
            return True
        if told(bar, was) == was or known_at <= since:
            return False
        new = told(bar, was) if bar[:7] == was[:7] else bar
        self.kept[bar.sym, bar.day] = (new, known_at)
        self.corrections.append((was, since, new, known_at))
        tally["changed"] += 1
        return True

    def _verdict(self, bar: DailyBar, known_at: datetime) -> str:
        """What a bar that was not taken is beside the one that is there in the end."""
        kept, since = self.kept[bar.sym, bar.day]
        if told(bar, kept) == kept:
            return "same"
        return "conflict" if known_at == since else "outdated"


def told(bar: DailyBar, was: DailyBar) -> DailyBar:
    """What a source says of a bar, with what it leaves open as it was."""
    return bar._replace(
        vwap=was.vwap if bar.vwap is None else bar.vwap, count=was.count if bar.count is None else bar.count
    )


def is_good(bar: DailyBar) -> bool:
    prices = [bar.open, bar.high, bar.low, bar.close]
    if bar.sym in ("", "\0") or bar.volume < 0:
        return False
    if None in prices:
        return set(prices) == {None}
    return bar.low == min(prices) > 0 and bar.high == max(prices)  # type: ignore[type-var, operator]


def kept_in(connection: Connection) -> dict[tuple[str, date], tuple[DailyBar, datetime]]:
    found = connection.execute(
        "SELECT sym, day, open, high, low, close, volume, vwap, count, known_at FROM bars_1d"
    ).fetchall()
    return {(row[0], row[1]): (in_integers(row[:9]), row[9]) for row in found}


def in_integers(row: Iterable[Any]) -> DailyBar:
    sym, day, *prices, volume, vwap, count = row
    open_, high, low, close = (price and int(price * NANO) for price in prices)
    return DailyBar(sym, day, open_, high, low, close, int(volume * 10**6), vwap and int(vwap * 10**4), count)


def corrections_in(connection: Connection) -> list[tuple[DailyBar, datetime, DailyBar, datetime]]:
    columns = "r.sym, r.day, r.open, r.high, r.low, r.close, r.volume, r.vwap, r.count, r.known_at"
    source = "FROM corrections, jsonb_populate_record(NULL::bars_1d, {}) r ORDER BY id"
    old, new = (
        connection.execute(f"SELECT {columns} {source.format(side)}".encode()).fetchall() for side in ("old", "new")
    )
    return [
        (in_integers(was[:9]), was[9], in_integers(became[:9]), became[9]) for was, became in zip(old, new, strict=True)
    ]


def by_key(correction: tuple[DailyBar, datetime, DailyBar, datetime]) -> tuple[str, date, datetime]:
    return correction[0].sym, correction[0].day, correction[3]


@REPEATED
@given(batches, st.integers(1, 4))
def test_loads_leave_what_the_model_leaves(
    connection: Connection, given_batches: list[tuple[int, list[DailyBar]]], chunk: int
) -> None:
    model, whole = Model(), rows.CHUNK_ROWS
    rows.CHUNK_ROWS = chunk
    try:
        with connection.transaction(force_rollback=True):
            for days, bars in given_batches:
                known_at = FIRST + timedelta(days=days)
                expected = model.load(bars, known_at, chunk)
                loaded = load_daily(connection, iter(bars), source="test", known_at=known_at)
                assert tally(loaded) == expected
            assert kept_in(connection) == model.kept
            assert sorted(corrections_in(connection), key=by_key) == sorted(model.corrections, key=by_key)
    finally:
        rows.CHUNK_ROWS = whole


def tally(loaded: Loaded) -> Counter[str]:
    conflicts = loaded.reasons.get("conflict", 0)
    same = loaded.rows - loaded.added - loaded.changed - loaded.outdated - loaded.quarantined
    counts = {
        "added": loaded.added,
        "changed": loaded.changed,
        "outdated": loaded.outdated,
        "conflict": conflicts,
        "broken": loaded.quarantined - conflicts,
        "same": same,
    }
    return +Counter(counts)


@REPEATED
@given(st.lists(good_bars, min_size=1, max_size=5), st.randoms())
def test_the_value_known_last_is_there_whatever_the_order_and_however_often(
    connection: Connection, bars: list[DailyBar], random: Any
) -> None:
    """As long as a value does not come back: to hear of one again does not make it known later."""
    versions = [(bar._replace(volume=n, vwap=1, count=1), FIRST + timedelta(days=n)) for n, bar in enumerate(bars)]
    latest = {(bar.sym, bar.day): (bar, known_at) for bar, known_at in versions}
    with connection.transaction(force_rollback=True):
        for bar, known_at in random.sample(versions * 2, len(versions) * 2):
            load_daily(connection, [bar], source="test", known_at=known_at)
        assert kept_in(connection) == latest
