"""Alarms on the feed: a real ingester meets the fault on the host's clock, tells, is watched, and its alarm follows."""

import asyncio
from typing import Any

import pytest

from shared.metrics import CHANNELS_REFUSED, HOLES, HOST_BEHIND, QUARANTINED, TRADES
from stacks.alarms import ALARMS, Alarm
from tests.alarms.watched import OPEN_S, Watched, lines_of
from tests.fakes.cloudwatch import ALARM, OK, changes, fired_at
from tests.unit.speed_layer.feed import frame

BY_NAME: dict[str, Alarm] = {alarm.name: alarm for alarm in ALARMS}
MINUTE = 60
CLOSE_S = OPEN_S + int(6.5 * 3600)


@pytest.mark.fault("F04")
@pytest.mark.alarm("feed-down")
def test_a_feed_that_falls_silent_in_the_session_is_told_and_so_is_its_return(
    dynamodb: Any, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched(dynamodb, s3, monkeypatch)

    async def scene(watched: Watched) -> None:
        await watched.ingester.ingester.on_up()
        await watched.trading(3)
        await watched.trading(6, arrives=False)
        await watched.trading(6)

    watched.play(scene)
    metrics, alarm = lines_of(capsys), BY_NAME["feed-down"]
    assert changes(alarm, metrics, OPEN_S, OPEN_S + 15 * MINUTE) == [ALARM, OK]
    fired = fired_at(alarm, metrics, OPEN_S, OPEN_S + 15 * MINUTE)
    assert fired[0] <= OPEN_S + 6 * MINUTE, "within three minutes"


@pytest.mark.fault("F04")
@pytest.mark.alarm("feed-down")
def test_an_ingester_that_says_nothing_any_more_is_told(
    dynamodb: Any, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is killed at 09:33; what it told last stays in the table, and says `running`."""
    watched = Watched(dynamodb, s3, monkeypatch)
    put, dead = watched.control.put_epoch, False
    monkeypatch.setattr(watched.control, "put_epoch", lambda *told: dead or put(*told))

    async def scene(watched: Watched) -> None:
        nonlocal dead
        await watched.ingester.ingester.on_up()
        await watched.trading(3)
        dead = True
        await asyncio.sleep(5 * MINUTE)
        dead = False
        await watched.trading(6)

    watched.play(scene)
    assert watched.control.newest_epoch()["state"] == "running"
    assert changes(BY_NAME["feed-down"], lines_of(capsys), OPEN_S, OPEN_S + 14 * MINUTE) == [ALARM, OK]


def test_nothing_is_told_of_a_feed_that_falls_silent_with_the_session(
    dynamodb: Any, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched(dynamodb, s3, monkeypatch, from_s=CLOSE_S - 3 * MINUTE)

    async def scene(watched: Watched) -> None:
        await watched.ingester.ingester.on_up()
        await watched.trading(3)
        await watched.trading(6, arrives=False)
        watched.ingester.ingester.on_down()
        await asyncio.sleep(6 * MINUTE)

    watched.play(scene)
    metrics = lines_of(capsys)
    for name in ("feed-down", "bars-late", "quarantined", "channels-refused"):
        assert changes(BY_NAME[name], metrics, CLOSE_S - 3 * MINUTE, CLOSE_S + 12 * MINUTE) == []


@pytest.mark.alarm("bars-late")
def test_bars_that_do_not_come_out_are_told(
    dynamodb: Any, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bars stream takes nothing for nine minutes; the trades come."""
    stuck = range(OPEN_S + 3 * MINUTE, OPEN_S + 12 * MINUTE)
    watched = Watched(dynamodb, s3, monkeypatch, bars_stuck=lambda now_s: int(now_s) in stuck)

    async def scene(watched: Watched) -> None:
        await watched.ingester.ingester.on_up()
        await watched.trading(19)

    watched.play(scene)
    metrics = lines_of(capsys)
    assert changes(BY_NAME["bars-late"], metrics, OPEN_S, OPEN_S + 19 * MINUTE) == [ALARM, OK]
    assert changes(BY_NAME["feed-down"], metrics, OPEN_S, OPEN_S + 19 * MINUTE) == []


@pytest.mark.fault("F01")
@pytest.mark.alarm("holes")
def test_a_gap_that_the_vendor_does_not_fill_is_told_once(
    dynamodb: Any, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched(dynamodb, s3, monkeypatch)

    async def scene(watched: Watched) -> None:
        run = watched.ingester.ingester
        await run.on_up()
        await watched.trading(2)
        run.on_down()
        watched.vendor.away = True
        await asyncio.sleep(5)
        await run.on_up()
        await watched.trading(3)
        watched.vendor.away = False
        await watched.trading(1)

    watched.play(scene)
    metrics = lines_of(capsys)
    assert metrics.total(HOLES) == 1
    assert changes(BY_NAME["holes"], metrics, OPEN_S, OPEN_S + 30 * MINUTE) == [ALARM, OK]


@pytest.mark.fault("F11")
@pytest.mark.alarm("quarantined")
def test_input_that_breaks_rules_by_the_hundred_is_told_and_a_few_odd_trades_are_not(
    dynamodb: Any, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched(dynamodb, s3, monkeypatch)

    async def scene(watched: Watched) -> None:
        await watched.ingester.ingester.on_up()
        await watched.trading(11, spoiled=15)
        await watched.trading(11, spoiled=40)
        await watched.trading(1)

    watched.play(scene)
    metrics, intake = lines_of(capsys), watched.ingester.ingester.intake
    assert metrics.total(QUARANTINED) == sum(intake.quarantined.values()) > 500
    assert metrics.total(TRADES) == watched.ingester.publisher.accepted > 1_300
    assert changes(BY_NAME["quarantined"], metrics, OPEN_S, OPEN_S + 55 * MINUTE) == [ALARM, OK]
    assert fired_at(BY_NAME["quarantined"], metrics, OPEN_S, OPEN_S + 15 * MINUTE) == []


@pytest.mark.fault("F20")
@pytest.mark.alarm("clock-behind")
def test_a_host_whose_clock_is_behind_the_feed_is_told(
    dynamodb: Any, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched(dynamodb, s3, monkeypatch, behind_ms=1_500)

    async def scene(watched: Watched) -> None:
        await watched.ingester.ingester.on_up()
        await watched.trading(6)
        watched.behind_ms = 0
        await watched.trading(8)

    watched.play(scene)
    metrics = lines_of(capsys)
    assert metrics.total(HOST_BEHIND) >= 3 * 1_000
    assert changes(BY_NAME["clock-behind"], metrics, OPEN_S, OPEN_S + 14 * MINUTE) == [ALARM, OK]


@pytest.mark.fault("F08")
@pytest.mark.alarm("channels-refused")
def test_a_symbol_that_the_vendor_does_not_grant_is_told_until_the_list_is_another(
    dynamodb: Any, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next ingester, with a list that is granted, is stood for by the refusal being taken back."""
    watched = Watched(dynamodb, s3, monkeypatch)
    refused = {"ev": "status", "status": "error", "message": "not authorized to subscribe to: T.BRK.A"}

    async def scene(watched: Watched) -> None:
        run = watched.ingester.ingester
        await run.on_up()
        await run.on_frame(frame(refused))
        await watched.trading(6)
        run.refused_channels.clear()
        await watched.trading(1)

    watched.play(scene)
    metrics = lines_of(capsys)
    assert metrics.total(CHANNELS_REFUSED) >= 5
    assert changes(BY_NAME["channels-refused"], metrics, OPEN_S, OPEN_S + 36 * MINUTE) == [ALARM, OK]
