from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from random import Random
from typing import Any

import psycopg
import pytest

from batch_layer.load.minutes import load_bars_1m, load_minutes
from batch_layer.load.rows import Loaded
from shared.bars.algebra import merge
from shared.models.bar import EMPTY, Edges, Minute, MinuteBar, Partial
from shared.stores import minutes as store_module
from shared.stores.corrections import CorrectionStore
from shared.stores.minutes import MinuteStore
from shared.stores.postgres import Postgres

Connection = psycopg.Connection[tuple[Any, ...]]
DAY = date(2013, 10, 8)
KNOWN = datetime(2013, 10, 9, 2, 0, tzinfo=UTC)
LATER = KNOWN + timedelta(days=1)
MIDNIGHT = 1_381_204_800_000
"""2013-10-08 in New York."""
NOON, MINUTE = MIDNIGHT + 12 * 3_600_000, 60_000
USD = 10**9


def key(t: int, q: int, price: int) -> str:
    return f"{t:013d}{q:012d}{price:018d}"


def partial(t: int, price: int = 167 * USD, size: int = 100_500_000, *, day: Edges | None = None) -> Partial:
    """Two trades, the second a dollar above."""
    high = price + USD
    return Partial(key(t, 1, price), key(t + 59_999, 2, high), high, price, 2 * size, (price + high) * size, 2, day)


PLAIN = Minute("SPY", NOON, partial(NOON))
EXTENDED = Minute("SPY", MIDNIGHT + 8 * 3_600_000, partial(MIDNIGHT + 8 * 3_600_000, day=Edges()))
UNSHOWN = Minute("SPY", NOON + MINUTE, Partial(volume=7, notional=7 * USD, count=1))
HUGE = Minute("BRK.A", NOON, partial(NOON, 999_999_998 * USD, 10**15))
ALL = [PLAIN, EXTENDED, UNSHOWN, HUGE]


def load(connection: Connection, *minutes: Minute, known_at: datetime = KNOWN, source: str = "rebuild") -> Loaded:
    return load_minutes(connection, DAY, minutes, source=source, known_at=known_at)


def read(database: str, sym: str, **query: Any) -> list[tuple[int, Partial]]:
    return list(MinuteStore(Postgres(database)).minutes(sym, MIDNIGHT, MIDNIGHT + 86_400_000, **query))


def test_partials_come_back_exactly_in_order_of_time_or_against_it(connection: Connection, database: str) -> None:
    assert load(connection, *ALL) == Loaded(rows=4, added=4)
    expected = [(minute.t, minute.partial) for minute in (EXTENDED, PLAIN, UNSHOWN)]
    assert read(database, "SPY") == expected
    assert read(database, "SPY", reverse=True) == expected[::-1]
    assert read(database, "BRK.A") == [(NOON, HUGE.partial)]
    assert read(database, "spy") == []


def test_who_reads_with_sql_finds_the_bar_that_is_shown(connection: Connection) -> None:
    load(connection, PLAIN, UNSHOWN, HUGE)
    kept = connection.execute(
        "SELECT sym, t, open, high, low, close, volume, vwap, count, notional, source, known_at, revision"
        " FROM bars_1m ORDER BY sym, t"
    ).fetchall()
    noon = datetime(2013, 10, 8, 16, tzinfo=UTC)
    price, above, size = Decimal(999_999_998), Decimal(999_999_999), Decimal(10**9)
    assert kept[0] == (
        "BRK.A", noon, price, above, price, above, 2 * size, Decimal("999999998.5"), 2, (price + above) * size,
        "rebuild", KNOWN, 0,
    )  # fmt: skip
    assert kept[1][2:10] == (
        Decimal(167), Decimal(168), Decimal(167), Decimal(168), Decimal(201), Decimal("167.5"), 2, Decimal("33667.5"),
    )  # fmt: skip
    assert kept[2][2:10] == (None, None, None, None, Decimal("0.000007"), None, 1, Decimal("0.000007"))


