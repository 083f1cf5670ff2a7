"""`bars_nd` is kept up with `bars_1d`: equal to SQL over all daily bars, whatever changed, and touched only there."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest

from batch_layer.load import multi_session as module
from batch_layer.load.multi_session import keep_up, load_multi_session
from batch_layer.load.rows import Loaded, load_daily
from batch_layer.rebuild.groups import ANCHOR, TIMEFRAMES
from batch_layer.rebuild.multi_session import MultiSession
from shared.bars.sessions import new_york_sessions
from shared.models.daily import DailyBar
from shared.stores.postgres import Postgres
from tests.fakes.postgres import connect

Connection = psycopg.Connection[tuple[Any, ...]]
GROUPS = MultiSession(new_york_sessions())
START = datetime(2014, 3, 1, tzinfo=UTC)
SESSIONS = [day for n in range(240) if new_york_sessions().day(day := date(2013, 7, 1) + timedelta(days=n)) is not None]
USD, SHARE = 10**9, 10**6

IN_SQL = """
WITH numbered AS (SELECT day, row_number() OVER (ORDER BY day) - 1 AS number FROM sessions),
named AS (
    SELECT day, size || 'd' AS timeframe, (number / size)::text AS name
    FROM numbered, unnest(ARRAY[3, 5, 8, 13, 21, 34]) size
    UNION ALL SELECT day, 'week', to_char(day, 'IYYY-IW') FROM numbered
    UNION ALL SELECT day, 'month', to_char(day, 'YYYY-MM') FROM numbered
), spans AS (SELECT timeframe, name, min(day) AS first, max(day) AS last FROM named GROUP BY 1, 2)
SELECT sym, timeframe, first, last, last > (SELECT max(day) FROM bars_1d) AS forming,
    (array_agg(open ORDER BY b.day) FILTER (WHERE open IS NOT NULL))[1], max(high), min(low),
    (array_agg(close ORDER BY b.day DESC) FILTER (WHERE close IS NOT NULL))[1], sum(volume),
    CASE WHEN count(*) = count(count) THEN sum(count)::bigint END
