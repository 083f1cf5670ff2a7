"""A line of the bill, and what those who write one need to know."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from local_dev.cost.assembly import Assembly, Resource
from local_dev.cost.hours import MONTHS, Market, hours_a_month, market, running
from local_dev.cost.load import Load
from local_dev.cost.prices import Price, Prices
from shared.bars.sessions import sessions_named

MILLION = 1_000_000
GB = 1_000_000_000
HOURS = 730.0
"""Of a month, as AWS counts them."""
DAYS = HOURS / 24


class Line(NamedTuple):
    """What one resource costs a month for one thing that is counted: `quantity` units of the price."""

    stack: str
    resource: str
    type: str
    service: str
    counted: str
    quantity: float
    price: Price

    @property
    def dollars(self) -> float:
        return self.quantity * self.price.usd


@dataclass(frozen=True)
class Month:
    """An average month of one deployment under a load."""

    assembly: Assembly
    load: Load
    prices: Prices

    _hours: dict[tuple[str, str], float] = field(default_factory=dict)
    """Of what was asked for already."""

    @cached_property
    def market(self) -> Market:
        """Of the load's year. Raises ValueError for one that the session table does not hold."""
        return market(sessions_named(self.assembly.told("SESSIONS")), self.load.year)

    @property
    def sessions(self) -> float:
        return self.market.sessions / MONTHS

    @property
    def regular_s(self) -> float:
        """Seconds of regular trading."""
        return self.market.regular_hours * 3600 / MONTHS

    @property
    def extended_s(self) -> float:
        """Seconds of trading before and after it."""
        return self.market.extended_hours * 3600 / MONTHS

    @property
    def open_s(self) -> float:
        return self.regular_s + self.extended_s

    @property
    def asked(self) -> float:
        """Requests that reach the API: all, or those that an edge with a cache does not answer itself."""
        own = [{"Ref": policy.id} for policy in self.assembly.of("AWS::CloudFront::CachePolicy")]
        edges = self.assembly.of("AWS::CloudFront::Distribution")
        first = [edge.properties["DistributionConfig"]["DefaultCacheBehavior"] for edge in edges]
        kept = any(behavior.get("CachePolicyId") in own for behavior in first)
        return self.load.api_requests * (1 - self.load.edge_hits if kept else 1)

    def hours(self, resource: Resource) -> float:
        """That an ECS service or a Flink application runs."""
        place = resource.stack, resource.id
        if place not in self._hours:
            self._hours[place] = hours_a_month(running(self.assembly, resource, self.load.year))
        return self._hours[place]

    def line(self, resource: Resource, service: str, counted: str, quantity: float, price: str) -> Line:
        """`quantity` in the price's unit."""
        return Line(resource.stack, resource.id, resource.type, service, counted, quantity, self.prices[price])


Lines = Iterator[Line]
