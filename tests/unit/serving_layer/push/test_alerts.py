"""Each crossing goes out once, and to nobody but whose rule it is."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from serving_layer.push.alerts import AlertFeed
from serving_layer.push.hub import Hub
from serving_layer.push.stored import BACK_MS
from shared.errors import StoreUnavailable
from shared.models.alert import Crossing, StoredCrossing
from shared.polygon.socket import Channel
from tests.unit.serving_layer.push.support import T0


def crossing(id_: str, known_at: int = T0, owner: str = "me", sym: str = "SPY") -> StoredCrossing:
    return StoredCrossing(Crossing(id_, "rule", 2, owner, sym, "price", "up", "170.51", T0, "mind"), known_at)


class Taker:
    def __init__(self, owner: str) -> None:
        self.owner, self.taken = owner, list[str]()

    def give(self, events: bytes) -> None:
        self.taken.append(json.loads(events)["id"])


class Rig:
    """A feed over crossings in memory; two keys listen to everything."""

    def __init__(self) -> None:
        self.crossings: list[StoredCrossing] = []
        self.now = T0
        self.down = False
        self.hub = Hub()
        self.me, self.you = Taker("me"), Taker("you")
        for taker in (self.me, self.you):
            self.hub.subscribe(Channel("AL", "*"), taker)
        self.feed = AlertFeed(self.hub, self.fired_since, lambda: self.now)

    def fired_since(self, ms: int) -> Iterator[StoredCrossing]:
        if self.down:
            raise StoreUnavailable("alerts table: down")
        return (stored for stored in self.crossings if stored.known_at >= ms)

    def look(self) -> None:
        asyncio.run(self.feed.look())


def test_a_crossing_goes_once_to_its_owner_and_to_nobody_else() -> None:
    rig = Rig()
    rig.crossings = [crossing("a"), crossing("b", owner="you"), crossing("c", owner="nobody")]
    for _ in range(3):
        rig.look()
    assert (rig.me.taken, rig.you.taken) == (["a"], ["b"])


def test_what_is_stored_with_a_time_a_little_back_and_what_a_failure_hid_are_still_found() -> None:
    rig = Rig()
    rig.now += 10_000
    rig.look()
    rig.crossings.append(crossing("late", rig.now - BACK_MS + 1))
    rig.down = True
    with pytest.raises(StoreUnavailable):
        rig.look()
    rig.down = False
    rig.look()
    assert rig.me.taken == ["late"]


def test_the_event_says_all_there_is() -> None:
    rig, taken = Rig(), list[bytes]()
    rig.me.give = taken.append  # type: ignore[method-assign,assignment]  # as it is sent
    rig.crossings = [crossing("a", T0 + 5)]
    rig.look()
    assert json.loads(taken[0]) == {
        "ev": "AL", "sym": "SPY", "id": "a", "alert": "rule", "version": 2, "type": "price", "direction": "up",
        "value": "170.51", "t": T0, "note": "mind", "k": T0 + 5,
    }  # fmt: skip
