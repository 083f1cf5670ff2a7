"""Who wants what: channels, and the clients that subscribed to them."""

from typing import Protocol

from shared.polygon.socket import EVERY, Channel


class Subscriber(Protocol):
    """Somebody to whom events are given. `owner`: the id of its key."""

    @property
    def owner(self) -> str: ...

    def give(self, events: bytes) -> None:
        """Take the text of one event, or of several with commas between them. Never blocks, never raises."""


class Hub:
    """Subscriptions of all clients. What is published is encoded once and shared by all who want it."""

    def __init__(self) -> None:
        self._channels: dict[Channel, dict[Subscriber, None]] = {}
        self._wanted: dict[tuple[str, str], tuple[Subscriber, ...]] = {}

    def subscribe(self, channel: Channel, subscriber: Subscriber) -> None:
        """Taking a channel twice is taking it once."""
        self._channels.setdefault(channel, {})[subscriber] = None
        self._wanted.clear()

    def unsubscribe(self, channel: Channel, subscriber: Subscriber) -> None:
        subscribers = self._channels.get(channel, {})
        subscribers.pop(subscriber, None)
        if not subscribers:
            self._channels.pop(channel, None)
        self._wanted.clear()

    def wanted(self, prefix: str, sym: str) -> tuple[Subscriber, ...]:
        """Everybody who subscribed to the symbol or to all of this kind, each once."""
        found = self._wanted.get((prefix, sym))
        if found is None:
            exact, every = (self._channels.get(Channel(prefix, name), {}) for name in (sym, EVERY))
            found = self._wanted[prefix, sym] = tuple({**every, **exact})
        return found

    def publish(self, prefix: str, sym: str, events: bytes, owner: str | None = None) -> None:
        """With an `owner`, to nobody whose key is another."""
        for subscriber in self.wanted(prefix, sym):
            if owner is None or subscriber.owner == owner:
                subscriber.give(events)
