"""A month's bill: every resource of an assembly is priced, or free for a reason; nothing is left out silently."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from local_dev.cost import (
    api,
    cache,
    containers,
    database,
    edge,
    events,
    flink,
    functions,
    network,
    storage,
    streams,
    tables,
    watching,
)
from local_dev.cost.assembly import Assembly, Resource
from local_dev.cost.free import FREE
from local_dev.cost.line import Line, Lines, Month
from local_dev.cost.load import Load
from local_dev.cost.prices import Prices

_GROUPS = (
    api, cache, containers, database, edge, events, flink, functions, network, storage, streams, tables, watching,
)  # fmt: skip
PRICED: Mapping[str, Callable[[Resource, Month], Lines]] = {
    kind: price for group in _GROUPS for kind, price in group.PRICED.items()
}
"""By type of resource."""
CODE = Resource("code", "metrics", "", {})
"""What is paid for and stands in no template."""
APART = "push"
"""The stack of the optional push, which the targets leave out."""


class NoPriceError(ValueError):
    """A resource that is neither priced nor known to be free; the message names it."""


@dataclass(frozen=True)
class Bill:
    """`lines` in the order in which the stacks deploy."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> float:
        """Dollars a month, push left out."""
        return sum(line.dollars for line in self.lines if line.stack != APART)

    @property
    def push(self) -> float:
        """Dollars a month of push."""
        return sum(line.dollars for line in self.lines if line.stack == APART)

    @property
    def by_service(self) -> dict[tuple[str, str], float]:
        """Dollars a month by (stack, service)."""
        found: dict[tuple[str, str], float] = {}
        for line in self.lines:
            place = line.stack, line.service
            found[place] = found.get(place, 0) + line.dollars
        return found


def bill_of(assembly: Assembly, load: Load, prices: Prices) -> Bill:
    """Raises NoPriceError for an unknown type, ValueError for a resource that a pricer refuses, or a year without a
    calendar."""
    month = Month(assembly, load, prices)
    month.market  # noqa: B018 -- refuses a year, whatever is in the templates
    found = [line for resource in assembly.resources for line in _priced(resource, month)]
    if metrics := watching.own_metrics(month):
        found.append(month.line(CODE, watching.SERVICE, "metrics of our own", metrics, "metric"))
    return Bill(tuple(found))


def merged(lines: Iterable[Line]) -> list[Line]:
    """Lines of one stack that count the same at the same price, as one; the dearest service first."""

    def key(line: Line) -> tuple[str, str, str]:
        return line.service, line.counted, line.price.name

    added = []
    for _, group in groupby(sorted(lines, key=key), key):
        same = list(group)
        added.append(same[0]._replace(quantity=sum(line.quantity for line in same)))
    return sorted(added, key=lambda line: -line.dollars)


def _priced(resource: Resource, month: Month) -> Lines:
    if resource.type in FREE:
        return iter(())
    if resource.type not in PRICED:
        raise NoPriceError(f"no price known for {resource.type} ({resource.stack} {resource.id})")
    return PRICED[resource.type](resource, month)
