"""A bill as a table for the terminal, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local_dev.cost.bill import APART, Bill, merged
from local_dev.cost.budget import TARGETS, over_target
from local_dev.cost.line import Line
from local_dev.cost.load import Load
from local_dev.cost.prices import OLD_DAYS, Price


def table(profile: str, settings: Mapping[str, str], load: Load, bill: Bill) -> Iterator[str]:
    """Stack by stack, each line that comes to half a cent at least."""
    chosen = " ".join(f"{name}={value}" for name, value in settings.items())
    yield f"{chosen}: {load.trades_a_day:,} trades a day of {load.symbols:,} symbols, {load.api_requests:,} requests"
    yield f"{'service':<16}{'what is counted':<42}{'quantity':>12} {'unit':<38}{'price':>10}{'$ a month':>11}"
    for stack in dict.fromkeys(line.stack for line in bill.lines):
        held = [line for line in bill.lines if line.stack == stack]
        apart = ", apart" if stack == APART else ""
        yield f"{stack}{apart}: ${sum(line.dollars for line in held):,.2f}"
        yield from map(_row, (line for line in merged(held) if line.dollars >= 0.005))
    yield f"{profile}: ${bill.total:,.2f} a month, and ${bill.push:,.2f} with push"
    yield from _target(profile, load, bill)


def _row(line: Line) -> str:
    price = line.price
    return (
        f"  {line.service:<14}{line.counted:<42}{line.quantity:>12,.3f} "
        f"{price.unit:<38}{price.usd:>10,.6g}{line.dollars:>11,.2f}"
    )


def _target(profile: str, load: Load, bill: Bill) -> Iterator[str]:
    if load.trades_a_day != Load().trades_a_day:
        return
    over = over_target(profile, bill)
    yield f"target ${TARGETS[profile]}: {'OVER' if over > 0 else 'under'} by ${abs(over):,.2f}"


def warning(outdated: Sequence[Price]) -> Iterator[str]:
    """Where prices were not looked up for too long."""
    if outdated:
        oldest = outdated[0]
        yield (
            f"{len(outdated)} prices were last looked up more than {OLD_DAYS} days ago, the oldest {oldest.name} on "
            f"{oldest.read}: look them up and change local_dev/cost/prices.toml"
        )


def as_json(profile: str, settings: Mapping[str, str], load: Load, bill: Bill) -> dict[str, Any]:
    """Every line of every resource; dollars are not rounded."""
    return {
        "profile": profile,
        "settings": dict(settings),
        "load": {name: getattr(load, name) for name in load.__slots__},
        "lines": [
            {
                "stack": line.stack,
                "resource": line.resource,
                "type": line.type,
                "service": line.service,
                "counted": line.counted,
                "quantity": line.quantity,
                "unit": line.price.unit,
                "price": line.price.usd,
                "dollars": line.dollars,
            }
            for line in bill.lines
        ],
        "total": bill.total,
        "push": bill.push,
        "target": TARGETS[profile],
    }
