"""Signals of minutes that lie in the table, by the strategies of live."""

from typing import cast

from local_dev.runtime.past_signals import past_signals
from shared.bars.sessions import sessions_named
from shared.models.bar import Partial
from shared.models.signal import StoredSignal
from shared.stores.bars import BarStore
from speed_layer.signals.config import configured
from tests.fakes.bar_rows import BarRows

MINUTE, NOW_S = 60_000, 1_768_000_000
START = 1_767_999_600_000  # a whole hour
SPIKES = '[{"strategy": "volume_spike", "timeframes": ["1m", "5m"], "params": {"bars": 3, "factor": 5.0}}]'


def minute(t: int, shares: int, opening: int = 10, closing: int = 11) -> Partial:
    """A minute that opens and closes at whole USD."""
    first, last = (f"{at:013d}{1:012d}{price * 10**9:018d}" for at, price in ((t, opening), (t + 1, closing)))
    low, high = sorted((opening * 10**9, closing * 10**9))
    return Partial(first, last, high, low, shares * 10**6, shares * 10**15, 2)


def found(volumes: dict[int, int], *, since: int, until: int, strategies: str = SPIKES) -> list[StoredSignal]:
    """Signals of [since, until), in minutes of the hour, where these minutes have so many shares."""
    rows = BarRows()
    for number, shares in volumes.items():
        t = START + number * MINUTE
        rows.put_base("SPY", t, minute(t, shares), NOW_S)
    return list(
        past_signals(
            cast(BarStore, rows),
            configured(strategies),
            sessions_named("SIMULATED"),
            "SPY",
            since=START + since * MINUTE,
            until=START + until * MINUTE,
            now_s=NOW_S,
        )
    )


def test_a_spike_is_a_signal_known_since_its_minute_has_ended() -> None:
    (signal,) = found({0: 10, 1: 10, 2: 10, 3: 50}, since=0, until=4)
    assert (signal.sym, signal.tf, signal.t, signal.side, signal.price) == (
        "SPY",
        "1m",
        START + 3 * MINUTE,
        "buy",
        "11",
    )
    assert (signal.status, signal.known_at, signal.record) == ("active", START + 4 * MINUTE, "")


def test_a_bar_that_has_not_ended_is_not_judged() -> None:
    volumes = {0: 10, 1: 10, 2: 10, 3: 50}
    assert found(volumes, since=0, until=3) == []
    longer = dict.fromkeys(range(15), 10) | {15: 300}
    assert [one.tf for one in found(longer, since=14, until=19)] == ["1m"]
    assert [one.tf for one in found(longer, since=14, until=20)] == ["1m", "5m"]


def test_a_bar_that_began_before_and_ended_within_is_judged() -> None:
    volumes = dict.fromkeys(range(15), 10) | {15: 300}
    assert [one.tf for one in found(volumes, since=18, until=20)] == ["5m"]
    assert found(volumes, since=20, until=21) == []


def test_what_lies_before_is_looked_at_and_not_judged() -> None:
    assert found({0: 10, 1: 10, 2: 10, 3: 50, 4: 50}, since=4, until=5) == []


def test_without_strategies_there_is_nothing() -> None:
    assert found({0: 10, 1: 10, 2: 10, 3: 50}, since=0, until=4, strategies="[]") == []
