"""Ctrl-C and SIGTERM: the first one ends the run in order, further ones do not cut that short."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """We were told to stop. Not an Exception: nothing that handles failures may handle this."""


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raises Stopped in the main thread, once; until the block is left later signals are ignored."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
