"""A breaker: what has just failed is not asked again at once, so that one time-out is enough for all who would wait."""

from collections.abc import Callable

OPEN_S = 5.0


class Breaker:
    """Lets nothing through for OPEN_S after a failure, then one try. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        return self._clock() < self._open_until

    def failed(self) -> None:
        self._open_until = self._clock() + OPEN_S
