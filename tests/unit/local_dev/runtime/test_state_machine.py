"""The nightly's own definition, walked through by a real emulator; this process is the worker of its activities."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from batch_layer.nightly import settings
from local_dev.runtime.deploy import ACCOUNT, REGION
from local_dev.runtime.destinations import Clients
from local_dev.runtime.state_machine import StateMachine, TaskFailed, activities_of

DEFINITION = (Path(settings.__file__).parent / settings.DEFINITION).read_text()
NAMES = {
    "FetchFunction": "nightly-fetch",
    "LoadFunction": "nightly-load",
    "JobResource": "nightly-job",
    "ApiFunction": "nightly-api",
}
DAY = "2013-10-08"


class Held(NamedTuple):
    """A step that does not go on until it is released."""

    step: str
    entered: threading.Event
    released: threading.Event


class Night:
    """What was asked of each activity, and what it says. `fails`: by step, the errors of its first tries."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.fails: dict[str, list[str]] = {}
        self.open = True
        self.held: Held | None = None

    def function(self, given: dict[str, Any]) -> Any:
        step = given["step"]
        self._note(step, given)
        if step == "session":
            return {"run": self.open, "day": DAY, "why": "no session on that date"}
        return {"counts": {"minutes": 3}, "warm": [{"path": "/a"}, {"path": "/b"}]} if step == "settle" else {}

    def job(self, given: dict[str, Any]) -> None:
        *_, step, day = given["ContainerOverrides"]["Command"]
        assert day == DAY
        self._note(step, given)

    def api(self, event: dict[str, Any]) -> None:
        self._note(event["path"], event)

    def _note(self, step: str, given: dict[str, Any]) -> None:
        self.seen.append(step)
        self.asked.append(given)
        if self.held is not None and self.held.step == step:
            self.held.entered.set()
            self.held.released.wait(10)
        if waiting := self.fails.get(step):
            raise TaskFailed(waiting.pop(0), "as the test says")


@pytest.fixture
def night() -> Night:
    return Night()


@pytest.fixture
def machine(emulator: Clients, night: Night) -> Iterator[StateMachine]:
    client = emulator("stepfunctions")
    text = DEFINITION
    for name, activity in NAMES.items():
        text = text.replace(f"${{{name}}}", f"arn:aws:states:{REGION}:{ACCOUNT}:activity:{activity}")
    role = f"arn:aws:iam::{ACCOUNT}:role/nightly"
    arn = client.create_state_machine(name="nightly", definition=text, roleArn=role)["stateMachineArn"]
    does = dict(zip(NAMES.values(), (night.function, night.function, night.job, night.api), strict=True))
    with StateMachine(client.meta.endpoint_url, does) as machine:
        yield machine
    client.delete_state_machine(stateMachineArn=arn)


def test_every_step_is_done_once_in_its_order(machine: StateMachine, night: Night) -> None:
    ended = machine.run({"day": DAY})
    assert ended.succeeded, ended
    steps = ["session", "fetch", "land", "load", "rebuild", "multi_session", "reconcile", "settle"]
    assert night.seen[:8] == steps
    assert sorted(night.seen[8:10]) == ["/a", "/b"]
    assert night.seen[10:] == ["finish"]
    assert night.asked[0]["asked"] == {"day": DAY}
    assert night.asked[-1]["detail"] == {"fetch": {}, "load": {}, "settle": {"minutes": 3}}
    assert len({given["owner"] for given in night.asked if "owner" in given}) == 1


def test_what_may_succeed_later_is_done_again_and_the_rest_is_not(machine: StateMachine, night: Night) -> None:
    night.fails = {"fetch": ["SourceUnavailable", "ShortAnswer"], "rebuild": ["States.TaskFailed"]}
    assert machine.run({"day": DAY}).succeeded
    assert (night.seen.count("fetch"), night.seen.count("rebuild"), night.seen.count("land")) == (3, 2, 1)
    assert night.fails == {"fetch": [], "rebuild": []}


def test_a_failure_that_stays_gives_the_date_back_and_is_told(machine: StateMachine, night: Night) -> None:
    night.fails = {"fetch": ["AccessRefused"]}
    ended = machine.run({"day": DAY})
    assert (ended.status, ended.error, ended.cause) == ("FAILED", "AccessRefused", "as the test says")
    assert night.seen == ["session", "fetch", "give_up"]
    assert night.asked[-1]["error"] == {"Error": "AccessRefused", "Cause": "as the test says"}


def test_a_cold_cache_fails_no_run(machine: StateMachine, night: Night) -> None:
    night.fails = {"/a": ["Unhandled"]}
    assert machine.run({"day": DAY}).succeeded
    assert night.seen[-1] == "finish"


def test_a_date_without_work_ends_at_once(machine: StateMachine, night: Night) -> None:
    night.open = False
    assert machine.run({"day": "2013-10-06"}).succeeded
    assert night.seen == ["session"]


def test_a_run_that_is_stopped_ends_at_once_and_what_its_step_says_later_is_nothing(
    machine: StateMachine, night: Night
) -> None:
    night.held = Held("land", threading.Event(), threading.Event())
    ended = machine.run({"day": DAY}, stop=night.held.entered.is_set)
    night.held.released.set()
    assert (ended.status, ended.error) == ("ABORTED", "Stopped")
    assert night.seen == ["session", "fetch", "land"]
    night.held = None
    assert machine.run({"day": DAY}).succeeded, "another run finds all workers free"


def test_activities_are_found_wherever_they_stand() -> None:
    inner = {"Type": "Task", "Resource": "arn:aws:states:r:1:activity:inner", "End": True}
    text = json.dumps({"States": {"M": {"ItemProcessor": {"States": {"I": inner}}}, "T": {"Resource": "arn:x"}}})
    assert activities_of(text) == {"arn:aws:states:r:1:activity:inner"}
