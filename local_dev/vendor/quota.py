"""How many REST calls a key may make: the vendor's plans count calls a minute."""

import math
from collections import deque
from collections.abc import Callable

MINUTE_S = 60.0


class CallQuota:
    """At most `calls` in any minute of each key, None = no limit. `monotonic` gives seconds."""

    def __init__(self, calls: int | None, monotonic: Callable[[], float]) -> None:
        self._calls = calls
        self._monotonic = monotonic
        self._made: dict[str, deque[float]] = {}

    def seconds_to_wait(self, key: str) -> int:
        """0 if this call may be answered, which then counts; else after how many whole seconds one may be."""
        if self._calls is None:
            return 0
        now, made = self._monotonic(), self._made.setdefault(key, deque())
        while made and made[0] <= now - MINUTE_S:
            made.popleft()
        if len(made) < self._calls:
            made.append(now)
            return 0
        return math.ceil(made[-self._calls] + MINUTE_S - now)
