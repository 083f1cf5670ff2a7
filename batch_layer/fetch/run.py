"""A plan, worked off: each unit is fetched, then stored and marked done in one transaction.

So whatever stops a run, at most the unit it was at is asked for again, and none is stored twice.
"""

from collections.abc import Callable, Iterable, Set
from typing import NamedTuple, Protocol

from batch_layer.fetch.units import Fetched, ShortAnswer, Unit
from shared.errors import InvalidRecord


class Load(Protocol):
    """Stores what a unit brought and marks it done, both or neither. Raises StoreUnavailable."""

    def __call__(self, unit: Unit, fetched: Fetched) -> None: ...


class Step(NamedTuple):
    """How far a run is: `failed` is why the unit was left out, None if it was stored."""

    number: int
    of: int
    unit: Unit
    fetched: Fetched
    failed: str | None


class Outcome(NamedTuple):
    """Of a run that came to its end: units stored now, done before, and left out with the reason."""

    stored: int
    done_before: int
    failed: list[tuple[Unit, str]]


def run(
    units: Iterable[Unit],
    done: Set[str],
    fetch: Callable[[Unit], Fetched],
    load: Load,
    told: Callable[[Step], None] = lambda step: None,
) -> Outcome:
    """In the plan's order, without the units that are done. What is wrong with one answer alone holds up no other.

    Raises SourceUnavailable, AccessRefused or StoreUnavailable: another run goes on from there.
    """
    units = list(units)
    left = [unit for unit in units if unit.id not in done]
    failed: list[tuple[Unit, str]] = []
    for number, unit in enumerate(left, start=len(units) - len(left) + 1):
        fetched, why = Fetched(), None
        try:
            fetched = fetch(unit)
        except (InvalidRecord, ShortAnswer) as error:
            why = str(error)
            failed.append((unit, why))
        else:
            load(unit, fetched)
        told(Step(number, len(units), unit, fetched, why))
    return Outcome(len(left) - len(failed), len(units) - len(left), failed)
