"""What a month may cost, and what a bill has more than another."""

from collections.abc import Iterator, Mapping

from local_dev.cost.bill import Bill, merged

TARGETS = {"full": 260, "lean": 150}
"""Dollars a month at the load's default, push apart."""
CENT = 0.01

Published = Mapping[tuple[str, str], float]
"""Dollars a month by (stack, service)."""


def over_target(profile: str, bill: Bill) -> float:
    """Dollars above the target; negative below it."""
    return bill.total - TARGETS[profile]


def differences(bill: Bill, published: Published) -> Iterator[str]:
    """A sentence for each stack and service that costs another amount than was published, the dearest first, with
    what it is made of now. Empty where the bill is the published one to the cent."""
    now = bill.by_service
    places = {place: now.get(place, 0) - published.get(place, 0) for place in {**published, **now}}
    for (stack, service), more in sorted(places.items(), key=lambda item: -abs(item[1])):
        if abs(more) >= CENT:
            lines = merged(line for line in bill.lines if (line.stack, line.service) == (stack, service))
            held = ", ".join(f"{line.counted} ${line.dollars:,.2f}" for line in lines) or "nothing"
            sign = "+" if more > 0 else "-"
            yield f"{stack} {service}: {sign}${abs(more):,.2f} a month ({held})"


def refusal(profile: str, bill: Bill, published: Published) -> str:
    """Why a bill may not stand as it is: what has become dearer, by how much, and what that makes of the target. Empty
    where nothing costs more than was published."""
    now = sum(round(dollars, 2) for dollars in bill.by_service.values())  # to the cent, as each was published
    more = now - sum(published.values())
    if more < CENT:
        return ""
    target = over_target(profile, bill)
    against = f"${abs(target):,.2f} {'over' if target > 0 else 'under'} the target of ${TARGETS[profile]}"
    changes = "; ".join(differences(bill, published))
    return f"{profile} costs ${more:,.2f} a month more than docs/cost.md says, now {against}: {changes}"
