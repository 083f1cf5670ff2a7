"""How fast one key may ask."""

from collections import deque

MINUTE_S = 60.0


class TokenBucket:
    """`calls` tokens, one a call; a token comes back `period_s` seconds after its call began.

    So no period, wherever it begins, sees more calls than that. Time is an argument (seconds, never going back):
    nothing waits here.
    """

    def __init__(self, calls: int, period_s: float = MINUTE_S) -> None:
        self._calls, self._period_s = calls, period_s
        self._begun: deque[float] = deque(maxlen=calls)
        self._held_until = 0.0

    def take(self, now_s: float) -> float:
        """When the next call may begin: now or later. It counts as begun then."""
        at = max(now_s, self._held_until)
        if len(self._begun) == self._calls:
            at = max(at, self._begun[0] + self._period_s)
        self._begun.append(at)
        return at

    def hold(self, until_s: float) -> None:
        """No call begins before; the vendor said so."""
        self._held_until = max(self._held_until, until_s)
