"""Answers in the cache: the results part of a reply, never a request id, for as long as it may be out of date.

`ans:{digest}` holds it, where the digest stands for all that was asked. The cache may vanish, stall or refuse writes:
then answers are made again, and nothing else changes.
"""

import hashlib
import logging
from collections.abc import Callable
from typing import TypeVar

import msgspec

from shared.observability import event, logger
from shared.stores.valkey import Valkey

S = TypeVar("S", bound=msgspec.Struct)
_log = logger("cache")

OPEN_S = 1
UNSETTLED_S = 60
SETTLED_S = 3_600
OLD_S = 86_400
"""Design, section 8: at most 1 s while bars are open, 60 s until their session is settled, an hour until the fifth
session after it, then a day. The last two only where a correction gives the answer another name."""
MOST_BYTES = 1_000_000
"""Larger answers are not kept: to move them would take a good part of the cache's time budget."""


def keep_s(end_ms: int, open_from_ms: int, *, replaying: bool = False) -> int:
    """How long an answer over data before `end_ms` may be kept, where what is open began at `open_from_ms` (Unix ms).

    0 while a recording is replayed: its trades come at their own pace, and once it has ended everything is readable.
    """
    if replaying:
        return 0
    return OPEN_S if end_ms > open_from_ms else UNSETTLED_S


def keep_settled_s(end_ms: int, settled_until_ms: int, old_until_ms: int) -> int:
    """The same of an answer that is forgotten with the next correction: all sessions that ended by `settled_until_ms`
    are settled, those by `old_until_ms` are old. 0 where it is neither."""
    return OLD_S if end_ms <= old_until_ms else SETTLED_S if end_ms <= settled_until_ms else 0


class Answers:
    """`asked`: a request in its canonical form, path first, whatever else it was spelled with."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    def get(self, asked: str) -> bytes | None:
        """What was put no longer ago than its seconds; None when there is nothing, or no cache."""
        found: bytes | None = self._valkey.attempt(lambda client: client.get(_key(asked)))
        return found

    def put(self, asked: str, answer: bytes, seconds: int) -> None:
        """Keep an answer; one for 0 seconds, or too large, is not."""
        if seconds > 0 and len(answer) <= MOST_BYTES:
            self._valkey.attempt(lambda client: client.set(_key(asked), answer, ex=seconds))

    def remembered(
        self, asked: str, kind: type[S], make: Callable[[], S], seconds: Callable[[S], int]
    ) -> tuple[S, int]:
        """What is kept of a request, else what `make` makes of it, then kept for so many `seconds`; and for how many
        seconds others may keep it. Nobody knows how old a kept one is: it is given away again only where its name
        says that no correction came between."""
        text = self.get(asked)
        if text is not None:
            try:
                found = msgspec.msgpack.decode(text, type=kind)
            except msgspec.DecodeError as error:  # another version of this code wrote it
                event(_log, logging.WARNING, "a kept answer cannot be read: making it again", error=str(error))
            else:
                return found, _at_the_edge(seconds(found), is_kept=True)
        made = make()
        kept_s = seconds(made)
        if kept_s:
            self.put(asked, msgspec.msgpack.encode(made), kept_s)
        return made, _at_the_edge(kept_s, is_kept=False)


def _at_the_edge(kept_s: int, *, is_kept: bool) -> int:
    """Never long: nothing tells the edge of a correction."""
    return 0 if is_kept and kept_s < SETTLED_S else min(kept_s, UNSETTLED_S)


def _key(asked: str) -> str:
    return f"ans:{{{hashlib.sha256(asked.encode()).hexdigest()[:32]}}}"
