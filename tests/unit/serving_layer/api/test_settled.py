"""Settled dates through the API, over a real PostgreSQL: no hole, no double, and what was known at a moment."""

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batch_layer.load.rows import load_daily
from batch_layer.settle import settle
from serving_layer.api.wiring import database_of, state_of
from shared.bars.algebra import merge
from shared.bars.windows import new_york_date
from shared.models.bar import Minute, Partial
from shared.models.daily import DailyBar
from shared.stores.bars import LatePart
from shared.stores.corrections import CorrectionStore
from shared.stores.daily import DailyStore
from shared.stores.minutes import MinuteStore
from shared.stores.postgres import Postgres, PostgresSettings
from tests.fakes.bar_rows import BarRows
from tests.fakes.postgres import connection, database
from tests.fakes.settled_dates import SettledDates
from tests.fakes.valkey import LOOPBACK, free_port
from tests.parity.generate import write_lines
from tests.parity.ours import minutes_of
from tests.parity.reference import Reference
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of

__all__ = ["connection", "database"]
Connection = psycopg.Connection[tuple[Any, ...]]
MONDAY, TUESDAY, WEDNESDAY = (date(2013, 10, n) for n in (7, 8, 9))
DAYS = "2013-10-07/2013-10-09"
KNOWN = datetime(2013, 10, 10, 2, tzinfo=UTC)
USD = 10**9
FIELDS = {"o", "h", "l", "c", "v", "vw", "n", "t"}


class Everything:
    """An API over speed rows of three days and a database."""

    def __init__(self, database: str) -> None:
        self.postgres = Postgres(database)
        self.settled, self.speed = SettledDates(), BarRows()
        self.api = self.over(self.speed)

    def over(self, speed: BarRows) -> Api:
        return Api(
            speed,
            control=Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": T0 + 86_400_000}]),
            daily=DailyStore(self.postgres),
            batch=MinuteStore(self.postgres),
            settled=self.settled,
            corrections=CorrectionStore(self.postgres),
            now_s=self._later,
        )

    def settle(self, day: date, minutes: Mapping[tuple[str, int], Partial], known_at: datetime = KNOWN) -> None:
        of_day = [Minute(sym, t, one) for (sym, t), one in minutes.items() if new_york_date(t) == day]
        settle(self.postgres, self.settled, day, of_day, source="raw log", known_at=known_at)

    _now = float(NOW_S)

    def _later(self) -> float:
        """Each look at the clock is two seconds after the one before: no snapshot is kept."""
        self._now += 2
        return self._now


@pytest.fixture
def everything(database: str) -> Iterator[Everything]:
    found = Everything(database)
    yield found
    found.postgres.close()


def results(api: Api, url: str) -> list[dict[str, Any]]:
    body = json.loads(api.send(f"/v2/aggs/ticker/{url}")["body"], parse_float=Decimal, parse_int=Decimal)
    assert body["status"] == "OK", body
    return [{name: value for name, value in bar.items() if name in FIELDS} for bar in body.get("results", [])]


def every_tenth(path: Path, folder: Path) -> Path:
    """A tenth of the trades, from all of the day."""
    with gzip.open(path, "rt") as lines:
        write_lines(folder / path.name, [line.rstrip("\n") for line in islice(lines, 0, None, 10)])
    return folder / path.name


def test_settling_only_the_middle_of_three_recorded_days_leaves_no_hole_and_no_double(
    everything: Everything, recorded_trades: list[Path], tmp_path: Path
) -> None:
    files = [every_tenth(path, tmp_path) for path in recorded_trades if path.name.startswith("AIG_")]
    reference = Reference(files)
    partials = minutes_of(files)["AIG"]
    settled_away = BarRows()
    for t, partial in partials.items():
        everything.speed.put_base("AIG", t, partial, NOW_S)
        if new_york_date(t) != TUESDAY:
            settled_away.put_base("AIG", t, partial, NOW_S)
    expected = {
        "1/minute": reference.bars("AIG", MINUTE),
        "1/hour": reference.bars("AIG", 60 * MINUTE),
    }
    assert len(expected["1/minute"]) > 500
    everything.settle(TUESDAY, {("AIG", t): partial for t, partial in partials.items()})
    for speed in (everything.speed, settled_away):  # as long as the speed rows are there, and when they are gone
        api = everything.over(speed)
        for width, bars in expected.items():
            assert results(api, f"AIG/range/{width}/{DAYS}?limit=50000") == bars
        minutes = expected["1/minute"]
        assert results(api, f"AIG/range/1/minute/{DAYS}?limit=50000&sort=desc") == minutes[::-1]
    everything.settle(TUESDAY, {("AIG", t): partial for t, partial in partials.items()})
    assert results(everything.api, f"AIG/range/1/minute/{DAYS}?limit=50000") == expected["1/minute"]


