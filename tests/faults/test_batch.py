"""F57 to F60, F73, F74, F76 to F79 on the batch layer's own steps: what goes wrong in the middle of one leaves nothing
half done, is said in words, and is over as soon as its cause is."""

import os
import signal
import time as clock
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg
import pytest

from batch_layer import settle as settling
from batch_layer.fetch.units import Fetched
from batch_layer.imports import run as importing
from batch_layer.imports.bars import Wrong
from batch_layer.imports.run import import_rows
from batch_layer.lake.manifest import Manifest
from batch_layer.lake.minute_lines import MinuteLines
from batch_layer.lake.minutes import MinuteLake
from batch_layer.lake.objects import Objects
from batch_layer.load.migrate import migrate
from batch_layer.nightly import inside as nightly
from batch_layer.nightly.inside import Inside
from batch_layer.nightly.landing import Landing, Told
from batch_layer.nightly.outside import Outside
from local_dev.runtime.postgres import QUICK_AND_LOSSY, PostgresServer, start_postgres
from local_dev.runtime.processes import Supervisor
from local_dev.vendor.settings import VendorSettings
from shared.bars.sessions import new_york_sessions
from shared.bars.windows import new_york_midnight_ms
from shared.errors import SourceUnavailable, StoreUnavailable
from shared.models.bar import Minute, Partial
from shared.models.daily import DailyBar
from shared.stores.lake import Lake
from shared.stores.runs import RunLedger
from shared.stores.settled import MINUTES
from tests.fakes.postgres import connect, kill, stalled
from tests.unit.batch_layer.fetch.support import client
from tests.unit.batch_layer.nightly.test_inside import inside as nothing_landed
from tests.unit.local_dev.vendor.table_files import bar, serving_tables, write_actions, write_daily
from tests.unit.shared.stores.conftest import (
    BUCKET,
    TABLE,
    answer_with_error,
    aws,
    create_table,
    dynamodb,
    lose_answer,
    s3,
    unhooked,
)

__all__ = ["aws", "dynamodb", "nothing_landed", "s3", "unhooked"]

DAY = date(2013, 10, 8)
OPEN = new_york_midnight_ms(DAY) + (9 * 60 + 30) * 60_000
AT = datetime(2013, 10, 9, 0, 15, tzinfo=UTC)
OWNER = "execution"
CONNECTIONS = 8
CALLS = 4
"""Of a fetch without trouble: the day, splits, dividends, minutes of one symbol."""
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
BARS = [DailyBar(sym, DAY, 10 * 10**9, 12 * 10**9, 9 * 10**9, 11 * 10**9, 10**8) for sym in ("A", "B")]


def minute(number: int, price: int = 10) -> Minute:
    t = OPEN + number * 60_000
    key = f"{t:013d}{1:012d}{price * 10**9:018d}"
    return Minute("A", t, Partial(key, key, price * 10**9, price * 10**9, 10**8, price * 10**17, 1))


