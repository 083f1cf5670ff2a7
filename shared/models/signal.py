"""A signal: what a strategy said about one closed bar."""

from typing import Literal, NamedTuple

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