def test_a_repeat_changes_nothing(connection: Connection) -> None:
    load(connection, *ALL)
    before = connection.execute("SELECT xmin, ctid, * FROM bars_1m ORDER BY sym, t").fetchall()
    assert load(connection, *ALL) == Loaded(rows=4)
    assert load(connection, *ALL, known_at=LATER, source="again") == Loaded(rows=4)
    assert connection.execute("SELECT xmin, ctid, * FROM bars_1m ORDER BY sym, t").fetchall() == before
    assert connection.execute("SELECT count(*) FROM corrections").fetchone() == (0,)


def test_late_parts_are_a_correction_and_as_of_shows_what_was_known_before(
    connection: Connection, database: str
) -> None:
    load(connection, *ALL)
    more = PLAIN._replace(partial=merge(PLAIN.partial, partial(NOON + 5, 160 * USD)))
    assert load(connection, more, UNSHOWN, known_at=LATER) == Loaded(rows=2, changed=1)
    assert dict(read(database, "SPY"))[NOON] == more.partial
    moments = {KNOWN - timedelta(seconds=1): None, KNOWN: PLAIN.partial, LATER: more.partial}
    assert {at: dict(read(database, "SPY", as_of=at)).get(NOON) for at in moments} == moments
    assert read(database, "SPY", as_of=KNOWN) == [(m.t, m.partial) for m in (EXTENDED, PLAIN, UNSHOWN)]
    assert read(database, "SPY", as_of=KNOWN, reverse=True) == read(database, "SPY", as_of=KNOWN)[::-1]
    assert connection.execute("SELECT day, old ->> 'low', new ->> 'low' FROM corrections").fetchall() == [
        (DAY, "167.000000000", "160.000000000")
    ]


def test_minutes_of_another_date_are_set_aside(connection: Connection) -> None:
    before, after = (Minute("SPY", t, partial(t)) for t in (MIDNIGHT - MINUTE, MIDNIGHT + 86_400_000))
    first, last = (Minute("SPY", t, partial(t)) for t in (MIDNIGHT, MIDNIGHT + 86_400_000 - MINUTE))
    loaded = load(connection, before, after, first, last)
    assert (loaded.added, dict(loaded.reasons)) == (2, {"trade_date": 2})
    assert connection.execute("SELECT count(*) FROM bars_1m").fetchone() == (2,)


@pytest.mark.parametrize(
    ("minute", "reason"),
    [
        (Minute("SPY", NOON + 1, partial(NOON)), "minute"),
        (Minute("", NOON, partial(NOON)), "sym"),
        (Minute("SPY", NOON, partial(NOON)._replace(volume=2**63)), "volume"),
        (Minute("SPY", NOON, partial(NOON)._replace(volume=10**18)), "volume"),
        (Minute("SPY", NOON, Partial(volume=7, notional=10**38, count=1)), "notional"),
        (Minute("SPY", NOON, partial(NOON)._replace(notional=10**39)), "vwap"),
        (Minute("SPY", NOON, partial(NOON)._replace(count=-1)), "count"),
        (Minute("SPY", NOON, partial(NOON)._replace(low=168 * USD)), "range"),
        (Minute("SPY", 10**13, partial(NOON)), "t"),
    ],
)
def test_what_breaks_a_rule_is_set_aside_and_the_others_are_loaded(
    connection: Connection, minute: Minute, reason: str
) -> None:
    loaded = load(connection, minute, UNSHOWN)
    assert (loaded.added, dict(loaded.reasons)) == (1, {reason: 1})
    assert connection.execute("SELECT relation, reason, source FROM quarantine").fetchall() == [
        ("bars_1m", reason, "rebuild")
    ]


def test_a_bar_alone_is_read_as_a_partial_that_shows_it(connection: Connection, database: str) -> None:
    bars = [
        MinuteBar("SPY", NOON, 5 * USD, 9 * USD, 4 * USD, 8 * USD, 3_000_000, 66_667, 12),
        MinuteBar("SPY", NOON + MINUTE, 8 * USD, 8 * USD, 5 * USD, 5 * USD, 3_000_000),
    ]
    assert load_bars_1m(connection, bars, source="import", known_at=KNOWN) == Loaded(rows=2, added=2)
    first, second = (read for _, read in read(database, "SPY"))
    assert (first.first, first.last) == (key(NOON, 0, 5 * USD), key(NOON + 59_999, 10**12 - 1, 8 * USD))
    assert (first.high, first.low, first.volume, first.count) == (9 * USD, 4 * USD, 3_000_000, 12)
    assert first.notional == 66_667 * 10**5 * 3_000_000
    assert second.notional == 6 * USD * 3_000_000, "the mean of high, low and close"
    both = merge(first, second)
    assert (both.first, both.last) == (first.first, second.last), "in order of their minutes"


