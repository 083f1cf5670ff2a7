"""When trades of the feed may be missing, as ingesters leave it in the items of their epochs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from shared.bars.sessions import SessionDay
from shared.bars.windows import END_OF_TIME_MS


class Gap(NamedTuple):
    """Trades of [start, end), Unix ms, may be missing; `end` is None while it is being filled."""

    start: int
    end: int | None

    @property
    def until(self) -> int:
        """Where it ends at the latest; one that began and ended with one trade has a width all the same."""
        return END_OF_TIME_MS if self.end is None else max(self.end, self.start + 1)

    def touches(self, session: SessionDay) -> bool:
        return self.start < session.end and self.until > session.start


def gaps_of(epochs: Iterable[Mapping[str, Any]]) -> Iterator[Gap]:
    """What ingesters could not fill, and what the last of them has not filled yet: it goes on with what others left."""
    last: Mapping[str, Any] = {}
    for last in epochs:
        for start, end in last.get("holes", ()):
            yield Gap(start, end)
    if last.get("hole_from"):
        yield Gap(last["hole_from"], None)
