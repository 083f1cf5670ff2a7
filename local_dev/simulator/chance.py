"""Chance without state: numbers that look random and are pure functions of a key and a counter.

Whoever asks again gets the same, in any order and in pieces of any size, so the past of the market need not be kept.
Only whole numbers and + - * / of doubles are used, which give the same bits on every machine.
"""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # SplitMix64
_ULP = 2.0**-53
SPARSE = 2
"""A table of lattice values with more than so many entries a point costs more than it saves."""


def key_of(*names: object) -> int:
    """64 bits that stand for these names."""
    return int.from_bytes(blake2b(repr(names).encode(), digest_size=8).digest(), "little")


def keys_of(seed: int, what: str, names: tuple[str, ...]) -> Keys:
    """One key a name, for one purpose."""
    return np.array([key_of(seed, what, name) for name in names], np.uint64)


def uniform(key: Keys, counter: Ints) -> Floats:
    """Numbers in [0, 1), one for each pair; shapes broadcast."""
    z = key + counter.astype(np.uint64) * _STEP
    z ^= z >> np.uint64(30)
    z *= _FIRST
    z ^= z >> np.uint64(27)
    z *= _SECOND
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * _ULP


def smooth_noise(keys: Keys, row: Ints, t_ms: Ints, bits: int) -> Floats:
    """A smooth curve in [-1, 1] for each key, through a chance value every 2^bits ms; `row` names each time's key."""
    cell = t_ms >> bits
    within = (t_ms & ((1 << bits) - 1)) * 2.0**-bits
    first = int(cell.min())
    span = int(cell.max()) - first + 2
    if span * len(keys) > SPARSE * len(cell):
        before, after = uniform(keys[row], cell), uniform(keys[row], cell + 1)
    else:
        table = uniform(keys[:, None], np.arange(first, first + span)[None, :]).ravel()
        place = cell + (row * span - first)
        before, after = table[place], table[place + 1]
    weight = within * within * (3.0 - 2.0 * within)
    wave: Floats = 2.0 * (before + (after - before) * weight) - 1.0
    return wave
