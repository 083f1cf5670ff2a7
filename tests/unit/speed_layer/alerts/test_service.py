"""Batches, kills between any two writes, processes that take turns: each crossing is stored once, none is missed."""

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.alert import Crossing, PriceCross, State, StoredRule
from shared.stores.alerts import Held
from speed_layer.alerts.evaluate import Observation, evaluate_all
from speed_layer.alerts.service import REFRESH_MS, REPEATED_MS, Alerts, Watched
from tests.effort import examples
from tests.fakes.alert_rows import AlertRows
from tests.fakes.kinesis import Killed
from tests.unit.speed_layer.alerts.rules import prices, stored

DAY_S = 86_400
RULES = [
    stored(PriceCross("100")),
    stored(PriceCross("100", "up", "1"), id_="b"),
    stored(PriceCross("101"), id_="c", repeat="once"),
]


def walk(draw: random.Random, length: int = 60) -> list[int]:
    return [draw.randint(98, 103) * 100 for _ in range(length)]


def crossings(rows: AlertRows) -> list[Crossing]:
    return sorted((one.crossing for one in rows.fired.values()), key=lambda one: (one.t, one.id))


class Readers:
    """Two processes of a function behind one shard, which are killed and refused as a seed says."""

    def __init__(self, seed: int, faults: float) -> None:
        self.draw, self.faults = random.Random(seed), faults
        self.rows = AlertRows(self._maybe, self._maybe)
        self.kills = self.refusals = 0
        self.processes = [self._new(), self._new()]

    def _new(self) -> Alerts:
        return Alerts("live", self.rows, lambda: 0)

    def _maybe(self, call: str) -> None:
        """A killed process is no more; a refused call may have had its effect all the same."""
        if self.draw.random() < self.faults:
            self.kills += 1
            raise Killed
        if self.draw.random() < self.faults:
            self.refusals += 1
            raise StoreUnavailable(call)

    def run(self, values: list[int]) -> None:
        seen, done = prices(*values), 0
        while done < len(seen):
            end = self.draw.randint(done + 1, min(done + 12, len(seen)))
            which = self.draw.randrange(2)
            try:
                self.processes[which].take("shard", [Watched(rule, seen[done:end]) for rule in RULES])
            except Killed:
                self.processes[which] = self._new()
            except StoreUnavailable:
                pass
            else:
                if self.draw.random() < 0.8:  # else the answer is lost, and the batch comes again, cut otherwise
                    done = end


@settings(max_examples=examples(150))
@given(st.integers(0, 10**9), st.sampled_from([0.0, 0.02, 0.1]))
def test_whatever_comes_again_each_crossing_is_stored_once_and_none_is_missed(seed: int, faults: float) -> None:
    readers = Readers(seed, faults)
    values = walk(readers.draw)
    readers.run(values)
    expected = [one for rule in RULES for one in evaluate_all(rule, State(), prices(*values))[1]]
    assert crossings(readers.rows) == sorted(expected, key=lambda one: (one.t, one.id))


def test_the_faults_of_that_test_happen() -> None:
    readers = Readers(1, 0.1)
    readers.run(walk(readers.draw))
    assert readers.kills > 5
    assert readers.refusals > 5
    assert len(readers.rows.fired) > 10


def test_a_process_that_was_overtaken_does_not_believe_what_it_remembers() -> None:
    """What the other has seen arms the rule again: to miss that would be to miss the crossing after it."""
    rows = AlertRows()
    one, other = (Alerts("live", rows, lambda: 0) for _ in range(2))
    seen = prices(99_00, 101_00, 99_00, 101_00)
    for process, part in ((one, seen[:2]), (other, seen[2:3]), (one, seen[3:])):
        process.take("shard", [Watched(RULES[0], part)])
    assert [crossing.t for crossing in crossings(rows)] == [seen[1].t, seen[2].t, seen[3].t]


def test_a_rule_whose_state_cannot_be_read_waits_and_the_others_do_not() -> None:
    rows = AlertRows()
    readable = rows.state

    def state(id_: str, version: int) -> Held:
        if id_ == RULES[0].id:
            raise InvalidRecord("state")
        return readable(id_, version)

    rows.state = state  # type: ignore[method-assign]  # of a later release
    seen = prices(98_00, 102_00)
    look(rows, seen, 0)
    assert {one.rule for one in crossings(rows)} == {"b", "c"}
    rows.state = readable  # type: ignore[method-assign]  # which is back
    look(rows, seen, 0)
    assert {one.rule for one in crossings(rows)} == {"a", "b", "c"}


