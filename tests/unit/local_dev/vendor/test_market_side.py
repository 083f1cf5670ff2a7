"""The market's status and holidays as the official client reads them."""

import asyncio
import json
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from local_dev.vendor.market_side import MarketSide
from shared.bars.sessions import AlwaysOpen, new_york_sessions

NEW_YORK = ZoneInfo("America/New_York")
NOBODY = cast(web.Request, None)  # neither route reads its request


def side(moment: str) -> MarketSide:
    now_ms = int(datetime.fromisoformat(moment).replace(tzinfo=NEW_YORK).timestamp() * 1000)
    return MarketSide(new_york_sessions(), lambda: now_ms)


def status(moment: str) -> Any:
    return json.loads(asyncio.run(side(moment).status(NOBODY, "")))


def holidays(moment: str) -> Any:
    return json.loads(asyncio.run(side(moment).holidays(NOBODY, "")))


@pytest.mark.parametrize(
    ("moment", "state", "early", "late"),
    [
        ("2026-11-25T03:59:59", "closed", False, False),
        ("2026-11-25T04:00:00", "extended-hours", True, False),
        ("2026-11-25T09:30:00", "open", False, False),
        ("2026-11-25T15:59:59", "open", False, False),
        ("2026-11-25T16:00:00", "extended-hours", False, True),
        ("2026-11-25T20:00:00", "closed", False, False),
        ("2026-11-26T12:00:00", "closed", False, False),  # Thanksgiving
        ("2026-11-27T13:00:00", "extended-hours", False, True),  # a half day
        ("2026-11-27T17:00:00", "closed", False, False),
        ("2026-11-28T12:00:00", "closed", False, False),  # a Saturday
    ],
)
def test_the_market_is_open_in_regular_hours_and_extended_around_them(
    moment: str, state: str, early: bool, late: bool
) -> None:
    answer = status(moment)
    assert (answer["market"], answer["earlyHours"], answer["afterHours"]) == (state, early, late)
    assert answer["exchanges"]["nyse"] == state
    assert answer["serverTime"] == f"{moment}-05:00"


def test_holidays_of_a_year_are_listed_with_the_hours_of_short_days() -> None:
    rows = [row for row in holidays("2026-11-25T12:00:00") if row["exchange"] == "NYSE"]
    short = {"2026-11-27", "2026-12-24"}
    closed = "2026-11-26 2026-12-25 2027-01-01 2027-01-18 2027-02-15 2027-03-26 2027-05-31 2027-06-18 2027-07-05"
    days = sorted({*short, *closed.split(), "2027-09-06", "2027-11-25"})  # the half day of 2027-11-26 is too far
    assert [(row["date"], row["status"]) for row in rows] == [
        (day, "early-close" if day in short else "closed") for day in days
    ]
    assert (rows[1]["open"], rows[1]["close"]) == ("2026-11-27T14:30:00.000Z", "2026-11-27T18:00:00.000Z")
    assert "open" not in rows[0]


def test_a_market_that_never_closes_has_no_holidays() -> None:
    always = MarketSide(AlwaysOpen(), lambda: 1_764_083_000_400)
    assert json.loads(asyncio.run(always.holidays(NOBODY, ""))) == []
    assert json.loads(asyncio.run(always.status(NOBODY, "")))["market"] == "open"