FROM bars_1d b JOIN named USING (day) JOIN spans USING (timeframe, name)
GROUP BY sym, timeframe, first, last ORDER BY sym, timeframe, first
"""
"""The same in plain SQL, over all that is in bars_1d; `sessions` are the trade dates from the anchor on."""


def grouped(connection: Connection) -> list[tuple[Any, ...]]:
    table, day = new_york_sessions(), ANCHOR
    connection.execute("CREATE TEMPORARY TABLE sessions (day date)")
    with connection.cursor() as cursor, cursor.copy("COPY sessions FROM STDIN") as copy:
        while day < date(2015, 1, 1):
            if table.day(day):
                copy.write_row((day,))
            day += timedelta(days=1)
    found = connection.execute(IN_SQL).fetchall()
    connection.execute("DROP TABLE sessions")
    return found


def kept(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT sym, timeframe, day, last_day, forming, open, high, low, close, volume, count FROM bars_nd"
        " ORDER BY 1, 2, 3"
    ).fetchall()


def bar(sym: str, day: date, usd: int = 10, **fields: Any) -> DailyBar:
    prices = {"open": usd * USD, "high": (usd + 2) * USD, "low": (usd - 2) * USD, "close": (usd + 1) * USD}
    return DailyBar(sym, day, **{**prices, "volume": usd * SHARE + 1, "count": usd, **fields})


def load(connection: Connection, *bars: DailyBar, at: datetime = START) -> None:
    load_daily(connection, bars, source="rest", known_at=at)


def run(connection: Connection, at: datetime = START) -> Loaded:
    """Until nothing is due."""
    loaded = load_multi_session(connection, GROUPS, known_at=at)
    while connection.execute("SELECT FROM bars_nd_due").fetchone() is not None:
        loaded = loaded.plus(load_multi_session(connection, GROUPS, known_at=at))
    return loaded


def test_everything_there_is_becomes_bars_of_every_timeframe(connection: Connection) -> None:
    load(connection, *(bar(sym, day, 10 + n) for sym in ("AIG", "SPY") for n, day in enumerate(SESSIONS)))
    loaded = run(connection)
    found = kept(connection)
    assert {row[1] for row in found} == set(TIMEFRAMES)
    assert (found, loaded.changed) == (grouped(connection), 0)
    assert any(row[4] for row in found)
    assert not all(row[4] for row in found)


def test_a_repeat_is_a_no_op(connection: Connection) -> None:
    load(connection, *(bar("SPY", day) for day in SESSIONS))
    run(connection)
    before = connection.execute("SELECT xmin, ctid, * FROM bars_nd ORDER BY timeframe, day").fetchall()
    load(connection, *(bar("SPY", day) for day in SESSIONS), at=START + timedelta(days=1))
    assert run(connection, START + timedelta(days=1)) == Loaded()
    assert connection.execute("SELECT xmin, ctid, * FROM bars_nd ORDER BY timeframe, day").fetchall() == before
    assert connection.execute("SELECT count(*) FROM corrections").fetchone() == (0,)


def test_dates_that_are_due_again_but_say_the_same_change_no_row(connection: Connection) -> None:
    load(connection, *(bar("SPY", day) for day in SESSIONS))
    run(connection)
    before = connection.execute("SELECT xmin, ctid, * FROM bars_nd ORDER BY timeframe, day").fetchall()
    connection.execute("INSERT INTO bars_nd_due (day) SELECT DISTINCT day FROM bars_1d")
    loaded = run(connection, START + timedelta(days=1))
    assert (loaded.added, loaded.changed, loaded.rows > 0) == (0, 0, True)
    assert connection.execute("SELECT xmin, ctid, * FROM bars_nd ORDER BY timeframe, day").fetchall() == before


def test_a_correction_of_one_old_bar_restates_exactly_the_groups_that_hold_it(connection: Connection) -> None:
    load(connection, *(bar(sym, day, 10 + n) for sym in ("AIG", "SPY") for n, day in enumerate(SESSIONS)))
    run(connection)
    before = {row[:3]: row for row in kept(connection)}
    at, corrected = START + timedelta(days=1), SESSIONS[40]
    load(connection, bar("SPY", corrected, 500), at=at)
    loaded = run(connection, at)
    after = {row[:3]: row for row in kept(connection)}
    changed = {key for key in after if after[key] != before[key]}
    holding = {row[:3] for row in before.values() if row[0] == "SPY" and row[2] <= corrected <= row[3]}
    assert len(holding) == len(TIMEFRAMES)
    assert (changed, loaded.changed, loaded.added) == (holding, len(TIMEFRAMES), 0)
    assert list(after.values()) == grouped(connection)
    restated = connection.execute(
        "SELECT sym, new ->> 'timeframe', day FROM corrections WHERE relation = 'bars_nd' AND new ->> 'revision' = '1'"
    ).fetchall()
    assert set(restated) == holding


def test_a_forming_bar_grows_without_a_correction_and_ends_with_the_last_session_of_anyone(
    connection: Connection,
) -> None:
    week = [day for day in SESSIONS if day.isocalendar()[:2] == (2013, 41)]
    for n, day in enumerate(week):
        at = START + timedelta(days=n)
        load(connection, bar("SPY", day, 10 + n), *([bar("AIG", day)] if n == 0 else []), at=at)
        run(connection, at)
        assert kept(connection) == grouped(connection)
    assert connection.execute("SELECT count(*) FROM corrections").fetchone() == (0,)
    weeks = connection.execute("SELECT sym, forming, volume FROM bars_nd WHERE timeframe = 'week' ORDER BY sym")
    assert [row[:2] for row in weeks.fetchall()] == [("AIG", False), ("SPY", False)]


def test_any_changes_in_any_order_give_what_all_days_at_once_would_give(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPAN_DAYS", 100)
    draw, known = Random(34), {}
    for n in range(6):
        at = START + timedelta(days=n)
        days = draw.sample(SESSIONS, draw.choice([1, 2, 30]))
        batch = [
            draw.choice([
                bar(sym, day, draw.randint(5, 60)),
                bar(sym, day, count=None, volume=0),
                DailyBar(sym, day, None, None, None, None, draw.randint(0, 9)),
            ])
            for day in days
            for sym in draw.sample(["AIG", "BAC", "SPY"], 2)
        ]  # fmt: skip
        known.update({(one.sym, one.day): one for one in batch})
        load(connection, *batch, at=at)
        run(connection, at)
        assert kept(connection) == grouped(connection)
    assert connection.execute("SELECT count(*) FROM bars_1d").fetchone() == (len(known),)


def test_days_that_cannot_be_grouped_are_counted(connection: Connection) -> None:
    monday = date(2013, 10, 7)
    load(connection, bar("SPY", date(2013, 10, 6)), bar("SPY", monday), bar("AIG", monday, volume=3 * 10**17))
    loaded = run(connection)
    assert loaded.reasons == {"volume": 1}
    assert {row[0] for row in kept(connection)} == {"SPY"}
    assert connection.execute("SELECT count(*) FROM bars_nd_due").fetchone() == (0,)


def test_a_clock_that_was_set_back_loses_no_correction(connection: Connection) -> None:
    load(connection, bar("SPY", SESSIONS[0]), bar("SPY", SESSIONS[-1]))
    run(connection, START)
    load(connection, bar("SPY", SESSIONS[0], 77), at=START + timedelta(hours=1))
    run(connection, START - timedelta(days=2))
    assert kept(connection) == grouped(connection)


def test_a_load_that_is_not_committed_stays_due(connection: Connection, database: str) -> None:
    load(connection, bar("SPY", SESSIONS[0]))
    with connect(database) as other, other.transaction():
        load(other, bar("SPY", SESSIONS[1]))
        run(connection)
    assert connection.execute("SELECT day FROM bars_nd_due").fetchall() == [(SESSIONS[1],)]
    run(connection, START + timedelta(hours=1))
    assert kept(connection) == grouped(connection)


def test_years_that_are_due_are_worked_in_by_spans_of_days(
    connection: Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(connection, *(bar("SPY", day, 10 + n) for n, day in enumerate(SESSIONS)))
    first = load_multi_session(connection, GROUPS, known_at=START)
    assert 0 < first.rows < len(grouped(connection))
    ((earliest,),) = connection.execute("SELECT min(day) FROM bars_nd_due").fetchall()
    assert (earliest - SESSIONS[0]).days >= module.SPAN_DAYS
    monkeypatch.setattr(module, "SPAN_DAYS", 10)
    postgres = Postgres(database)
    rest = keep_up(postgres, GROUPS, now=lambda: START)
    assert rest.changed == 0, "a bar that goes on in the next span is no correction"
    assert kept(connection) == grouped(connection)
    assert keep_up(postgres, GROUPS, now=lambda: START) == Loaded()
    postgres.close()


def test_cut_off_all_of_it_stays_due(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    load(connection, *(bar("SPY", day) for day in SESSIONS))

    def fail(*_: Any) -> None:
        raise OSError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(module, "finish", fail)
        with pytest.raises(OSError, match="cut off"):
            run(connection)
    assert kept(connection) == []
    assert run(connection).added > 0
    assert kept(connection) == grouped(connection)


def test_who_may_load_may_work_in_what_is_due(connection: Connection) -> None:
    connection.execute("SET ROLE loader")
    load(connection, bar("SPY", SESSIONS[0]))
    assert run(connection).added == len(TIMEFRAMES)
    connection.execute("RESET ROLE")
    assert kept(connection) == grouped(connection)