def test_a_bar_that_says_the_same_leaves_the_partial_and_another_replaces_it(
    connection: Connection, database: str
) -> None:
    load(connection, PLAIN)
    same = MinuteBar("SPY", NOON, 167 * USD, 168 * USD, 167 * USD, 168 * USD, 201_000_000)
    assert load_bars_1m(connection, [same], source="import", known_at=LATER) == Loaded(rows=1)
    assert read(database, "SPY") == [(NOON, PLAIN.partial)]
    other = same._replace(high=169 * USD)
    assert load_bars_1m(connection, [other], source="import", known_at=LATER).changed == 1
    assert [partial.high for _, partial in read(database, "SPY")] == [169 * USD]
    assert read(database, "SPY", as_of=KNOWN) == [(NOON, PLAIN.partial)]


def test_a_long_read_comes_page_by_page_and_stops_with_its_reader(
    connection: Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PAGE_ROWS", 7)
    times = [MIDNIGHT + n * MINUTE for n in Random(1).sample(range(1_440), 50)]
    load(connection, *(Minute("SPY", t, partial(t)) for t in times))
    assert [t for t, _ in read(database, "SPY")] == sorted(times)
    assert [t for t, _ in read(database, "SPY", reverse=True)] == sorted(times, reverse=True)
    assert [t for t, _ in read(database, "SPY", as_of=KNOWN, reverse=True)] == sorted(times, reverse=True)

    asked = []

    class Counting(Postgres):
        def rows(self, query: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
            asked.append(parameters)
            return super().rows(query, parameters)

    lazy = MinuteStore(Counting(database)).minutes("SPY", MIDNIGHT, MIDNIGHT + 86_400_000)
    assert [next(lazy)[0] for _ in range(7)] == sorted(times)[:7]
    assert len(asked) == 1


def test_ends_are_exact_and_a_range_outside_of_all_time_is_empty(connection: Connection, database: str) -> None:
    minutes = [Minute("SPY", NOON + n * MINUTE, partial(NOON + n * MINUTE)) for n in range(4)]
    load(connection, *minutes)
    store = MinuteStore(Postgres(database))
    for start in range(NOON - 1, NOON + 3 * MINUTE, 20_000):
        for end in range(start, NOON + 4 * MINUTE, 20_000):
            expected = [(m.t, m.partial) for m in minutes if start <= m.t < end]
            assert list(store.minutes("SPY", start, end)) == expected
    assert list(store.minutes("SPY", -(10**15), 10**17)) == [(m.t, m.partial) for m in minutes]
    assert list(store.minutes("SPY", 10**15, 10**17)) == []


def test_merging_what_is_read_is_merging_what_was_loaded(connection: Connection, database: str) -> None:
    load(connection, *ALL)
    loaded = reduce(merge, (m.partial for m in ALL if m.sym == "SPY"), EMPTY)
    assert reduce(merge, (p for _, p in read(database, "SPY")), EMPTY) == loaded


def test_the_loaders_role_may_load_and_the_apis_role_may_read_what_is_and_what_was(
    connection: Connection, database: str
) -> None:
    connection.execute("SET ROLE loader")
    load(connection, *ALL)
    more = PLAIN._replace(partial=merge(PLAIN.partial, partial(NOON + 5, 160 * USD)))
    assert load(connection, more, known_at=LATER).changed == 1
    connection.execute("RESET ROLE")
    postgres = Postgres(f"{database} options='-c role=api'")
    store = MinuteStore(postgres)
    assert dict(store.minutes("SPY", NOON, NOON + MINUTE)) == {NOON: more.partial}
    assert dict(store.minutes("SPY", NOON, NOON + MINUTE, as_of=KNOWN)) == {NOON: PLAIN.partial}
    (correction,) = CorrectionStore(postgres).corrections(limit=9)
    assert (correction.relation, correction.sym, correction.day) == ("bars_1m", "SPY", DAY)
    postgres.close()
