import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from batch_layer.load import rows
from batch_layer.load.rows import Loaded, load_daily
from shared.models.daily import DailyBar
from shared.stores.daily import DailyStore
from shared.stores.postgres import Postgres

Connection = psycopg.Connection[tuple[Any, ...]]
KNOWN = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
LATER = KNOWN + timedelta(days=1)
DAY = date(2026, 3, 2)
SPY = DailyBar(
    "SPY", DAY, 680_100000000, 684_500000000, 679_000000001, 683_000000000, 71_000_000_500000, 6_823_456, 912
)
EMPTY = DailyBar("BNO", DAY, None, None, None, None, 0)


def load(connection: Connection, *bars: DailyBar, known_at: datetime = KNOWN, source: str = "rest") -> Loaded:
    return load_daily(connection, bars, source=source, known_at=known_at)


def corrections(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT relation, sym, day, old ->> 'close', new ->> 'close', source, known_at FROM corrections ORDER BY id"
    ).fetchall()


def quarantine(connection: Connection) -> list[tuple[str, Any]]:
    found = connection.execute("SELECT reason, row FROM quarantine WHERE relation = 'bars_1d' ORDER BY id").fetchall()
    return [(reason, json.loads(row)) for reason, row in found]


def test_a_bar_is_kept_in_dollars_and_shares(connection: Connection) -> None:
    assert load(connection, SPY, EMPTY) == Loaded(rows=2, added=2)
    kept = connection.execute(
        "SELECT sym, day, open::text, low::text, volume::text, vwap::text, count, source, known_at, revision"
        " FROM bars_1d ORDER BY sym"
    ).fetchall()
    assert kept == [
        ("BNO", DAY, None, None, "0.000000", None, None, "rest", KNOWN, 0),
        ("SPY", DAY, "680.100000000", "679.000000001", "71000000.500000", "682.3456", 912, "rest", KNOWN, 0),
    ]


@pytest.mark.parametrize("month_is_there", [False, True])
def test_numbers_of_any_size_are_kept_exactly(connection: Connection, month_is_there: bool) -> None:
    if month_is_there:
        load(connection, EMPTY)
    draw = random.Random(9)
    numbers = [1, 9_999, 10_000, 10**9, 10**13 - 1, 10**13, 10**18 - 1, *(draw.randrange(10**18) for _ in range(50))]
    bars = [
        DailyBar(f"S{n}", DAY, number, number, number, number, number, number % 10**13, n)
        for n, number in enumerate(numbers)
    ]
    assert load(connection, *bars).added == len(bars)
    kept = connection.execute("SELECT open, volume, vwap FROM bars_1d WHERE sym <> 'BNO' ORDER BY count").fetchall()
    assert kept == [
        (Decimal(number).scaleb(-9), Decimal(number).scaleb(-6), Decimal(number % 10**13).scaleb(-4))
        for number in numbers
    ]


def test_a_repeat_changes_nothing(connection: Connection) -> None:
    load(connection, SPY, EMPTY)
    before = connection.execute("SELECT xmin, ctid, * FROM bars_1d ORDER BY sym").fetchall()
    assert load(connection, SPY, EMPTY) == Loaded(rows=2)
    assert load(connection, SPY, EMPTY, known_at=LATER, source="flatfiles") == Loaded(rows=2)
    assert connection.execute("SELECT xmin, ctid, * FROM bars_1d ORDER BY sym").fetchall() == before
    assert corrections(connection) == []


def test_a_changed_value_is_a_correction_that_keeps_the_old_one(connection: Connection) -> None:
    load(connection, SPY, EMPTY)
    revised = SPY._replace(close=683_010000000)
    assert load(connection, revised, EMPTY, known_at=LATER) == Loaded(rows=2, changed=1)
    assert corrections(connection) == [("bars_1d", "SPY", DAY, "683.000000000", "683.010000000", "rest", LATER)]
    assert connection.execute("SELECT close, known_at, revision FROM bars_1d WHERE sym = 'SPY'").fetchall() == [
        (Decimal("683.01"), LATER, 1)
    ]


def test_prices_may_come_and_go(connection: Connection) -> None:
    load(connection, EMPTY)
    priced = EMPTY._replace(open=1, high=1, low=1, close=1)
    assert load(connection, priced, known_at=LATER).changed == 1
    assert load(connection, EMPTY, known_at=LATER + timedelta(days=1)).changed == 1
    assert [(old, new) for _, _, _, old, new, _, _ in corrections(connection)] == [
        (None, "0.000000001"),
        ("0.000000001", None),
    ]


def test_what_was_known_later_stays_when_older_knowledge_arrives(connection: Connection) -> None:
    load(connection, SPY, known_at=LATER)
    assert load(connection, SPY._replace(close=683_010000000)) == Loaded(rows=1, outdated=1)
    assert connection.execute("SELECT close FROM bars_1d").fetchall() == [(683,)]
    assert corrections(connection) == []


def test_a_source_that_does_not_tell_takes_nothing_away(connection: Connection) -> None:
    load(connection, SPY)
    assert load(connection, SPY._replace(vwap=None, count=None), known_at=LATER) == Loaded(rows=1)
    assert load(connection, SPY._replace(vwap=None, count=913), known_at=LATER) == Loaded(rows=1, changed=1)
    assert connection.execute("SELECT vwap::text, count FROM bars_1d").fetchall() == [("682.3456", 913)]


def test_the_average_of_other_values_is_not_kept(connection: Connection) -> None:
    load(connection, SPY)
    load(connection, SPY._replace(volume=1, vwap=None, count=None), known_at=LATER)
    assert connection.execute("SELECT vwap, count FROM bars_1d").fetchall() == [(None, None)]


