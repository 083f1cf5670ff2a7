"""Tables of docs/cost.md that say what a change would make of the bills, and what in the templates could be spared."""

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
    "tracing=off",
    "detailed_metrics=off",
    "tracing=off detailed_metrics=off",
    "trades_a_day=10000000",
    "trades_a_day=80000000",
    "api_requests=5000000",
    "api_requests=0",
    "history_months=60",
)
"""Shown with what each adds; without another synthesis, so with the shards that the base load takes."""
SPARED = {
    "tracing=off": "Every function and the stage of the API are traced; of a function one call a second is recorded, "
    "and a twentieth of the others",
    "detailed_metrics=off": "Five metrics of each method of the API, each paid for as one of one's own",
}
"""What carries no trade: the change that would spare it, and what it is."""
LEAST = 1.0
"""Dollars a month that are worth a sentence."""


def causes(assemblies: Mapping[str, Assembly], made: Mapping[str, Bill]) -> Iterator[str]:
    """How far from the targets the bills are, and what in them carries no trade."""
    for profile in PROFILES:
        over = over_target(profile, made[profile])
        place = "over" if over > 0 else "under"
        yield f"- `{profile}` is ${abs(over):,.2f} **{place}** its target of ${TARGETS[profile]}."
    for change, what in SPARED.items():
        saved = [made[p].total - _total(assemblies[p], change) for p in PROFILES]
        if max(saved) >= LEAST:
            yield f"- {what}. That is {_both(saved)} a month (`{change}`)."
    rest = [over_target(p, made[p]) + _total(assemblies[p], " ".join(SPARED)) - made[p].total for p in PROFILES]
    places = (
        f"`{p}` ${abs(more):,.2f} {'over' if more > 0 else 'under'}" for p, more in zip(PROFILES, rest, strict=True)
    )
    yield f"- Without what carries no trade: {' and '.join(places)} its target."


def _both(saved: list[float]) -> str:
    return " and ".join(f"${amount:,.2f} in `{p}`" for p, amount in zip(PROFILES, saved, strict=True))


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
