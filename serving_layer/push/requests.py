"""What a client asks for: channels taken and given back, one status for each."""

from collections.abc import Iterator

from serving_layer.push.hub import Hub, Subscriber
from shared.errors import InvalidRecord
from shared.polygon.events import ALERT, MINUTE_BAR, SECOND_BAR, SIGNAL, TRADE
from shared.polygon.socket import EVERY, Channel, Request, Status, channel_names, channel_of, status_event
from shared.polygon.trades import check_symbol

PREFIXES = (TRADE, SECOND_BAR, MINUTE_BAR, SIGNAL, ALERT)
NOT_SERVED = ("Q", "LULD", "NOI", "FMV", "LV")
"""The vendor's, which we have no data for."""
MOST_CHANNELS = 50_000
"""Of one client: every symbol of the market on each prefix but alerts fits."""
SHOWN = 40
"""Characters of a wrong name that are repeated."""


class Subscriptions:
    """The channels of one subscriber."""

    def __init__(self, hub: Hub, subscriber: Subscriber) -> None:
        self._hub, self._subscriber = hub, subscriber
        self._channels: set[Channel] = set()

    def __len__(self) -> int:
        return len(self._channels)

    def act(self, request: Request) -> Iterator[bytes]:
        """Do what is asked; the statuses to answer with."""
        names = channel_names(request.params)
        if request.action not in {"subscribe", "unsubscribe"}:
            yield _error(f"unknown action: {request.action[:SHOWN]}")
        elif not names:
            yield _error(f"nothing to {request.action}: params must be channels with commas between them")
        elif len(names) > MOST_CHANNELS:
            yield _error(f"a message may name {MOST_CHANNELS} channels at most, named {len(names)}")
        else:
            one = self._subscribe if request.action == "subscribe" else self._unsubscribe
            for name in names:
                yield one(name)

    def leave(self) -> None:
        """Give everything back."""
        for channel in self._channels:
            self._hub.unsubscribe(channel, self._subscriber)
        self._channels.clear()

    def _subscribe(self, name: str) -> bytes:
        channel = channel_of(name)
        if channel.prefix in NOT_SERVED:
            return _error(f"not authorized to subscribe to: {name[:SHOWN]}: {channel.prefix} is not served here")
        if channel.prefix not in PREFIXES or not _names_symbols(channel.sym):
            return _error(f"no such channel: {name[:SHOWN]}: there are {', '.join(f'{p}.*' for p in PREFIXES)}")
        if len(self._channels) >= MOST_CHANNELS and channel not in self._channels:
            return _error(f"not subscribed to: {name}: a connection may have {MOST_CHANNELS} channels at most")
        self._channels.add(channel)
        self._hub.subscribe(channel, self._subscriber)
        return status_event(Status.SUCCESS, f"subscribed to: {name}")

    def _unsubscribe(self, name: str) -> bytes:
        channel = channel_of(name)
        if channel not in self._channels:
            return _error(f"not subscribed to: {name[:SHOWN]}")
        self._channels.discard(channel)
        self._hub.unsubscribe(channel, self._subscriber)
        return status_event(Status.SUCCESS, f"unsubscribed to: {name}")


def _names_symbols(sym: str) -> bool:
    if sym == EVERY:
        return True
    try:
        check_symbol(sym)
    except InvalidRecord:
        return False
    return True


def _error(message: str) -> bytes:
    return status_event(Status.ERROR, message)
