from datetime import date, timedelta
from typing import Any

import pytest

from shared.errors import LeaseLost
from shared.stores.runs import FAILED, FINISHED, RUNNING, Detail, Run, RunLedger
from tests.unit.shared.stores.conftest import TABLE, create_table, lose_answer

DAY = date(2013, 10, 8)
NOW = 1_381_280_400.0


@pytest.fixture
def ledger(dynamodb: Any) -> RunLedger:
    create_table(dynamodb, {"pk": "S", "sk": "S"})
    return RunLedger(dynamodb, TABLE)


def test_of_two_schedules_for_a_date_one_runs(ledger: RunLedger) -> None:
    assert ledger.take(DAY, "first", NOW, NOW + 600)
    assert not ledger.take(DAY, "second", NOW + 1, NOW + 601)
    assert ledger.take(DAY + timedelta(days=1), "second", NOW + 1, NOW + 601), "another date is another run"
    ledger.step(DAY, "first", "fetch", {"calls": 3})
    with pytest.raises(LeaseLost, match="2013-10-08"):
        ledger.step(DAY, "second", "fetch", {})


def test_a_dead_owners_lease_ends_at_its_deadline_and_it_writes_nothing_more(ledger: RunLedger) -> None:
    assert ledger.take(DAY, "dead", NOW, NOW + 600)
    ledger.step(DAY, "dead", "fetch", {"calls": 3})
    assert not ledger.take(DAY, "next", NOW + 600, NOW + 1_200), "at the deadline it still holds"
    assert ledger.take(DAY, "next", NOW + 600.001, NOW + 1_200)
    with pytest.raises(LeaseLost):
        ledger.step(DAY, "dead", "load", {})
    with pytest.raises(LeaseLost):
        ledger.finish(DAY, "dead", {})
    with pytest.raises(LeaseLost):
        ledger.fail(DAY, "dead", {})
    (run,) = ledger.runs(DAY, DAY)
    assert run == Run(DAY, "next", RUNNING, NOW + 600.001, NOW + 1_200, {}, {}, 2)


def test_to_take_what_is_ones_own_goes_on_until_the_new_deadline(ledger: RunLedger) -> None:
    ledger.take(DAY, "me", NOW, NOW + 600)
    ledger.step(DAY, "me", "fetch", {"calls": 3})
    assert ledger.take(DAY, "me", NOW + 300, NOW + 900)
    assert not ledger.take(DAY, "other", NOW + 700, NOW + 1_300)
    (run,) = ledger.runs(DAY, DAY)
    assert (run.started_s, run.deadline_s, run.steps, run.runs) == (NOW, NOW + 900, {"fetch": {"calls": 3}}, 1)


def test_a_step_may_hold_the_lease_longer(ledger: RunLedger) -> None:
    ledger.take(DAY, "me", NOW, NOW + 600)
    ledger.step(DAY, "me", "fetch", {}, deadline_s=NOW + 5_000)
    assert not ledger.take(DAY, "other", NOW + 4_000, NOW + 9_000)


def test_the_ledger_tells_what_came_of_each_step_and_of_the_run(ledger: RunLedger) -> None:
    ledger.take(DAY, "me", NOW, NOW + 600)
    ledger.step(DAY, "me", "fetch", {"calls": 3, "complete": True, "files": ["a", "b"]})
    ledger.step(DAY, "me", "load", {"rows": 1})
    ledger.step(DAY, "me", "load", {"rows": 2})
    ledger.finish(DAY, "me", {"settled": 9})
    steps: dict[str, Detail] = {"fetch": {"calls": 3, "complete": True, "files": ["a", "b"]}, "load": {"rows": 2}}
    assert ledger.runs(DAY, DAY) == [Run(DAY, "me", FINISHED, NOW, NOW + 600, steps, {"settled": 9}, 1)]


@pytest.mark.parametrize("end", ["finish", "fail"])
def test_a_date_that_is_over_may_be_run_again_at_once(ledger: RunLedger, end: str) -> None:
    ledger.take(DAY, "me", NOW, NOW + 600)
    ledger.step(DAY, "me", "fetch", {})
    getattr(ledger, end)(DAY, "me", {"reason": "the end"})
    (run,) = ledger.runs(DAY, DAY)
    assert run.state == {"finish": FINISHED, "fail": FAILED}[end]
    with pytest.raises(LeaseLost):
        ledger.step(DAY, "me", "load", {})
    assert ledger.take(DAY, "me", NOW + 1, NOW + 601)
    (run,) = ledger.runs(DAY, DAY)
    assert (run.state, run.steps, run.detail, run.runs) == (RUNNING, {}, {}, 2)


def test_runs_come_by_date_with_both_ends(ledger: RunLedger) -> None:
    days = [DAY + timedelta(days=n) for n in (30, 0, 1, 2)]
    for day in days:
        ledger.take(day, "me", NOW, NOW + 600)
    assert [run.day for run in ledger.runs(DAY, DAY + timedelta(days=2))] == sorted(days)[:3]
    assert ledger.runs(DAY + timedelta(days=3), DAY + timedelta(days=29)) == []


def test_a_lost_answer_to_a_taking_does_not_keep_the_taker_out(ledger: RunLedger, dynamodb: Any) -> None:
    attempts = lose_answer(dynamodb, "UpdateItem", times=2)
    assert ledger.take(DAY, "me", NOW, NOW + 600)
    assert len(attempts) > 2
    assert not ledger.take(DAY, "other", NOW, NOW + 600)
