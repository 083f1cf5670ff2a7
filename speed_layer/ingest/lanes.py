"""Lanes: the unit of order between the ingester and its consumers.

A symbol always travels in one lane, a lane in one shard. MD5 of small numbers does not spread over shards, so every put
names the middle of its shard's hash range.
"""

from hashlib import blake2b

HASH_SPACE = 2**128


def lane_of(sym: str, lanes: int) -> int:
    """The lane of a symbol: the same in every process and for ever."""
    return int.from_bytes(blake2b(sym.encode(), digest_size=8).digest(), "big") % lanes


def explicit_hash_key(lane: int, shards: int) -> str:
    """The middle of the hash range of shard `lane mod shards`, for evenly split streams."""
    return str((2 * (lane % shards) + 1) * HASH_SPACE // (2 * shards))
