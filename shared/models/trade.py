"""One trade, in the scaled integers that every calculation uses."""

from typing import NamedTuple


class Trade(NamedTuple):
    """A US stock trade as the tape reported it.

    `t` is the SIP time in Unix milliseconds (event time), `q` the tape's sequence number, `price` in 10^-9 USD,
    `size` in 10^-6 share. Identity within a trade date is (sym, x, trfi, i): the vendor promises no more.
    """

    sym: str
    t: int
    q: int
    x: int
    trfi: int
    i: str
    price: int
    size: int
    conditions: tuple[int, ...]
    tape: int
