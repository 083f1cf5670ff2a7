"""Lanes: the unit of order between the ingester and its consumers. A symbol always travels in one lane."""

from hashlib import blake2b


def lane_of(sym: str, lanes: int) -> int:
    """The lane of a symbol: the same in every process and for ever."""
    return int.from_bytes(blake2b(sym.encode(), digest_size=8).digest(), "big") % lanes
