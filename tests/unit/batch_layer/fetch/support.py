"""Time that passes only when somebody waits, and a client over it."""

from collections.abc import Callable
from datetime import date

from batch_layer.fetch.bucket import TokenBucket
from batch_layer.fetch.days import Completeness
from batch_layer.fetch.rest import VendorRest
from shared.bars.sessions import new_york_sessions

KEY = "pk_secret_123"
SESSIONS = new_york_sessions()


class PassingTime:
    """Seconds; whoever sleeps moves them on. `slept` are the pauses."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def client(url: str, time: PassingTime | None = None, *, calls: int = 1_000, key: str = KEY) -> VendorRest:
    """A client with a quota of `calls` a minute, for which no time really passes."""
    time = PassingTime() if time is None else time
    return VendorRest(url, key, TokenBucket(calls), now=time, sleep=time.sleep)


def complete(known: Callable[[date], int | None] = lambda _: None, *, accept_short: bool = False) -> Completeness:
    return Completeness(SESSIONS, known, accept_short=accept_short)
