"""What a guard is."""

from typing import NamedTuple


class Guard(NamedTuple):
    """`text` stands once in the file at `path` (from the root); with `instead` in its place `fault` is not met."""

    fault: str
    path: str
    text: str
    instead: str
