"""When a feed that is connected counts as silent."""

import asyncio
from typing import Any

import pytest

from speed_layer.ingest import service
from speed_layer.ingest.pulse import BUSIEST, LONGEST_S, SHORTEST_S, Pulse
from tests.fakes import virtual_time
from tests.unit.speed_layer.feed import T0, trade
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor

BEGAN = 1_000.0


def heard(pace: float, *, symbols: int = 3, seconds: int = 130) -> tuple[Pulse, float]:
    """A pulse after so many seconds in which each symbol traded `pace` times a second, and the time it is then."""
    pulse, now, due = Pulse(), BEGAN, 0.0
    while now < BEGAN + seconds:
        due += pace
        for n in range(symbols):
            if whole := int(due):
                pulse.see(f"S{n}", whole, now)
        due -= int(due)
        now += 1.0
    return pulse, now - 1.0


@pytest.mark.fault("F04")
def test_busy_symbols_may_be_silent_for_ten_seconds() -> None:
    pulse, last = heard(50)
    assert not pulse.is_silent(last + SHORTEST_S)
    assert pulse.is_silent(last + SHORTEST_S + 0.01)


@pytest.mark.parametrize(("pace", "allowed"), [(0.2, 20 / 0.6), (0.02, LONGEST_S)])
def test_the_less_was_traded_the_longer_a_silence_may_be(pace: float, allowed: float) -> None:
    pulse, last = heard(pace, seconds=301)
    heard_last = last - (0 if pace == 0.2 else 50)
    assert not pulse.is_silent(heard_last + 0.9 * allowed)
    assert pulse.is_silent(last + 1.1 * allowed)


@pytest.mark.fault("F04")
def test_a_trickle_of_quiet_symbols_does_not_hide_that_the_busy_ones_are_gone() -> None:
    pulse, last = heard(50, symbols=BUSIEST)
    pulse.see("QUIET", 1, last + 9)
    assert pulse.is_silent(last + SHORTEST_S + 1)


def test_one_halted_symbol_among_busy_ones_is_no_silence() -> None:
    pulse, last = heard(50)
    pulse.see("S1", 40, last + 9)
    assert not pulse.is_silent(last + SHORTEST_S + 1)


def test_a_market_that_rests_is_given_longer_each_time_until_it_trades_again() -> None:
    pulse, last = heard(50)
    pulse.given_up()
    pulse.expect_from(last + 20)
    assert not pulse.is_silent(last + 20 + 2 * SHORTEST_S)
    assert pulse.is_silent(last + 20 + 2 * SHORTEST_S + 0.01)
    pulse.see("S1", 40, last + 50)
    assert pulse.is_silent(last + 50 + SHORTEST_S + 0.01)


def silent_after(monkeypatch: pytest.MonkeyPatch, t: int, *, live: bool = True) -> float | None:
    """Seconds of silence until the ingester says so, after a minute of trades from `t` on; None within five minutes."""

    class HostTime(virtual_time.LoopTime):
        time = staticmethod(lambda: (t - 60_000) / 1000 + asyncio.get_running_loop().time() - virtual_time.START_S)

    monkeypatch.setattr(service, "time", HostTime)
    found: list[float] = []

    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        for n in range(130):
            host_ms = int(HostTime.time() * 1000)
            await run.send(*(trade(100 * n + k, host_ms, sym=f"S{k}") for k in range(10)))
            await asyncio.sleep(0.5)
        for waited in range(300):
            if run.ingester.is_silent():
                found.append(waited)
                assert run.ingester.connection == "silent"
                return
            await asyncio.sleep(1)

    virtual_time.run(Streams().ingester(1, Vendor([]), live=live).live_through(scene))
    return found[0] if found else None


@pytest.mark.fault("F04")
def test_in_the_session_a_silence_is_told_within_15_s_and_outside_never(monkeypatch: pytest.MonkeyPatch) -> None:
    within = silent_after(monkeypatch, T0 + 3_600_000)
    assert within is not None
    assert 9 <= within <= 15
    assert silent_after(monkeypatch, T0 - 3_600_000) is None
    assert silent_after(monkeypatch, T0 + 3_600_000, live=False) is None, "a replay has its own pace"


@pytest.mark.fault("F20")
@pytest.mark.parametrize(("behind_ms", "told"), [(900, 0), (1_500, 1_500)])
def test_a_host_whose_clock_is_a_second_behind_says_so(
    behind_ms: int, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HostTime(virtual_time.LoopTime):
        time = staticmethod(lambda: (T0 - behind_ms) / 1000)

    monkeypatch.setattr(service, "time", HostTime)
    seen: list[Any] = []

    async def scene(run: Run) -> None:
        for n in range(2):
            await run.send(trade(n))
            await asyncio.sleep(0.1)
            seen.append(run.ingester.host_behind_ms)

    virtual_time.run(Streams().ingester(1, Vendor([]), live=True).live_through(scene))
    assert seen == [0, told], "one frame may be wrong, two are not"
