"""A signal: what a strategy said about one closed bar."""

from typing import Any, Literal, NamedTuple

import msgspec

Side = Literal["buy", "sell"]
Status = Literal["active", "withdrawn"]


class Signal(NamedTuple):
    """What is so while it is `active`. `id` names strategy, params, symbol, timeframe and bar: the same wherever and
    whenever it is computed.

    `params`: canonical JSON of the strategy's parameters. `t`: start of the bar, Unix ms. `price`: its close, decimal
    text in USD.
    """

    id: str
    strategy: str
    params: str
    sym: str
    tf: str
    t: int
    side: Side
    price: str


class StoredSignal(NamedTuple):
    """A signal as a table holds it. `known_at`: when it last changed, Unix ms of the host that stored it.

    `record`: sequence number of the stream record that first brought it; empty where history was filled in.
    """

    id: str
    strategy: str
    params: str
    sym: str
    tf: str
    t: int
    side: Side
    price: str
    status: Status
    known_at: int
    record: str = ""

    @property
    def signal(self) -> Signal:
        return Signal(*self[:8])


def public_form(stored: StoredSignal) -> dict[str, Any]:
    """A signal in the words of the API and of messages; `params` is JSON already, for msgspec to put in as it is."""
    return {
        "id": stored.id,
        "ticker": stored.sym,
        "strategy": stored.strategy,
        "params": msgspec.Raw(stored.params.encode()),
        "timeframe": stored.tf,
        "t": stored.t,
        "side": stored.side,
        "price": stored.price,
        "status": stored.status,
        "known_at": stored.known_at,
    }
