"""Which trade dates are settled: one conditional item a timeframe and date in the `control` table.

A date is settled for all symbols at once, after its rows are in the batch view: from then on reads take it from there.
Items lie at pk `settled#1m`, sk the ISO date.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, Protocol

from shared.stores.control_items import ControlItems

MINUTES = "1m"
"""The timeframe whose dates reads look up."""
VERSION, DATA = "version", "data"
"""The item `settled#version`, `data`: when rows of the batch view were changed last."""
RAW_LOG = "raw log"
"""The source of what was rebuilt of our own log: it holds what was streamed, and no more."""


class Settled(NamedTuple):
    """A settled date: when its rows were known last, who says so, and since when it has been settled at all."""

    known_at: datetime
    source: str
    since: datetime

    @property
    def is_whole(self) -> bool:
        """Whether it holds also what the feed did not bring."""
        return self.source != RAW_LOG


class Settlements(Protocol):
    """Which trade dates are settled (SettledStore); raises StoreUnavailable."""

    def days(self, timeframe: str, first: date, last: date) -> Mapping[date, Settled]: ...


class SettledStore:
    """Raises StoreUnavailable when DynamoDB does not answer in time or throttles."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._items = ControlItems(dynamodb, table)

    def settle(self, timeframe: str, day: date, *, known_at: datetime, source: str) -> bool:
        """Mark a trade date settled; its rows must have been committed before. May be repeated.

        False when it was settled by later knowledge already: it never goes back to earlier.
        """
        item = self._items.update(
            _pk(timeframe),
            day.isoformat(),
            expression="SET known_at = :known, #source = :source, since = if_not_exists(since, :known)",
            condition="attribute_not_exists(known_at) OR known_at <= :known",
            names={"#source": "source"},
            values={":known": _text(known_at), ":source": source},
        )
        return item is not None

    def days(self, timeframe: str, first: date, last: date) -> Mapping[date, Settled]:
        """The settled dates of [first, last], both included, in order, as they are now."""
        return {
            date.fromisoformat(item["sk"]): Settled(_time(item["known_at"]), item["source"], _time(item["since"]))
            for item in self._items.query(_pk(timeframe), first.isoformat(), last.isoformat())
        }

    def changed(self, at: datetime) -> None:
        """Rows of the batch view are others than before: what was made of them is out of date. May be repeated."""
        self._items.put(_pk(VERSION), DATA, {"at": _text(at)})

    def version(self) -> str:
        """Another text whenever rows of the batch view have changed; empty before the first time."""
        return str((self._items.get(_pk(VERSION), DATA) or {}).get("at", ""))


def _pk(timeframe: str) -> str:
    return f"settled#{timeframe}"


def _text(moment: datetime) -> str:
    """Of fixed width and in UTC: texts are ordered as times are. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a time must have a zone, was {moment.isoformat()}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
