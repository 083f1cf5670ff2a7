"""A run that may be killed at any moment: every unit ends up stored once, and hardly anything is asked for twice."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_layer.fetch.run import Outcome, Step, run
from batch_layer.fetch.units import Fetched, ShortAnswer, Unit
from shared.errors import AccessRefused, InvalidRecord, SourceUnavailable, StoreUnavailable
from shared.models.daily import DailyBar

FIRST = date(2020, 1, 6)


class Killed(BaseException):
    """The process ends here."""


class World:
    """A vendor and a store; the process dies at the steps whose numbers are in `deaths`."""

    def __init__(self, deaths: set[int]) -> None:
        self._deaths = deaths
        self._step = 0
        self.asked: Counter[str] = Counter()
        self.done: set[str] = set()
        self.stored: list[DailyBar] = []

    def _may_die(self) -> None:
        self._step += 1
        if self._step in self._deaths:
            raise Killed

    def fetch(self, unit: Unit) -> Fetched:
        self._may_die()
        self.asked[unit.id] += 1
        self._may_die()
        assert unit.start is not None
        return Fetched(bars=[DailyBar("A", unit.start, 1, 1, 1, 1, 1)])

    def load(self, unit: Unit, fetched: Fetched) -> None:
        """A transaction: the rows and the mark together, and death before or after them."""
        self._may_die()
        self.stored += fetched.bars
        self.done.add(unit.id)
        self._may_die()


def units(count: int) -> list[Unit]:
    days = [FIRST + timedelta(days=number) for number in range(count)]
    return [Unit("grouped", start=day, end=day) for day in days]


def runs(world: World, plan: list[Unit]) -> Iterator[Outcome | None]:
    """Started again until it comes to its end; None for one that died."""
    while True:
        try:
            yield run(plan, frozenset(world.done), world.fetch, world.load)
        except Killed:
            yield None
        else:
            return


@given(st.integers(0, 12), st.sets(st.integers(1, 80), max_size=15))
def test_whatever_is_killed_every_unit_is_stored_once_and_in_order(count: int, deaths: set[int]) -> None:
    world, plan = World(deaths), units(count)
    ends = list(runs(world, plan))
    assert [bar.day for bar in world.stored] == [unit.start for unit in plan]
    assert world.done == {unit.id for unit in plan}
    assert sum(world.asked.values()) <= count + len(ends) - 1, "each death costs one call at most"
    assert ends[-1] is not None
    assert ends[-1].stored + ends[-1].done_before == count


def test_units_that_are_done_are_not_asked_for_again() -> None:
    world, plan = World(set()), units(4)
    world.done = {plan[0].id, plan[2].id}
    assert run(plan, world.done, world.fetch, world.load) == Outcome(2, 2, [])
    assert list(world.asked) == [plan[1].id, plan[3].id]


@pytest.mark.parametrize("error", [InvalidRecord("page", "broken"), ShortAnswer("too short")])
def test_what_is_wrong_with_one_answer_holds_up_no_other(error: Exception) -> None:
    world, plan = World(set()), units(3)

    def fetch(unit: Unit) -> Fetched:
        if unit == plan[1]:
            raise error
        return world.fetch(unit)

    steps: list[Step] = []
    outcome = run(plan, set(), fetch, world.load, steps.append)
    assert outcome == Outcome(2, 0, [(plan[1], str(error))])
    assert world.done == {plan[0].id, plan[2].id}
    assert [(step.number, step.of, step.unit, step.failed) for step in steps] == [
        (1, 3, plan[0], None), (2, 3, plan[1], str(error)), (3, 3, plan[2], None),
    ]  # fmt: skip  # a step a line would hide the order


@pytest.mark.parametrize("error", [SourceUnavailable("gone"), AccessRefused("no")])
def test_a_vendor_that_answers_nobody_ends_the_run(error: Exception) -> None:
    world, plan = World(set()), units(3)

    def fetch(unit: Unit) -> Fetched:
        if unit == plan[1]:
            raise error
        return world.fetch(unit)

    with pytest.raises(type(error)):
        run(plan, set(), fetch, world.load)
    assert world.done == {plan[0].id}


def test_a_store_that_cannot_take_a_unit_ends_the_run() -> None:
    def load(unit: Unit, fetched: Fetched) -> None:
        raise StoreUnavailable("full")

    with pytest.raises(StoreUnavailable):
        run(units(2), set(), World(set()).fetch, load)


def test_steps_count_what_was_done_before() -> None:
    world, plan = World(set()), units(3)
    steps: list[Step] = []
    run(plan, {plan[0].id}, world.fetch, world.load, steps.append)
    assert [(step.number, step.of) for step in steps] == [(2, 3), (3, 3)]
