"""Which minutes of the simulated market are loaded when."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import msgspec
import pytest

from local_dev.runtime import past
from local_dev.runtime.past import REACH_MS, Past, judged, plan
from local_dev.runtime.past_task import Done, Task
from local_dev.runtime.platform import Platform, PlatformFailed
from local_dev.runtime.processes import Command
from local_dev.runtime.sources import Simulated
from local_dev.runtime.state import Record
from local_dev.simulator.minutes import parse_spans

MINUTE, HOUR = 60_000, 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


NOON = ms("2026-01-20T17:00")  # in New York
START, RECENT = ms("2025-12-21T05:00"), ms("2026-01-18T05:00")
"""New York midnights 30 and 2 days before."""


def test_a_new_state_gets_two_sessions_and_today_first_and_thirty_in_the_end() -> None:
    first, older, known = plan((), 0, NOON + 59_999, kept=False, live=True)
    assert first == known == ((RECENT, NOON),)
    assert older == ((START, RECENT),)


def test_older_sessions_that_did_not_get_there_are_loaded_the_next_time() -> None:
    first, older, known = plan(((RECENT, NOON),), NOON + HOUR, NOON + HOUR, kept=True, live=True)
    assert (first, older, known) == ((), ((START, RECENT),), ((RECENT, NOON),))


def test_nothing_is_loaded_twice() -> None:
    whole = ((START, NOON),)
    assert plan(whole, NOON + HOUR, NOON + HOUR, kept=True, live=True) == ((), (), whole)


def test_a_day_without_us_is_loaded_from_the_minute_that_nobody_closed() -> None:
    stopped, back = NOON + HOUR + 29_000, NOON + 24 * HOUR
    hole = (NOON + HOUR, back)
    assert plan(((START, NOON),), stopped, back, kept=True, live=True) == ((hole,), (), ((START, NOON), hole))


def test_a_hole_that_the_ingester_fills_is_left_to_it() -> None:
    stopped = NOON + HOUR
    assert plan(((START, NOON),), stopped, stopped + REACH_MS, kept=True, live=True).first == ()
    assert plan(((START, NOON),), stopped, stopped + REACH_MS + MINUTE, kept=True, live=True).first != ()


def test_a_feed_that_never_began_leaves_its_hole_from_where_the_history_ended() -> None:
    back = NOON + 5 * HOUR
    assert plan(((START, NOON),), 0, back, kept=True, live=True).first == ((NOON, back),)


def test_a_market_that_does_not_keep_the_hosts_time_has_no_holes() -> None:
    assert plan(((START, NOON),), NOON, NOON + 24 * HOUR, kept=True, live=False).first == ()


def test_after_an_unclean_stop_the_last_sessions_are_loaded_again_first_and_all_others_later() -> None:
    back, cut = NOON + 10 * HOUR, ms("2026-01-19T05:00")
    known = ((START, NOON), (NOON + HOUR, NOON + 13 * HOUR))
    first, older, then = plan(known, back, back, kept=False, live=True)
    assert first == then == ((cut, NOON), (NOON + HOUR, NOON + 13 * HOUR))
    assert older == ((START, cut),)


def test_what_was_never_loaded_and_what_is_lost_are_one_span() -> None:
    first, older, _ = plan(((RECENT, NOON + 48 * HOUR),), 0, NOON + 48 * HOUR, kept=False, live=True)
    assert first == ((ms("2026-01-20T05:00"), NOON + 48 * HOUR),)
    assert older == ((ms("2025-12-23T05:00"), ms("2026-01-20T05:00")),)


def test_what_lies_wholly_before_the_last_sessions_waits() -> None:
    known = ((START, NOON), (NOON + 200 * HOUR, NOON + 201 * HOUR))
    first, older, _ = plan(known, 0, NOON + 201 * HOUR, kept=False, live=True)
    assert (first, older) == (known[1:], known[:1])


def test_signals_are_looked_for_in_the_last_day_of_what_is_new() -> None:
    assert judged(((START, NOON),), 0, kept=True) == (NOON - 24 * HOUR, NOON)
    assert judged(((NOON - HOUR, NOON),), NOON - HOUR, kept=True) == (NOON - HOUR, NOON)


def test_after_an_unclean_stop_signals_of_all_that_was_loaded_at_once_and_of_the_feed_are_looked_for() -> None:
    spans = ((RECENT, NOON),)
    assert judged(spans, 0, kept=False) == (RECENT, NOON)
    assert judged(spans, NOON + 5 * HOUR, kept=False) == (RECENT, NOON + 5 * HOUR)
    assert judged(spans, NOON + 48 * HOUR, kept=False) == (NOON - 24 * HOUR, NOON + 48 * HOUR), "three days at most"


class Process(NamedTuple):
    """One that loads, ended or not: what it was told, and its last line."""

    task: Task
    words: str
    returncode: int = 0
    down: bool = True
    log: Path = Path("older-past.log")

    @property
    def process(self) -> SimpleNamespace:
        return SimpleNamespace(wait=lambda seconds: self.returncode)

    def last_words(self, lines: int = 5) -> str:
        return self.words


class Machine:
    """A platform whose processes that load end at once, `late_ms` after they began; those named in `fails` fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, record: Record, now_ms: int) -> None:
        self.record, self.now_ms, self.late_ms = record, now_ms, 0
        self.fails: set[str] = set()
        self.started: list[Task] = []
        self.said: list[str] = []
        monkeypatch.setattr(past, "_now_ms", lambda: self.now_ms)
        signals = SimpleNamespace(environment={})
        platform = SimpleNamespace(
            state=self,
            deployment=SimpleNamespace(function_of=lambda module: signals),
            environment_of=dict,
            supervisor=SimpleNamespace(start=self.start),
        )
        self.past = Past(cast(Platform, platform), Simulated("1"), "*", self.said.append)

    def remember(self, **changes: Any) -> None:
        self.record = replace(self.record, **changes)

    def start(self, command: Command) -> Process:
        task = msgspec.json.decode(command.env["TASK"], type=Task)
        self.started.append(task)
        if command.name in self.fails:
            return Process(task, "no answer", returncode=1)
        self.now_ms += self.late_ms
        until = max(task.spans[-1][1], self.now_ms // MINUTE * MINUTE) if task.grows else task.spans[-1][1]
        done = Done(22, 3, 5, task.spans[0][0], until)
        return Process(task, msgspec.json.encode(done).decode())

    def open(self) -> None:
        self.past.begin(0)
        self.past.finish()


def test_older_sessions_are_noted_once_they_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, Record(), NOON)
    machine.open()
    assert machine.record.past == ((RECENT, NOON),)
    machine.past.check()
    assert (machine.record.past, machine.record.past_kept) == (((START, NOON),), True)