MINUTE_ROWS = [minute(0), minute(1), minute(2)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of our own, to be hurt, with few connections; it comes back after an orderly stop too."""
    folder = tmp_path_factory.mktemp("postgres")
    supervisor = Supervisor(folder / "logs")
    few = {"max_connections": str(CONNECTIONS), "superuser_reserved_connections": "0", "max_wal_senders": "0"}
    server = start_postgres(supervisor, folder, extra={**QUICK_AND_LOSSY, **few})
    server.child.command = replace(server.child.command, endless=True)
    with connect(server.conninfo) as connection:
        migrate(connection)
    yield server
    supervisor.stop()


@pytest.fixture
def database(server: PostgresServer) -> str:
    """An empty database of the server that is hurt."""
    with connect(server.conninfo) as connection:
        connection.execute("TRUNCATE bars_1d, bars_1m, runs, quarantine, corrections")
    return server.conninfo


@pytest.fixture
def inside(nothing_landed: Inside) -> Inside:
    """The steps in the VPC, with a date landed and its minutes rebuilt."""
    inside = nothing_landed
    Landing(inside.objects).put(DAY, AT, Told(Fetched(bars=BARS)))
    inside.lines.write(DAY, MINUTE_ROWS, Manifest(len(MINUTE_ROWS), 1, "ab", "raw log", "0.1.0", AT))
    return inside


def stored(server: PostgresServer, table: str) -> int:
    with connect(server.conninfo) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # type: ignore[index, no-any-return]  # noqa: S608 -- ours


def settled(inside: Inside) -> list[date]:
    return list(inside.settled.days(MINUTES, DAY, DAY))


def restart(server: PostgresServer) -> None:
    """An orderly stop, which ends every session, and a new start."""
    starts = server.child.starts
    os.kill(server.child.pid, signal.SIGINT)
    deadline = clock.monotonic() + 30
    while clock.monotonic() < deadline:
        if server.child.starts > starts:
            try:
                return connect(server.conninfo).close()
            except psycopg.OperationalError:
                pass
        clock.sleep(0.02)
    raise TimeoutError("the server that was stopped did not come back")


def once_in_the_middle(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, trouble: Callable[[], object]
) -> list[int]:
    """The first time that `name` has done its work, before it is committed, there is trouble. Returns its times."""
    work, times = getattr(module, name), [0]

    def troubled(*arguments: Any, **named: Any) -> Any:
        done = work(*arguments, **named)
        times[0] += 1
        if times[0] == 1:
            trouble()
        return done

    monkeypatch.setattr(module, name, troubled)
    return times


@pytest.mark.parametrize("trouble", [restart, kill], ids=["restarted", "killed"])
def test_a_database_that_goes_away_in_mid_load_has_nothing_of_it_and_then_all_of_it_once(
    inside: Inside, server: PostgresServer, monkeypatch: pytest.MonkeyPatch, trouble: Callable[[PostgresServer], None]
) -> None:
    seen: list[int] = []

    def away() -> None:
        trouble(server)
        seen.append(stored(server, "bars_1d"))

    starts = server.child.starts
    times = once_in_the_middle(monkeypatch, nightly, "load_fetched", away)
    assert inside.load(DAY, OWNER)["added"] == 2
    assert (server.child.starts, times, seen) == (starts + 1, [2], [0])
    assert stored(server, "bars_1d") == 2
    assert inside.load(DAY, OWNER) == {"rows": "loaded before"}


@pytest.mark.parametrize("trouble", [restart, kill], ids=["restarted", "killed"])
def test_a_database_that_goes_away_in_mid_settle_leaves_the_date_as_it_was_and_then_settles_it(
    inside: Inside, server: PostgresServer, monkeypatch: pytest.MonkeyPatch, trouble: Callable[[PostgresServer], None]
) -> None:
    seen: list[tuple[int, list[date]]] = []

    def away() -> None:
        trouble(server)
        seen.append((stored(server, "bars_1m"), settled(inside)))

    times = once_in_the_middle(monkeypatch, settling, "load_minutes", away)
    assert inside.settle(DAY, OWNER)["counts"]["added"] == 3  # type: ignore[index]  # counts are a dict
    assert (seen, times) == ([(0, [])], [2])
    assert (settled(inside), stored(server, "bars_1m")) == ([DAY], 3)


def test_a_database_that_stalls_in_mid_settle_is_given_up_within_the_budget(
    inside: Inside, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settle(budget_s: float) -> None:
        settling.settle(
            inside.postgres, inside.settled, DAY, MINUTE_ROWS, source="raw log", known_at=AT, budget_s=budget_s
        )

    with ExitStack() as stack:
        once_in_the_middle(monkeypatch, settling, "load_minutes", lambda: stack.enter_context(stalled(server)))
        begin = clock.monotonic()
        with pytest.raises(StoreUnavailable, match=r"PostgreSQL did not answer within 2\.0 s"):
            settle(2.0)
        assert 1.9 < clock.monotonic() - begin < 10
        assert settled(inside) == []
    settle(60.0)
    assert (settled(inside), stored(server, "bars_1m")) == ([DAY], 3)


def test_a_database_without_a_connection_left_is_said_so_and_loses_nothing(
    inside: Inside, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "PAUSES_S", (0.0,))
    with ExitStack() as held:
        for _ in range(CONNECTIONS):
            held.enter_context(connect(server.conninfo))
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            connect(server.conninfo)
        for step in (inside.load, inside.settle):
            with pytest.raises(StoreUnavailable, match="too many clients"):
                step(DAY, OWNER)
        assert settled(inside) == []
    _until_free(server)
    assert (stored(server, "bars_1d"), stored(server, "bars_1m")) == (0, 0)
    assert inside.load(DAY, OWNER)["added"] == 2
    inside.settle(DAY, OWNER)
    assert (settled(inside), stored(server, "bars_1m")) == ([DAY], 3)


def _until_free(server: PostgresServer) -> None:
    """A session ends a moment after its client."""
    deadline = clock.monotonic() + 10
    while True:
        try:
            return connect(server.conninfo).close()
        except psycopg.OperationalError:
            assert clock.monotonic() < deadline
            clock.sleep(0.02)


def test_a_database_killed_in_mid_import_has_the_file_once(
    inside: Inside, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 1)
    times = once_in_the_middle(monkeypatch, importing, "load_fetched", lambda: kill(server))
    rows: Iterator[DailyBar | Wrong] = iter(BARS)
    imported = import_rows(inside.postgres, "daily", rows, AT)
    assert (imported.loaded.added, times, stored(server, "bars_1d")) == (2, [3], 2)


def test_a_date_whose_mark_could_not_be_put_is_marked_by_the_next_try(
    inside: Inside, server: PostgresServer, dynamodb: Any
) -> None:
    body = b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"no"}'
    attempts = answer_with_error(dynamodb, "UpdateItem", 500, body, times=5)
    failures = 0
    while settled(inside) == []:
        with suppress(StoreUnavailable):
            inside.settle(DAY, OWNER)
            break
        failures += 1
        assert stored(server, "bars_1m") == 3
    assert (failures > 0, len(attempts) > 5) == (True, True)
    assert (settled(inside), stored(server, "bars_1m")) == ([DAY], 3)


def test_a_bucket_that_slows_us_down_costs_time_and_nothing_else(inside: Inside, s3: Any) -> None:
    reads = answer_with_error(s3, "GetObject", 503, SLOW_DOWN, times=2)
    assert inside.load(DAY, OWNER)["added"] == 2
    assert len(reads) >= 3
    puts = answer_with_error(s3, "PutObject", 503, SLOW_DOWN, times=2)
    lake = MinuteLake(s3, BUCKET, "0.1.0")
    assert lake.write(DAY, MINUTE_ROWS, source="raw log", known_at=AT).changed
    assert len(puts) >= 3
    assert list(lake.minutes(DAY) or ()) == MINUTE_ROWS


def test_a_bucket_that_goes_on_slowing_us_down_settles_nothing(inside: Inside, s3: Any, server: PostgresServer) -> None:
    answer_with_error(s3, "GetObject", 503, SLOW_DOWN)
    for step in (inside.load, inside.settle):
        with pytest.raises(StoreUnavailable, match="SlowDown"):
            step(DAY, OWNER)
    assert (settled(inside), stored(server, "bars_1m"), stored(server, "bars_1d")) == ([], 0, 0)


def test_minutes_that_another_writer_has_put_meanwhile_are_not_overwritten(s3: Any) -> None:
    """Its later knowledge lands just before our file: the precondition of our put fails."""
    theirs = MinuteLake(s3, BUCKET, "0.1.0")
    later = AT.replace(hour=1)
    refused: list[str] = []

    def between(request: Any, **_: Any) -> None:
        if f"/minutes/date={DAY}" in unquote(request.url) and not refused:
            refused.append(request.url)
            theirs.write(DAY, MINUTE_ROWS[:1], source="raw log", known_at=later)

    s3.meta.events.register_first("before-send.s3.PutObject", between)
    try:
        MinuteLines(s3, BUCKET).write(DAY, MINUTE_ROWS, Manifest(3, 1, "ab", "raw log", "0.1.0", AT))
    finally:
        s3.meta.events.unregister("before-send.s3.PutObject", between)
    assert refused
    kept = MinuteLines(s3, BUCKET).read(DAY)
    assert kept is not None
    assert (list(kept.minutes), kept.known_at) == (MINUTE_ROWS[:1], later)


def test_an_answer_of_the_bucket_that_was_lost_leaves_one_whole_file(s3: Any) -> None:
    lost = lose_answer(s3, "PutObject", times=1)
    lake = MinuteLake(s3, BUCKET, "0.1.0")
    lake.write(DAY, MINUTE_ROWS, source="raw log", known_at=AT)
    assert len(lost) > 1
    assert list(lake.minutes(DAY) or ()) == MINUTE_ROWS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the vendor has: two symbols on the trade date, and a split."""
    folder = write_daily(tmp_path_factory.mktemp("vendor"), *(bar(sym, str(DAY)) for sym in "AB"))
    return write_actions(folder, f"A,{DAY},1,2,")


def outside(s3: Any, dynamodb: Any, url: str) -> Outside:
    create_table(dynamodb, {"pk": "S", "sk": "S"})
    ledger = RunLedger(dynamodb, TABLE)
    ledger.take(DAY, OWNER, 0, 10**10)
    return Outside(
        ledger=ledger,
        lake=Lake(s3, BUCKET),
        objects=Objects(s3, BUCKET),
        sessions=new_york_sessions(),
        rest=client(url),
        symbols=None,
        compared_symbols=1,
        now=lambda: AT,
    )


@pytest.mark.parametrize(
    "faults",
    ["http429@4:9s", "http500@2,http502@1,http503@1", "truncate@3", "reset@3", "half@3", "nobody@3"],
)
def test_the_vendors_trouble_that_passes_lands_the_whole_date(
    s3: Any, dynamodb: Any, folder: Path, faults: str
) -> None:
    with serving_tables(folder, VendorSettings(faults=f"{faults},ok@1,{faults},ok@1,{faults}")) as server:
        run = outside(s3, dynamodb, server.url)
        run.fetch(DAY, OWNER)
        assert run.rest is not None
        assert run.rest.calls > 9, "the vendor was asked again"
    landed = Landing(Objects(s3, BUCKET)).newest(DAY)
    assert landed is not None
    assert [one.sym for one in landed.told.fetched.bars] == ["A", "B"]
    assert [one.sym for one in landed.told.fetched.splits] == ["A"]


@pytest.mark.parametrize("kind", ["repeat", "loop"])
def test_a_page_of_the_vendor_that_leads_back_is_asked_for_again(
    s3: Any, dynamodb: Any, folder: Path, kind: str
) -> None:
    with serving_tables(folder, VendorSettings(faults=f"ok@1,{kind}@3")) as server:
        run = outside(s3, dynamodb, server.url)
        assert run.fetch(DAY, OWNER)["splits"] == 1
        assert run.rest is not None
        assert run.rest.calls == CALLS + 3


@pytest.mark.parametrize("kind", ["http500", "truncate", "half", "loop"])
def test_the_vendors_trouble_that_stays_lands_nothing_and_the_date_can_be_fetched_later(
    s3: Any, dynamodb: Any, folder: Path, kind: str
) -> None:
    with serving_tables(folder, VendorSettings(faults=f"ok@1,{kind}@5")) as server:
        run = outside(s3, dynamodb, server.url)
        with pytest.raises(SourceUnavailable, match="the vendor gave no whole answer in 5 tries"):
            run.fetch(DAY, OWNER)
        assert Landing(Objects(s3, BUCKET)).newest(DAY) is None
        assert run.fetch(DAY, OWNER)["bars"] == 2
