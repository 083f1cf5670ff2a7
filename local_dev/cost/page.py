"""The tables of docs/cost.md, docs/deployment.md and README.md, made of the bills of both profiles by `make bill`."""

import re
from collections.abc import Iterable, Iterator, Mapping

from local_dev.cost import left_behind
from local_dev.cost.assembly import Assembly
from local_dev.cost.bill import APART, Bill, bill_of, merged
from local_dev.cost.budget import TARGETS, Published, over_target
from local_dev.cost.line import Month
from local_dev.cost.load import Load
from local_dev.cost.page_changes import causes, what_ifs
from local_dev.cost.page_tables import free_table, head, load_table, price_table
from local_dev.cost.prices import prices
from local_dev.cost.synthesis import PROFILES
from local_dev.runtime.synth import ROOT

PAGE, README, DEPLOYMENT = ROOT / "docs/cost.md", ROOT / "README.md", ROOT / "docs/deployment.md"
_ROW = re.compile(r"^\| (\w+) \| ([\w -]+) \| ([\d,.]+) \| ([\d,.]+) \|$", re.MULTILINE)
_CENTS = 0.005


def bills(assemblies: Mapping[str, Assembly]) -> dict[str, Bill]:
    """By profile, under the base load."""
    return {profile: bill_of(assemblies[profile], Load(), prices()) for profile in PROFILES}


def page(text: str, assemblies: Mapping[str, Assembly]) -> str:
    """docs/cost.md with every table between its markers as the templates are now."""
    made = bills(assemblies)
    tables: dict[str, Iterable[str]] = {
        "total": _totals(made),
        "causes": causes(made),
        "services": _services(made),
        **{profile: _lines(made[profile]) for profile in PROFILES},
        "what if": what_ifs(assemblies, made),
        "hours": _hours(assemblies),
        "load": load_table(),
        "free": free_table(),
        "prices": price_table(),
    }
    for name, lines in tables.items():
        text = between_markers(text, name, lines)
    return text


def readme(text: str, assemblies: Mapping[str, Assembly]) -> str:
    """README.md with its short table as the templates are now."""
    return between_markers(text, "bill", _totals(bills(assemblies)))


def deployment(text: str, assemblies: Mapping[str, Assembly]) -> str:
    """docs/deployment.md with what the stacks leave behind as the templates are now."""
    return between_markers(text, "left behind", left_behind.table(assemblies))


def between_markers(text: str, name: str, lines: Iterable[str]) -> str:
    """Raises ValueError where the markers are not there, once each."""
    begin, end = f"<!-- {name}: written by make bill -->\n", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"expected one table between {begin.strip()} and {end.strip()}")
    before, rest = text.split(begin)
    return before + begin + "".join(f"{line}\n" for line in lines) + end + rest.split(end)[1]


def published(text: str, profile: str) -> Published:
    """What docs/cost.md says that each stack and service costs."""
    at = PROFILES.index(profile)
    return {(row[0], row[1]): float(row[2 + at].replace(",", "")) for row in _ROW.findall(text)}


def _totals(made: Mapping[str, Bill]) -> Iterator[str]:
    """By service, those below two dollars together."""
    yield from head("$ a month", *PROFILES)
    by = {p: made[p].by_service for p in PROFILES}
    services = {service for held in by.values() for stack, service in held if stack != APART}
    sums = {
        s: [sum(d for (t, held), d in by[p].items() if held == s and t != APART) for p in PROFILES] for s in services
    }
    large = sorted((s for s in services if max(sums[s]) >= 2), key=lambda s: -max(sums[s]))
    for service in large:
        yield _amounts(service, sums[service])
    others = [sum(sums[s][at] for s in services if s not in large) for at in range(len(PROFILES))]
    yield _amounts(f"{len(services) - len(large)} others", others)
    yield _amounts("**total**", [made[p].total for p in PROFILES])
    yield f"| target | {' | '.join(str(TARGETS[p]) for p in PROFILES)} |"
    yield f"| over (+) or under (-) it | {' | '.join(f'{over_target(p, made[p]):+,.2f}' for p in PROFILES)} |"
    yield _amounts("push, if it is deployed", [made[p].push for p in PROFILES])


def _amounts(name: str, dollars: Iterable[float]) -> str:
    return f"| {name} | {' | '.join(f'{amount:,.2f}' for amount in dollars)} |"


def _services(made: Mapping[str, Bill]) -> Iterator[str]:
    yield from head("stack", "service", *PROFILES)
    by = {p: made[p].by_service for p in PROFILES}
    for place in dict.fromkeys(place for p in PROFILES for place in by[p]):
        yield _amounts(" | ".join(place), [by[p].get(place, 0) for p in PROFILES])


def _lines(bill: Bill) -> Iterator[str]:
    yield from head("stack", "service", "what is counted", "quantity", "unit", "price", "$ a month")
    for stack in dict.fromkeys(line.stack for line in bill.lines):
        for line in merged(line for line in bill.lines if line.stack == stack):
            if line.dollars >= _CENTS:
                counted = f"{line.service} | {line.counted} | {line.quantity:,.3f} | {line.price.unit}"
                yield f"| {stack} | {counted} | {line.price.usd:.6g} | {line.dollars:,.2f} |"


def _hours(assemblies: Mapping[str, Assembly]) -> Iterator[str]:
    yield from head("hours a month", *PROFILES)
    months = {profile: Month(assemblies[profile], Load(), prices()) for profile in PROFILES}
    day = months[PROFILES[0]].market
    yield f"| sessions of {Load().year} | {day.sessions} | {day.sessions} |"
    for name, hours in (("regular trading", day.regular_hours), ("extended hours", day.extended_hours)):
        yield _amounts(f"{name}, a month", [hours / 12] * len(PROFILES))
    kinds = ("AWS::ECS::Service", "AWS::KinesisAnalyticsV2::Application")
    started = {p: {r.id: m.hours(r) for r in m.assembly.of(*kinds)} for p, m in months.items()}
    for name in dict.fromkeys(name for held in started.values() for name in held):
        yield _amounts(f"{name} runs", [started[p].get(name, 0) for p in PROFILES])


def write(assemblies: Mapping[str, Assembly]) -> None:
    """All three, where they are."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), assemblies), encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8"), assemblies), encoding="utf-8")
    text = DEPLOYMENT.read_text(encoding="utf-8")
    DEPLOYMENT.write_text(deployment(text, assemblies), encoding="utf-8")