def streamed(everything: Everything) -> dict[tuple[str, int], Partial]:
    """Three days of SPY, the last minute of each with a late part."""
    minutes = {}
    for day in range(-1, 2):
        for n in range(4):
            t = T0 + day * 86_400_000 + n * MINUTE
            minutes["SPY", t] = minute_of(t, first=14_500, last=14_600, high=14_700, low=14_400)
            everything.speed.put_base("SPY", t, minutes["SPY", t], NOW_S)
        late = minute_of(t, first=14_550, last=14_550, high=14_900, low=14_300)
        everything.speed.put_late("SPY", t, "1-0-1#5", LatePart(1, late), NOW_S)
        minutes["SPY", t] = merge(minutes["SPY", t], late)
    return minutes


def test_what_comes_after_settling_shows_with_the_next_run_and_as_of_shows_what_was_known(
    everything: Everything,
) -> None:
    minutes, url = streamed(everything), f"SPY/range/1/minute/{DAYS}"
    before = results(everything.api, url)
    everything.settle(TUESDAY, minutes)
    assert results(everything.api, url) == before
    later = merge(minutes["SPY", T0], minute_of(T0, first=15_000, last=15_000, high=15_000, low=15_000))
    everything.settle(TUESDAY, minutes | {("SPY", T0): later}, KNOWN + timedelta(days=1))
    after = results(everything.api, url)
    assert [bar["t"] for bar in after] == [bar["t"] for bar in before]
    assert [bar["h"] for bar in after if bar["t"] == T0] == [150]
    assert [one for one in after if one not in before] == [bar for bar in after if bar["t"] == T0]
    for as_of in (KNOWN - timedelta(seconds=1), KNOWN, KNOWN + timedelta(hours=23)):
        assert results(everything.api, f"{url}?as_of={as_of.isoformat().replace('+00:00', 'Z')}") == before
    assert results(everything.api, f"{url}?as_of=2013-10-12") == after
    assert results(everything.api, f"{url}?as_of=2013-10-08T13:00:00Z") == before[:4], "the day had not begun"


def test_a_vendors_correction_of_an_old_day_shows_in_all_that_is_made_of_it_and_as_of_shows_the_old_one(
    everything: Everything, connection: Connection
) -> None:
    days = [date(2013, 8, 1) + timedelta(days=n) for n in range(60)]
    bars = [
        DailyBar("SPY", day, 100 * USD, (110 + n) * USD, 90 * USD, 105 * USD, 10**9, 1_000_000, 7)
        for n, day in enumerate(days)
        if day.weekday() < 5 and day != date(2013, 9, 2)
    ]
    load_daily(connection, bars, source="rest", known_at=KNOWN)
    urls = [
        *(f"SPY/range/1/{unit}/2013-08-01/2013-09-27" for unit in ("day", "week", "month", "quarter")),
        "SPY/range/3/day/2013-08-01/2013-09-27",
    ]
    before = {url: results(everything.api, url) for url in urls}
    corrected = next(bar for bar in bars if bar.day == date(2013, 8, 20))
    load_daily(connection, [corrected._replace(high=999 * USD)], source="rest", known_at=KNOWN + timedelta(days=9))
    for url in urls:
        now = results(everything.api, url)
        changed = [bar for bar, was in zip(now, before[url], strict=True) if bar != was]
        assert [bar["h"] for bar in changed] == [999], url
        assert results(everything.api, f"{url}?as_of=2013-10-17") == before[url]
        assert results(everything.api, f"{url}?as_of=2013-10-18") == now
        assert results(everything.api, f"{url}?as_of=2013-10-08") == [], "nothing was known of these days"
    answers = {
        at: everything.api.get(f"/v1/open-close/SPY/2013-08-20?as_of={at}")["high"]
        for at in ("2013-10-17", "2013-10-18")
    }
    assert answers == {"2013-10-17": 129, "2013-10-18": 999}


