"""Tables of docs/cost.md that no template changes: the base load, what is free, the prices."""

from collections.abc import Iterator
from dataclasses import fields

from local_dev.cost.free import FREE
from local_dev.cost.load import Load
from local_dev.cost.prices import prices


def head(*names: str) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"


def load_table() -> Iterator[str]:
    yield from head("number of the load", "base")
    for field in fields(Load):
        value = getattr(Load(), field.name)
        yield f"| `{field.name}` | {value if field.name == 'year' else f'{value:,}'} |"


def free_table() -> Iterator[str]:
    yield from head("free", "why")
    reasons: dict[str, list[str]] = {}
    for kind, why in FREE.items():
        reasons.setdefault(why, []).append(f"`{kind.removeprefix('AWS::')}`")
    yield from (f"| {' '.join(kinds)} | {why} |" for why, kinds in reasons.items())


def price_table() -> Iterator[str]:
    yield from head("price", "$", "for", "source", "looked up")
    for price in prices().values():
        yield f"| `{price.name}` | {price.usd:.6g} | {price.unit} | {price.source} | {price.read} |"