def test_two_values_known_at_the_same_time_contradict_and_the_first_stays(connection: Connection) -> None:
    other = SPY._replace(close=683_010000000)
    assert load(connection, SPY, EMPTY, other, SPY) == Loaded(rows=4, added=2, reasons={"conflict": 1})
    assert load(connection, other) == Loaded(rows=1, reasons={"conflict": 1})
    assert connection.execute("SELECT close FROM bars_1d WHERE sym = 'SPY'").fetchall() == [(683,)]
    ((reason, row),) = quarantine(connection)
    assert (reason, row["sym"], row["close"]) == ("conflict", "SPY", 683_010000000)


BROKEN = {
    "prices_all_or_none": SPY._replace(open=None),
    "price": SPY._replace(open=0, low=0),
    "range": SPY._replace(close=SPY.low - 1),  # type: ignore[operator]
    "volume": SPY._replace(volume=-1),
    "vwap": SPY._replace(vwap=-1),
    "count": SPY._replace(count=-1),
    "sym": SPY._replace(sym=""),
    "day": SPY._replace(day=date(2031, 1, 1)),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_row_that_breaks_a_rule_is_set_aside_under_its_name(connection: Connection, reason: str) -> None:
    assert load(connection, EMPTY, BROKEN[reason], EMPTY._replace(sym="FB")) == Loaded(
        rows=3, added=2, reasons={reason: 1}
    )
    ((kept_reason, row),) = quarantine(connection)
    assert kept_reason == reason
    assert row == {**BROKEN[reason]._asdict(), "day": BROKEN[reason].day.isoformat()}


@pytest.mark.parametrize("reason", [name for name in BROKEN if BROKEN[name][:2] == SPY[:2]])
def test_a_broken_row_has_its_reason_beside_a_good_one_of_its_day(connection: Connection, reason: str) -> None:
    assert load(connection, SPY, BROKEN[reason], SPY) == Loaded(rows=3, added=1, reasons={reason: 1})
    assert [kept_reason for kept_reason, _ in quarantine(connection)] == [reason]


UNWRITABLE = {
    "a NUL in the symbol": (SPY._replace(sym="SP\0Y"), "sym"),
    "half of a surrogate pair": (SPY._replace(sym="\ud800"), "sym"),
    "a volume beyond 64 bits": (SPY._replace(volume=2**63), "volume"),
    "a price that is no integer": (SPY._replace(high=684.5), "high"),  # type: ignore[arg-type]
    "not a number": (SPY._replace(high=float("nan")), "high"),  # type: ignore[arg-type]
    "infinity": (SPY._replace(low=float("inf")), "low"),  # type: ignore[arg-type]
    "no volume": (SPY._replace(volume=None), "volume"),  # type: ignore[arg-type]
    "no symbol": (SPY._replace(sym=None), "sym"),  # type: ignore[arg-type]
    "no date": (SPY._replace(day="2026-03-02"), "day"),  # type: ignore[arg-type]
    "a field too few": (SPY[:-1], "fields"),
}


@pytest.mark.parametrize("what", UNWRITABLE)
def test_a_row_that_cannot_be_written_does_not_stop_the_others(connection: Connection, what: str) -> None:
    row, reason = UNWRITABLE[what]
    assert load(connection, EMPTY, row, EMPTY._replace(sym="FB")) == Loaded(  # type: ignore[arg-type]
        rows=3, added=2, reasons={reason: 1}
    )
    assert [reason for reason, _ in quarantine(connection)] == [reason]


def test_a_broken_row_is_kept_once_however_often_it_is_loaded(connection: Connection) -> None:
    for _ in range(2):
        assert load(connection, SPY._replace(volume=-1), SPY._replace(sym="\0")).quarantined == 2
    assert [reason for reason, _ in quarantine(connection)] == ["sym", "volume"]


def test_a_load_of_nothing_is_nothing(connection: Connection) -> None:
    assert load(connection) == Loaded()
    assert load(connection, SPY._replace(volume=-1)).added == 0


def test_months_are_made_for_the_rows_alone(connection: Connection) -> None:
    load(connection, SPY, SPY._replace(day=date(1998, 1, 2)), SPY._replace(day=date(2026, 12, 31)))
    parts = connection.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'bars_1d'::regclass")
    assert {name for (name,) in parts.fetchall()} == {"bars_1d_1998_01", "bars_1d_2026_03", "bars_1d_2026_12"}


def test_rows_beyond_one_chunk_are_loaded_as_those_of_one(
    connection: Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "CHUNK_ROWS", 3)
    bars = [SPY._replace(sym=f"S{n}") for n in range(10)]
    again = SPY._replace(sym="S0", close=683_010000000)
    assert load(connection, *bars, again, SPY._replace(volume=-1)) == Loaded(
        rows=12, added=10, reasons={"conflict": 1, "volume": 1}
    )
    assert DailyStore(Postgres(database)).grouped(DAY) == bars


def test_a_load_is_undone_with_the_transaction_around_it(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        load(connection, SPY)
        load(connection, EMPTY)
    assert connection.execute("SELECT count(*) FROM bars_1d").fetchone() == (0,)


def test_what_came_of_several_loads_adds_up() -> None:
    one, other = Loaded(3, 1, 0, 1, Counter(sym=1)), Loaded(4, 0, 1, 0, {"sym": 2, "day": 1})
    assert one.plus(other) == Loaded(7, 1, 1, 1, {"sym": 3, "day": 1})
    assert one.plus(other).quarantined == 4
