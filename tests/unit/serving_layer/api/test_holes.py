"""Bars that a hole in the feed touches say so until it is filled: through the API, of what a real ingester tells."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import pytest
from polygon import RESTClient  # type: ignore[import-untyped]  # the vendor ships no types

from shared.errors import InvalidRecord
from shared.models.daily import DailyBar
from shared.polygon.trades import TradesPage
from shared.stores.settled import RAW_LOG
from speed_layer.ingest.report import counts
from tests.fakes import virtual_time
from tests.fakes.daily_rows import DailyRows
from tests.fakes.settled_dates import SettledDates
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of
from tests.unit.serving_layer.http_shim import serving
from tests.unit.speed_layer.feed import trade
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor

TUESDAY = date(2013, 10, 8)
MINUTES = f"/v2/aggs/ticker/SPY/range/1/minute/{TUESDAY}/{TUESDAY}"
LOST_AT, BACK_AT = T0 + 90_000, T0 + 200_000
"""Time of the last trade before the feed was lost, and of the first after it was back."""
HOLE = {"holes": [[LOST_AT, BACK_AT]]}


class Refusing(Vendor):
    """Its REST side answers what no retry mends, while `refuses`."""

    refuses = False

    def trades(self, sym: str, page: str) -> TradesPage:
        if self.refuses:
            raise InvalidRecord("status", "the vendor answered 404")
        return super().trades(sym, page)


def told(*, refuses: bool) -> Iterator[dict[str, Any]]:
    """What an ingester tells before it loses the feed, while that is away, and when the feed has gone on."""
    found: list[dict[str, Any]] = []
    before = [trade(n, T0 + 1_000 * n) for n in range((LOST_AT - T0) // 1_000 + 1)]
    after = [trade(n, BACK_AT + n) for n in (500, 1_500)]
    vendor = Refusing([*before, *after])

    async def scene(run: Run) -> None:
        def tell() -> None:
            found.append(counts(run.ingester, run.publisher))

        await run.ingester.on_up()
        await run.send(*before)
        await asyncio.sleep(2)
        tell()
        run.ingester.on_down()
        tell()
        vendor.refuses = refuses
        await run.ingester.on_up()
        await asyncio.sleep(1)
        await run.send(*after)
        await asyncio.sleep(2)
        tell()

    assert virtual_time.run(Streams().ingester(1, vendor).live_through(scene))
    yield from found


def api_of(*epochs: dict[str, Any], source: str = "trades/", **parts: Any) -> Api:
    """Five minutes of a Tuesday. Each look at the clock is two seconds after the one before."""
    clock = count(NOW_S, 2)
    control = Control({"source": source, "state": "ended"}, [{"last_trade_ms": T0 + 4 * MINUTE}, *epochs])
    api = Api(control=control, now_s=lambda: next(clock), **parts)
    for n in range(5):
        t = T0 + n * MINUTE
        api.rows.put_base("SPY", t, minute_of(t, first=16_742, last=16_750, high=16_800, low=16_700), NOW_S)
    return api


def short(api: Api, url: str) -> list[int]:
    """The minutes (from T0) of the bars that say that they are not complete; no bar says that it is."""
    bars = api.get(url)["results"]
    assert all(bar.get("complete", False) is False for bar in bars)
    return [(bar["t"] - T0) // MINUTE for bar in bars if "complete" in bar]


def test_a_hole_that_opens_and_is_filled() -> None:
    """Until the feed is back nobody knows how far the hole goes; 5 s before the last trade are asked for again."""
    before, away, filled = told(refuses=False)
    assert [short(api_of(one), MINUTES) for one in (before, away, filled)] == [[], [1, 2, 3, 4], []]
    assert away["hole_from"] == LOST_AT - 5_000


def test_a_hole_that_is_never_filled_stays_and_ends_where_the_feed_went_on() -> None:
    *_, given_up = told(refuses=True)
    api = api_of(given_up)
    assert short(api, MINUTES) == [1, 2, 3]
    assert short(api, MINUTES + "?sort=desc&limit=1") == []
    assert short(api, MINUTES.replace("1/minute", "2/minute")) == [0, 2]
    assert short(api, MINUTES.replace("1/minute", "1/hour")) == [-30]


@pytest.mark.parametrize(("start", "end", "touched"), [(0, 0, [0]), (60, 60, [1]), (59.999, 60, [0]), (60, 120, [1])])
def test_a_window_holds_its_start_and_not_its_end(start: float, end: float, touched: list[int]) -> None:
    api = api_of({"holes": [[T0 + round(start * 1000), T0 + round(end * 1000)]]})
    assert short(api, MINUTES) == touched


def test_pages_say_the_same_of_each_bar() -> None:
    api, url, pages = api_of(HOLE), f"{MINUTES}?limit=1", []
    while url:
        body = api.get(url)
        pages += body["results"]
        url = body.get("next_url", "").removeprefix("https://api.example.com")
    assert pages == api.get(MINUTES)["results"]
    assert [bar.get("complete") for bar in pages] == [None, False, False, False, None]


@pytest.mark.parametrize(("source", "expected"), [(RAW_LOG, [1, 2, 3]), ("vendor", [])])
def test_a_settled_date_is_whole_unless_it_was_rebuilt_of_our_own_log(source: str, expected: list[int]) -> None:
    dates = SettledDates()
    dates.settle("1m", TUESDAY, known_at=datetime(2013, 10, 9, 2, tzinfo=UTC), source=source)
    api = api_of(HOLE, settled=dates)
    assert short(api, MINUTES) == expected
    assert short(api, MINUTES + "?as_of=2013-10-08T20:00:00Z") == [1, 2, 3]
    (row,) = api.get(f"/v1/completeness?from={TUESDAY}&to={TUESDAY}")["results"]
    assert row["complete"] is (not expected)


def test_a_day_is_whole_once_the_vendors_is_stored() -> None:
    rows = DailyRows()
    api = api_of(HOLE, daily=rows)
    day, week = (f"/v2/aggs/ticker/SPY/range/1/{unit}/{TUESDAY}/{TUESDAY}" for unit in ("day", "week"))
    for url in (day, week):
        assert [bar.get("complete") for bar in api.get(url)["results"]] == [False]
    rows.days["SPY", TUESDAY] = DailyBar("SPY", TUESDAY, 167, 168, 166, 167, 10)
    for url in (day, week):
        assert [bar.get("complete") for bar in api.get(url)["results"]] == [None]


def test_the_previous_close_says_so_too() -> None:
    monday = {"holes": [[T0 - 24 * 60 * MINUTE, T0 - 24 * 60 * MINUTE + 1]]}
    for epoch, expected in ((monday, [False]), (HOLE, [None])):
        api, t = api_of(epoch), T0 - 24 * 60 * MINUTE
        api.rows.put_base("SPY", t, minute_of(t, first=16_742, last=16_750, high=16_800, low=16_700), NOW_S)
        assert [bar.get("complete") for bar in api.get("/v2/aggs/ticker/SPY/prev")["results"]] == expected


def test_the_vendors_own_client_reads_bars_that_are_not_complete() -> None:
    with serving(api_of(HOLE), []) as base:
        bars = list(RESTClient(api_key="cv_1_2", base=base).list_aggs("SPY", 1, "minute", TUESDAY, TUESDAY))
    assert [(bar.timestamp - T0) // MINUTE for bar in bars] == [0, 1, 2, 3, 4]
    assert {(bar.open, bar.close) for bar in bars} == {(167.42, 167.5)}


def test_when_the_feed_has_ended_there_is_no_hole_also_for_one_who_followed() -> None:
    vendor, streams = Vendor([trade(n, T0 + 1_000 * n) for n in range(40)]), Streams()
    found: list[dict[str, Any]] = []

    async def first(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(*vendor.trades_of_feed[:20])
        await asyncio.sleep(2)

    async def last(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(*vendor.trades_of_feed[20:])
        await run.end()
        found.append(counts(run.ingester, run.publisher))

    for epoch, scene in enumerate((first, last), start=1):
        assert virtual_time.run(streams.ingester(epoch, vendor).live_through(scene))
    assert (found[0]["state"], found[0]["hole_from"], found[0]["holes"]) == ("ended", 0, [])
    assert short(api_of(*found), MINUTES) == []
