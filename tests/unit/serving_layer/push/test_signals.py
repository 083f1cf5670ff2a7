"""Each change of a signal goes out once, also one that is stored late or found after a failure."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from serving_layer.push.hub import Hub
from serving_layer.push.signals import SignalFeed
from serving_layer.push.stored import BACK_MS
from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.signal import StoredSignal
from shared.polygon.socket import Channel
from tests.unit.serving_layer.push.support import T0, signal_of


class Rig:
    """A feed over signals in memory; its subscriber gets all of them."""

    def __init__(self) -> None:
        self.signals: list[StoredSignal] = []
        self.now = T0
        self.asked: list[int] = []
        self.error: Exception | None = None
        self.taken: list[tuple[str, str]] = []
        hub = Hub()
        hub.subscribe(Channel("S", "*"), self)
        self.feed = SignalFeed(hub, self.known_since, lambda: self.now)

    def known_since(self, ms: int) -> Iterator[StoredSignal]:
        self.asked.append(ms)
        if self.error is not None:
            raise self.error
        return (signal for signal in self.signals if signal.known_at >= ms)

    owner = "me"

    def give(self, events: bytes) -> None:
        event = json.loads(events)
        self.taken.append((event["id"], event["status"]))

    def look(self) -> None:
        asyncio.run(self.feed.look())


def test_a_change_goes_once_however_often_it_is_read() -> None:
    rig = Rig()
    rig.signals.append(signal_of("a", T0))
    for _ in range(3):
        rig.now += 500
        rig.look()
    assert rig.taken == [("a", "active")]


def test_withdrawal_and_new_activation_are_changes_of_their_own() -> None:
    rig = Rig()
    rig.signals.append(signal_of("a", T0))
    rig.look()
    rig.signals = [signal_of("a", T0 + 1, status="withdrawn")]
    rig.look()
    rig.signals = [signal_of("a", T0 + 2)]
    rig.look()
    assert rig.taken == [("a", "active"), ("a", "withdrawn"), ("a", "active")]


def test_what_is_stored_with_a_time_a_little_back_is_still_found() -> None:
    rig = Rig()
    rig.now += 10_000
    rig.look()
    rig.signals.append(signal_of("late", rig.now - BACK_MS + 1))
    rig.look()
    assert rig.taken == [("late", "active")]


def test_a_signal_whose_write_succeeded_at_its_third_try_is_still_found() -> None:
    """Its time is that of the first. Each took 1 s to connect and 3 s to answer, or to fail."""
    rig = Rig()
    rig.now += 60_000
    rig.look()
    rig.signals.append(signal_of("late", rig.now - 3 * (1_000 + 3_000)))
    rig.look()
    assert rig.taken == [("late", "active")]


def test_what_changed_while_the_table_was_away_is_made_up_for() -> None:
    rig = Rig()
    rig.look()
    rig.signals.append(signal_of("a", T0 + 1_000))
    rig.error = StoreUnavailable("signals table: down")
    rig.now += 60_000
    with pytest.raises(StoreUnavailable):
        rig.look()
    rig.error = None
    rig.look()
    assert rig.asked == [T0 - BACK_MS] * 3
    assert rig.taken == [("a", "active")]


def test_an_item_that_is_no_signal_does_not_hold_up_the_ones_that_follow() -> None:
    rig = Rig()
    rig.error = InvalidRecord("signal", "broken")
    rig.now += BACK_MS
    rig.look()
    rig.error = None
    rig.signals.append(signal_of("a", rig.now))
    rig.look()
    assert rig.taken == [("a", "active")]


def test_only_its_subscribers_get_a_signal() -> None:
    rig = Rig()
    hub = Hub()
    hub.subscribe(Channel("S", "SPY"), rig)
    rig.feed = SignalFeed(hub, rig.known_since, lambda: rig.now)
    rig.signals += [signal_of("a", T0, sym="QQQ"), signal_of("b", T0)]
    rig.look()
    assert rig.taken == [("b", "active")]
