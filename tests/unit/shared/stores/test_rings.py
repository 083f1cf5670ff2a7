"""Rings in a real Valkey, beside the fake that other tests use."""

import time
from collections.abc import Iterator
from typing import cast

import pytest

from shared.models.bar import Partial
from shared.stores.breaker import OPEN_S
from shared.stores.rings import SPARE, TTL_S, ClosedBar, Rings, RingsState
from shared.stores.valkey import Valkey, connect
from tests.fakes.ring_rows import RingRows
from tests.fakes.valkey import ValkeyServer

T0 = 1_381_239_000_000
MINUTE = 60_000
KEPT = {"1m": 5, "1h": 3}
SPY, BAC = ("SPY", "1m"), ("BAC", "1m")
STATE = RingsState("one", "49")


def closed(number: int, count: int = 1, rev: int = 0) -> ClosedBar:
    """The bar so many minutes after T0."""
    t = T0 + number * MINUTE
    key = f"{t:013d}{count:012d}{10**11:018d}"
    return ClosedBar(t, count, rev, Partial(key, key, 10**11, 10**11, count * 10**6, count * 10**17, count))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    yield server
    server.kill()


@pytest.fixture
def real(server: ValkeyServer) -> Rings:
    server.client.flushall()
    return ring_store(server)


def ring_store(server: ValkeyServer) -> Rings:
    """As a process makes its own."""
    return Rings(Valkey(connect(server.endpoint), time.monotonic), KEPT)


@pytest.fixture(params=["valkey", "fake"])
def rings(request: pytest.FixtureRequest) -> Rings:
    """The same rules hold for both."""
    return cast(Rings, request.getfixturevalue("real") if request.param == "valkey" else RingRows(KEPT))


def read(rings: Rings, generation: str = "one") -> list[ClosedBar] | None:
    return rings.read([SPY], generation).get(SPY)


def test_the_state_comes_back_as_it_was_put(rings: Rings) -> None:
    assert rings.state() is None
    begun = RingsState("one", "49", "50")
    assert rings.put_state(begun)
    assert rings.state() == begun


def test_a_whole_ring_comes_back_in_order_and_takes_the_place_of_another(rings: Rings) -> None:
    assert rings.write(STATE, {}, {SPY: [closed(2), closed(1)], BAC: [closed(3)]}) == set()
    assert rings.read([SPY, BAC, ("AIG", "1m")], "one") == {SPY: [closed(1), closed(2)], BAC: [closed(3)]}
    assert rings.state() == STATE
    rings.write(STATE, {}, {SPY: [closed(4)]})
    assert read(rings) == [closed(4)]


def test_a_bar_replaces_one_of_smaller_count_or_of_equal_count_and_smaller_rev(rings: Rings) -> None:
    rings.write(STATE, {}, {SPY: [closed(1, 9, 1)]})
    for other, kept in [
        (closed(1, 8, 5), closed(1, 9, 1)),
        (closed(1, 9, 0), closed(1, 9, 1)),
        (closed(1, 9, 2), closed(1, 9, 2)),
        (closed(1, 10, 0), closed(1, 10, 0)),
        (closed(1, 9, 9), closed(1, 10, 0)),
    ]:
        assert rings.write(STATE, {SPY: [other]}, {}) == set()
        assert read(rings) == [kept]


def test_a_ring_that_is_not_there_takes_no_bars_and_is_told_of(rings: Rings) -> None:
    rings.write(STATE, {}, {BAC: [closed(1)]})
    assert rings.write(STATE, {SPY: [closed(2)], BAC: [closed(2)]}, {}) == {SPY}
    assert read(rings) is None
    assert rings.read([BAC], "one") == {BAC: [closed(1), closed(2)]}


def test_the_state_is_not_written_where_a_ring_is_not_there_until_it_is_whole(rings: Rings) -> None:
    rings.write(STATE, {}, {BAC: [closed(1)]})
    later = RingsState("one", "50")
    assert rings.write(later, {SPY: [closed(2)], BAC: [closed(2)]}, {}) == {SPY}
    assert rings.state() == STATE
    assert rings.write(later, {}, {SPY: [closed(1), closed(2)]}) == set()
    assert rings.state() == later


