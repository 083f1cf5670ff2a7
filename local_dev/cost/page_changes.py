"""Tables of docs/cost.md that say how far the bills are from their targets, and what a change would make of them."""

from collections.abc import Iterator, Mapping

from local_dev.cost.assembly import Assembly
from local_dev.cost.bill import Bill, bill_of
from local_dev.cost.budget import TARGETS, over_target
from local_dev.cost.load import Load
from local_dev.cost.page_tables import head
from local_dev.cost.prices import prices
from local_dev.cost.synthesis import PROFILES
from local_dev.cost.what_if import WrongChangeError, changes

WHAT_IFS = (
    "nat_gateways=1",
    "interface_endpoints=6",
    "flink_applications=2",
    "session_clock=off",
    "detailed_metrics=on",
    "trades_a_day=10000000",
    "trades_a_day=80000000",
    "api_requests=5000000",
    "api_requests=0",
    "edge_hits=0.5",
    "database_units_awake=0.5",
    "history_months=60",
)
"""Shown with what each adds; without another synthesis, so with the shards that the base load takes."""


def causes(made: Mapping[str, Bill]) -> Iterator[str]:
    """How far from the targets the bills are."""
    for profile in PROFILES:
        over = over_target(profile, made[profile])
        place = "over" if over > 0 else "under"
        yield f"- `{profile}` is ${abs(over):,.2f} **{place}** its target of ${TARGETS[profile]}."


def _total(assembly: Assembly, text: str) -> float:
    """Under the base load with these changes. Raises WrongChangeError."""
    change = changes(Load(), text.split())
    return bill_of(change.applied(assembly), change.load, prices()).total


def what_ifs(assemblies: Mapping[str, Assembly], made: Mapping[str, Bill]) -> Iterator[str]:
    """Totals, and how they differ from the base."""
    yield from head("what if", *PROFILES)
    for text in WHAT_IFS:
        amounts = []
        for profile in PROFILES:
            try:
                total = _total(assemblies[profile], text)
                amounts.append(f"{total:,.2f} ({total - made[profile].total:+,.2f})")
            except WrongChangeError:
                amounts.append("-")
        yield f"| `{text}` | {' | '.join(amounts)} |"
