"""What goes on costing when the stacks are deleted: of resources that outlive them, what lies there."""

from collections.abc import Iterable, Iterator, Mapping

from local_dev.cost.assembly import Assembly
from local_dev.cost.bill import Bill, bill_of, merged
from local_dev.cost.line import Line
from local_dev.cost.load import Load
from local_dev.cost.page_tables import head
from local_dev.cost.prices import prices

KEPT = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})
"""Deletion policies by which a resource outlives its stack."""
AT_REST = ("_storage", "_recovery", "_backup", "secret", "key", "_shard_hour")
"""How prices of what merely lies there end; everything else is for use."""
_CENTS = 0.005


def left_behind(assembly: Assembly, load: Load) -> Bill:
    """The part of the bill that stays, as full as the load fills it."""
    kept = {
        (stack, name)
        for stack, template in assembly.bodies.items()
        for name, body in template["Resources"].items()
        if body.get("DeletionPolicy") in KEPT
    }
    lines = bill_of(assembly, load, prices()).lines
    return Bill(tuple(line for line in lines if (line.stack, line.resource) in kept and _lies(line)))


def table(assemblies: Mapping[str, Assembly]) -> Iterator[str]:
    """Of docs/deployment.md: both profiles leave the same behind, so that one is shown."""
    bill = left_behind(assemblies["lean"], Load())
    yield from head("stack", "service", "what stays", "$ a month")
    for stack in dict.fromkeys(line.stack for line in bill.lines):
        for line in _worth_it(merged(line for line in bill.lines if line.stack == stack)):
            yield f"| {stack} | {line.service} | {line.counted} | {line.dollars:,.2f} |"
    yield f"| **total** | | | {bill.total:,.2f} |"


def _worth_it(lines: Iterable[Line]) -> Iterator[Line]:
    return (line for line in lines if line.dollars >= _CENTS)


def _lies(line: Line) -> bool:
    return line.price.name.endswith(AT_REST)
