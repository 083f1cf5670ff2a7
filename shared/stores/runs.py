"""The run ledger: one run of a trade date's nightly at a time, and what became of each; in the `control` table.

An item a date at pk `run`, sk the ISO date: the lease (owner, deadline) and the ledger (state, steps, detail) are one,
so no owner writes about a run that is another's by now.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from shared.errors import LeaseLost
from shared.stores.control_items import ControlItems

PK = "run"
RUNNING, FINISHED, FAILED = "running", "finished", "failed"
Detail = Mapping[str, Any]
"""What came of something, for people: text, numbers, flags, lists and maps of these."""


class Run(NamedTuple):
    """The last run of a trade date. `started_s` and `deadline_s`: Unix seconds; a run in state `running` after its
    deadline has died. `steps`: name -> detail of those that are done. `runs`: how many times the date was begun."""

    day: date
    owner: str
    state: str
    started_s: float
    deadline_s: float
    steps: Mapping[str, Detail]
    detail: Detail
    runs: int


class RunLedger:
    """Raises StoreUnavailable when DynamoDB does not answer in time or throttles."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._items = ControlItems(dynamodb, table)

    def take(self, day: date, owner: str, now_s: float, deadline_s: float) -> bool:
        """Begin a trade date's run, unless another owner is at it and has not passed its deadline.

        A date that is finished, or failed, may be run again: its ledger begins anew. To take what is one's own already
        goes on with it until the new deadline.
        """
        if self._change(day, owner, "deadline = :deadline", {":deadline": float(deadline_s)}, {}) is not None:
            return True
        item = self._items.update(
            PK,
            day.isoformat(),
            expression="SET #owner = :owner, #state = :running, started = :now, deadline = :deadline,"
            " steps = :none, detail = :none ADD runs :one",
            condition="attribute_not_exists(#owner) OR #state <> :running OR deadline < :now",
            names={"#owner": "owner", "#state": "state"},
            values={
                ":owner": owner,
                ":running": RUNNING,
                ":now": float(now_s),
                ":deadline": float(deadline_s),
                ":none": {},
                ":one": 1,
            },
        )
        return item is not None

    def step(self, day: date, owner: str, name: str, detail: Detail, deadline_s: float | None = None) -> None:
        """Note that a step is done; a repeat replaces it. `deadline_s`: until when the lease now holds.

        Raises LeaseLost when the run is not this owner's any more: it must stop.
        """
        longer = {} if deadline_s is None else {":deadline": float(deadline_s)}
        change = "steps.#step = :detail" + (", deadline = :deadline" if longer else "")
        self._own(day, owner, change, {":detail": detail, **longer}, {"#step": name})

    def finish(self, day: date, owner: str, detail: Detail) -> None:
        """End the run well. Raises LeaseLost, as `step`."""
        self._own(day, owner, "#state = :state, detail = :detail", {":state": FINISHED, ":detail": detail}, {})

    def fail(self, day: date, owner: str, detail: Detail) -> None:
        """End the run badly: the date may be taken at once. Raises LeaseLost, as `step`."""
        self._own(day, owner, "#state = :state, detail = :detail", {":state": FAILED, ":detail": detail}, {})

    def runs(self, first: date, last: date) -> list[Run]:
        """The last run of each trade date of [first, last], both included, that had one; in order."""
        return [
            Run(
                date.fromisoformat(item["sk"]),
                item["owner"],
                item["state"],
                float(item["started"]),
                float(item["deadline"]),
                item["steps"],
                item["detail"],
                item["runs"],
            )
            for item in self._items.query(PK, first.isoformat(), last.isoformat())
        ]

    def _own(self, day: date, owner: str, change: str, values: Mapping[str, Any], names: Mapping[str, str]) -> None:
        if self._change(day, owner, change, values, names) is None:
            raise LeaseLost(f"the run of {day} is not {owner}'s any more")

    def _change(
        self, day: date, owner: str, change: str, values: Mapping[str, Any], names: Mapping[str, str]
    ) -> Mapping[str, Any] | None:
        """Change a run that is under way and ours."""
        return self._items.update(
            PK,
            day.isoformat(),
            expression=f"SET {change}",
            condition="#owner = :owner AND #state = :running",
            names={"#owner": "owner", "#state": "state", **names},
            values={":owner": owner, ":running": RUNNING, **values},
        )