def test_two_processes_at_once_cannot_both_go_on() -> None:
    rows = AlertRows()
    one, other = (Alerts("live", rows, lambda: 0) for _ in range(2))
    seen = prices(99_00, 101_00)
    one.take("shard", [Watched(RULES[0], seen[:1])])
    original = rows.enter

    def overtaken(reader: str, shard: str, process: str) -> bool:
        rows.enter = original  # type: ignore[method-assign]  # once
        same = original("live", shard, process)
        other.take("shard", [Watched(RULES[0], seen)])
        return same

    rows.enter = overtaken  # type: ignore[method-assign]  # once
    with pytest.raises(StoreUnavailable, match="another process"):
        one.take("shard", [Watched(RULES[0], seen[1:])])
    one.take("shard", [Watched(RULES[0], seen[1:])])
    assert [crossing.t for crossing in crossings(rows)] == [seen[1].t]


def test_a_state_is_written_when_it_changes_and_never_between() -> None:
    calls: list[str] = []
    rows = AlertRows(calls.append)
    alerts = Alerts("live", rows, lambda: 0)
    for before, after in pairwise(prices(*[99_00] * 20, 101_00)):
        alerts.take("shard", [Watched(RULES[0], [before, after])])
    assert calls.count("put_state") == 2
    assert calls.count("state") == 1, "a process remembers"
    assert calls.count("put_crossing") == 1


def look(rows: AlertRows, seen: Sequence[Observation], now_ms: int, *rules: StoredRule) -> None:
    """By a process of its own."""
    Alerts("live", rows, lambda: now_ms).take("shard", [Watched(rule, seen) for rule in rules or RULES])


def test_a_crossing_is_not_told_again_when_the_table_has_removed_it() -> None:
    """A new process a day, long after the last crossing: the state still holds it, the table does not."""
    rows, seen = AlertRows(), prices(99_00, 102_00, 99_00, 102_00)
    look(rows, seen, 0)
    first = crossings(rows)
    assert len(first) > 3
    told: list[int] = []
    for day in range(1, 200):
        rows.remove_old(day * DAY_S)
        before = set(rows.fired)
        look(rows, seen[-1:], day * DAY_S * 1000)
        told += [day for _ in rows.fired.keys() - before]
    assert not rows.fired, "they were removed"
    assert told == []


def test_a_crossing_that_a_killed_process_has_not_stored_is_stored_within_weeks() -> None:
    rows, seen = AlertRows(), prices(99_00, 102_00)
    look(rows, seen, 0)
    expected = crossings(rows)
    rows.fired.clear()
    look(rows, seen[-1:], REPEATED_MS - 1)
    assert crossings(rows) == expected


def test_what_is_remembered_of_a_rule_in_force_stays_and_goes_with_the_others() -> None:
    rows, seen = AlertRows(), prices(99_00, 102_00)
    once, former = RULES[2], RULES[0]
    look(rows, seen, 0, once, former)
    for day in range(0, 1_000, 50):
        rows.remove_old(day * DAY_S)
        look(rows, seen, day * DAY_S * 1000, once)
        assert bool(rows.fired) == (day < 90), "told on the first day, and removed"
    assert rows.states.keys() == {(once.id, once.version)}
    assert rows.states[once.id, once.version].state.done
    assert rows.states[once.id, once.version].rev < 10, "seldom written"


def test_rules_are_read_again_after_a_while_and_what_is_gone_is_forgotten() -> None:
    rows, now = AlertRows(), [10**12]
    alerts = Alerts("live", rows, lambda: now[0])
    assert alerts.rules() == []
    rows.put_rule(RULES[0])
    assert alerts.rules() == []
    now[0] += REFRESH_MS
    assert alerts.rules() == [RULES[0]]
    rows.remove_rule("owner", "a", 0)
    now[0] -= 10 * REFRESH_MS  # a clock that was set back
    assert alerts.rules() == []


def test_an_edited_rule_begins_anew() -> None:
    rows = AlertRows()
    alerts = Alerts("live", rows, lambda: 0)
    for rule in (RULES[2], RULES[2]._replace(version=2)):
        for _ in range(2):
            alerts.take("shard", [Watched(rule, prices(99_00, 102_00, 99_00))])
    assert sorted(one.version for one in crossings(rows)) == [1, 2]