def test_a_running_platform_goes_on_without_older_sessions_that_cannot_be_loaded_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, Record(), NOON)
    machine.fails = {"older-past"}
    machine.open()
    machine.past.check()
    machine.past.check()
    (said,) = machine.said[1:]
    assert said == "older sessions could not be loaded; the next start loads them (see older-past.log)"
    assert machine.record.past == ((RECENT, NOON),)
    again = Machine(monkeypatch, machine.record, NOON + MINUTE)
    again.open()
    assert [task.spans for task in again.started] == [((START, RECENT),)]


def test_without_its_last_sessions_a_feed_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, Record(), NOON)
    machine.fails = {"past"}
    with pytest.raises(PlatformFailed, match="no answer"):
        machine.open()


def test_after_an_unclean_stop_only_what_is_there_again_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, Record(past=((START, NOON),), past_kept=False), NOON + MINUTE)
    machine.open()
    assert (machine.record.past, machine.record.past_kept) == (((RECENT, NOON),), True)
    machine.past.check()
    assert machine.record.past == ((START, NOON),)


def test_minutes_that_end_while_a_new_feed_is_held_are_loaded_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, Record(), NOON)
    machine.open()
    machine.now_ms, machine.late_ms = NOON + HOUR + 59_000, 2_000
    machine.past.catch_up()
    loads, judges = machine.started[-2:]
    assert (loads.spans, loads.judged, loads.grows, loads.awaited) == (((NOON, NOON + HOUR),), None, True, True)
    end = NOON + HOUR + MINUTE
    assert (judges.spans, judges.judged, judges.awaited) == (((NOON, end),), (NOON, end), False)
    assert machine.record.past == ((RECENT, NOON + HOUR + MINUTE),)
    machine.past.check()
    assert machine.record.past == ((START, NOON + HOUR + MINUTE),)


def test_a_running_platform_goes_on_without_signals_of_the_minutes_before_its_feed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, Record(), NOON)
    machine.open()
    machine.now_ms, machine.fails = NOON + HOUR, {"past-signals"}
    machine.past.catch_up()
    machine.past.check()
    machine.past.check()
    assert [said for said in machine.said if said.startswith("signals of the last minutes")] == machine.said[1:]
    assert len(machine.said) == 2
    assert machine.record.past == ((START, NOON + HOUR),)


def test_a_feed_that_begins_in_the_minute_in_which_its_history_ends_has_no_hole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, Record(), NOON)
    machine.open()
    machine.now_ms = NOON + MINUTE - 1
    before = list(machine.started)
    machine.past.catch_up()
    assert machine.started == before


def test_the_hole_of_a_feed_that_goes_on_is_left_to_its_ingester(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, Record(past=((START, NOON),)), NOON + MINUTE)
    machine.open()
    machine.now_ms += HOUR
    machine.past.catch_up()
    assert machine.started == []


def test_the_simulator_is_told_which_spans_it_streamed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first run, one soon after it, one after a day: then what was streamed ends where the hole begins."""
    machine = Machine(monkeypatch, Record(), NOON)
    machine.past.begin(0)
    assert machine.past.told() == ()
    machine.past.finish()
    machine.past.check()
    soon = Machine(monkeypatch, machine.record, NOON + HOUR)
    soon.past.begin(NOON + HOUR)
    assert soon.past.told() == ("--streamed", f"{NOON}-")
    later = Machine(monkeypatch, machine.record, NOON + 24 * HOUR)
    later.past.begin(NOON + HOUR)
    assert later.past.told() == ("--streamed", f"{NOON}-{NOON + HOUR}")
    later.past.finish()
    last = Machine(monkeypatch, later.record, NOON + 25 * HOUR)
    last.past.begin(NOON + 25 * HOUR)
    spans = last.past.told()[1]
    assert spans == f"{NOON}-{NOON + HOUR},{NOON + 24 * HOUR}-"
    assert parse_spans(spans) == ((NOON, NOON + HOUR), (NOON + 24 * HOUR, None))


def test_after_an_unclean_stop_the_simulator_is_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record(past=((START, NOON),), past_kept=False)
    machine = Machine(monkeypatch, record, NOON + HOUR)
    machine.past.begin(NOON + HOUR)
    assert machine.past.told() == ("--streamed", f"{NOON}-")