def test_corrections_tell_what_a_row_was_and_became(everything: Everything, connection: Connection) -> None:
    bars = [DailyBar(sym, TUESDAY, USD, 2 * USD, USD, USD, 10**6, None, 1) for sym in ("AIG", "BAC", "SPY")]
    load_daily(connection, bars, source="rest", known_at=KNOWN)
    for n, bar in enumerate(bars):
        revised = bar._replace(high=(3 + n) * USD + 1)
        load_daily(connection, [revised], source="flatfiles", known_at=KNOWN + timedelta(days=n + 1))
    minutes = streamed(everything)
    everything.settle(MONDAY, minutes)
    t = T0 - 86_400_000
    later = {("SPY", t): merge(minutes["SPY", t], minute_of(t, first=1, last=1, high=1, low=1))}
    everything.settle(MONDAY, minutes | later, KNOWN + timedelta(days=9))

    def ask(query: str) -> list[tuple[str, str]]:
        rows = everything.api.get(f"/v1/corrections{query}")["results"]
        return [(row["ticker"], row["relation"]) for row in rows]

    daily = [(sym, "bars_1d") for sym in ("AIG", "BAC", "SPY")]
    minute = ("SPY", "bars_1m")
    assert ask("") == [minute, *daily[::-1]], "the newest first"
    assert ask("?order=asc") == [*daily, minute]
    assert ask("?ticker=SPY") == [minute, daily[2]]
    assert ask("?ticker=SPY&relation=bars_1d") == [daily[2]]
    assert ask("?date=2013-10-07") == [minute]
    assert ask("?date.gt=2013-10-07") == daily[::-1]
    assert ask("?known_at.gte=2013-10-12T02:00:00Z&known_at.lt=2013-10-13T02:00:00Z") == [daily[1]]
    assert ask("?known_at.gte=2013-10-13") == [minute]
    first = everything.api.get("/v1/corrections?limit=1&ticker=BAC")["results"][0]
    assert first["old"]["high"] == 2
    assert first["new"] == {**first["old"], "high": 4.000000001, "source": "flatfiles", "revision": 1} | {
        "known_at": first["new"]["known_at"]
    }
    assert (first["date"], first["known_at"], first["source"]) == ("2013-10-08", "2013-10-12T02:00:00Z", "flatfiles")
    (of_minute,) = everything.api.get("/v1/corrections?relation=bars_1m")["results"]
    assert "partial" not in of_minute["old"]
    assert (of_minute["old"]["low"], of_minute["new"]["low"]) == (144, 0.01)

    url, pages = "/v1/corrections?limit=3", []
    while url:
        body = everything.api.get(url)
        pages += [row["id"] for row in body["results"]]
        url = body.get("next_url", "").removeprefix("https://bars.example.com")
    assert len(pages) == 4
    assert pages == sorted(set(pages), reverse=True)


@pytest.mark.parametrize("query", ["relation=runs", "date=x", "known_at.gte=x", "ticker=$", "limit=0", "cursor=x"])
def test_corrections_refuse_what_they_cannot_read(everything: Everything, query: str) -> None:
    assert everything.api.send(f"/v1/corrections?{query}")["statusCode"] == 400


def test_without_a_database_corrections_are_not_available() -> None:
    assert Api().send("/v1/corrections")["statusCode"] == 503


def test_while_the_database_is_away_settled_dates_are_refused_for_twenty_seconds_and_others_read(
    everything: Everything,
) -> None:
    away = database_of(PostgresSettings(postgres_conninfo=f"host={LOOPBACK} port={free_port()} user=u dbname=d"))
    assert away is not None
    minutes = streamed(everything)
    everything.settle(MONDAY, minutes)
    api = Api(everything.speed, batch=MinuteStore(away), settled=everything.settled)
    answer = api.send(f"/v2/aggs/ticker/SPY/range/1/minute/{DAYS}")
    assert (answer["statusCode"], answer["multiValueHeaders"]["Retry-After"]) == (503, ["20"])
    assert len(results(api, "SPY/range/1/minute/2013-10-08/2013-10-09")) == 8
    assert state_of(away, ask=False) == "unavailable"


def test_health_tells_of_the_database_and_wakes_none_that_sleeps(everything: Everything) -> None:
    assert state_of(None, ask=True) == "none"
    assert state_of(everything.postgres, ask=False) == "unknown"
    assert state_of(everything.postgres, ask=True) == "ok"
    assert state_of(everything.postgres, ask=False) == "ok"
    away = Postgres(f"host={LOOPBACK} port={free_port()} user=u dbname=d")
    assert state_of(away, ask=True) == "unavailable"
