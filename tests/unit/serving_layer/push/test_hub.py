"""What is published finds everybody who wants it, once each."""

from serving_layer.push.hub import Hub
from shared.polygon.socket import Channel


class Taker:
    def __init__(self) -> None:
        self.taken: list[bytes] = []

    owner = "me"

    def give(self, events: bytes) -> None:
        self.taken.append(events)


def test_a_symbol_and_all_symbols_find_their_subscribers_and_other_kinds_do_not() -> None:
    hub, exact, every, other = Hub(), Taker(), Taker(), Taker()
    hub.subscribe(Channel("T", "SPY"), exact)
    hub.subscribe(Channel("T", "*"), every)
    hub.subscribe(Channel("AM", "SPY"), other)
    hub.publish("T", "SPY", b"1")
    hub.publish("T", "QQQ", b"2")
    assert (exact.taken, every.taken, other.taken) == ([b"1"], [b"1", b"2"], [])


def test_who_subscribed_to_a_symbol_and_to_all_gets_an_event_once() -> None:
    hub, both = Hub(), Taker()
    for sym in ("*", "SPY", "SPY"):
        hub.subscribe(Channel("A", sym), both)
    hub.publish("A", "SPY", b"1")
    assert both.taken == [b"1"]


def test_the_bytes_are_shared_by_all_who_get_them() -> None:
    hub, takers, text = Hub(), [Taker(), Taker()], bytes(bytearray(b"event"))
    for taker in takers:
        hub.subscribe(Channel("T", "SPY"), taker)
    hub.publish("T", "SPY", text)
    assert all(taker.taken[0] is text for taker in takers)


def test_a_channel_given_back_brings_nothing_more_and_the_others_go_on() -> None:
    hub, one = Hub(), Taker()
    hub.subscribe(Channel("T", "SPY"), one)
    hub.subscribe(Channel("T", "*"), one)
    hub.unsubscribe(Channel("T", "*"), one)
    hub.publish("T", "QQQ", b"1")
    hub.publish("T", "SPY", b"2")
    hub.unsubscribe(Channel("T", "SPY"), one)
    hub.unsubscribe(Channel("T", "SPY"), one)
    hub.publish("T", "SPY", b"3")
    assert one.taken == [b"2"]
    assert hub.wanted("T", "SPY") == ()


def test_a_subscription_counts_from_the_next_event_on() -> None:
    hub, one = Hub(), Taker()
    hub.publish("T", "SPY", b"1")
    hub.subscribe(Channel("T", "SPY"), one)
    hub.publish("T", "SPY", b"2")
    assert one.taken == [b"2"]