def test_the_state_is_not_written_where_one_ring_of_several_is_refused(server: ValkeyServer, real: Rings) -> None:
    real.write(STATE, {}, {SPY: [closed(1)], BAC: [closed(1)]})
    server.client.set("ring:{SPY}:1m", "no hash")
    assert real.write(RingsState("one", "50"), {SPY: [closed(2)], BAC: [closed(2)]}, {}) == set()
    next_process = ring_store(server)
    assert next_process.read([BAC], "one") == {BAC: [closed(1), closed(2)]}, "the other one took its bar"
    assert next_process.state() == STATE


def test_a_ring_of_another_generation_is_not_there_and_takes_nothing(rings: Rings) -> None:
    rings.write(STATE, {}, {SPY: [closed(1)]})
    assert rings.write(RingsState("two", "50"), {SPY: [closed(2)]}, {}) == {SPY}
    assert read(rings, "two") is None
    assert read(rings, "one") == [closed(1)]


def test_the_newest_bars_are_kept(real: Rings) -> None:
    real.write(STATE, {}, {SPY: [closed(0)]})
    for number in range(1, KEPT["1m"] + SPARE + 1):
        real.write(STATE, {SPY: [closed(number)]}, {})
    bars = read(real)
    assert bars == [closed(number) for number in range(SPARE + 1, KEPT["1m"] + SPARE + 1)]


def test_closed_bars_are_given_only_as_of_the_record_that_was_asked_for(real: Rings) -> None:
    real.write(STATE, {}, {SPY: [closed(1), closed(2)]})
    partials = [(one.t, one.partial) for one in (closed(1), closed(2))]
    assert real.closed(["SPY", "BAC"], "1m", "49") == {"SPY": partials}
    assert real.closed(["SPY"], "1m", "50") == {}
    assert real.closed(["SPY"], "1m", None) == {}
    assert real.closed(["SPY"], "1h", "49") == {}
    assert real.closed([], "1m", "49") == {}


def test_closed_bars_from_an_instant_on_are_all_that_is_decoded(server: ValkeyServer, real: Rings) -> None:
    real.write(STATE, {}, {SPY: [closed(1), closed(2), closed(3)]})
    server.client.hset("ring:{SPY}:1m", str(T0 + MINUTE), "odd")
    partials = [(one.t, one.partial) for one in (closed(2), closed(3))]
    assert real.closed(["SPY"], "1m", "49", T0 + 2 * MINUTE) == {"SPY": partials}
    assert real.closed(["SPY"], "1m", "49", T0 + MINUTE) == {}, "the odd one"


def test_every_key_expires(server: ValkeyServer, real: Rings) -> None:
    real.write(STATE, {}, {SPY: [closed(1)]})
    for key in ("ring:{SPY}:1m", "rings:state"):
        server.client.persist(key)
    real.write(STATE, {SPY: [closed(2)]}, {})
    assert sorted(server.client.keys("*")) == [b"ring:{SPY}:1m", b"rings:state"]
    assert all(0 < server.client.ttl(key) <= TTL_S for key in server.client.keys("*"))


def test_what_another_version_wrote_is_as_if_it_were_not_there(server: ValkeyServer, real: Rings) -> None:
    real.write(STATE, {}, {SPY: [closed(1)], BAC: [closed(1)]})
    server.client.hset("ring:{SPY}:1m", str(T0), "2 0|[not ours]")
    assert real.read([SPY, BAC], "one") == {BAC: [closed(1)]}
    server.client.hset("ring:{SPY}:1m", str(T0), "odd")
    assert real.read([SPY], "one") == {}
    server.client.set("rings:state", b"[1]")
    assert real.state() is None


class Clock:
    """Moved by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_cache_that_does_not_answer_is_gone_without_and_used_again(server: ValkeyServer) -> None:
    server.client.flushall()
    clock = Clock()
    rings = Rings(Valkey(connect(server.endpoint), clock), KEPT)
    rings.write(STATE, {}, {SPY: [closed(1)]})
    with server.stopped():
        begin = time.perf_counter()
        assert rings.state() is None
        assert not rings.put_state(STATE)
        assert rings.read([SPY], "one") == {}
        assert rings.write(STATE, {SPY: [closed(2)]}, {}) == set()
        assert rings.closed(["SPY"], "1m", "49") == {}
        assert time.perf_counter() - begin < 0.5, "one time-out for all"
    clock.now += OPEN_S
    assert read(rings) == [closed(1)]
