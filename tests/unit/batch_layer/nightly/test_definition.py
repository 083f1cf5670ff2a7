"""The state machine: what may succeed later is tried again, all has a time limit, a failure frees the date."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import batch_layer
from batch_layer.nightly.__main__ import STEPS
from batch_layer.nightly.settings import DEFINITION
from shared.errors import PermanentError, RetryableError

TEXT = (Path(importlib.import_module("batch_layer.nightly").__path__[0]) / DEFINITION).read_text()
STATES: dict[str, dict[str, Any]] = json.loads(TEXT)["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
FUNCTIONS = {name: state for name, state in TASKS.items() if state["Resource"] != "${JobResource}"}
JOBS = {name: state for name, state in TASKS.items() if state["Resource"] == "${JobResource}"}


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def test_what_may_succeed_later_is_tried_again_and_nothing_else_of_ours() -> None:
    for module in pkgutil.walk_packages(batch_layer.__path__, "batch_layer."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    of_batch = {one.__name__ for one in subclasses(RetryableError) if one.__module__.startswith(("batch", "shared"))}
    permanent = {one.__name__ for one in subclasses(PermanentError)} | {"PermanentError"}
    for name, state in FUNCTIONS.items():
        (retry,) = state["Retry"]
        ours = {error for error in retry["ErrorEquals"] if not error.startswith("Lambda.")}
        assert ours == of_batch, name
        assert not ours & permanent


def test_every_task_has_a_time_limit_and_tries_again() -> None:
    for name, state in TASKS.items():
        assert state["TimeoutSeconds"] <= (7200 if name in JOBS else 900), name
        assert state["Retry"], name


def test_a_failure_after_the_lease_was_taken_gives_the_date_back() -> None:
    holding = set(STATES) - {"Session", "HasWork", "NothingToDo", "GiveUp", "Failed", "Finish", "Warm"}
    for name in holding:
        (catch,) = STATES[name]["Catch"]
        assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "GiveUp"), name
    assert STATES["GiveUp"]["Next"] == "Failed"
    (ask,) = [state for state in STATES["Warm"]["ItemProcessor"]["States"].values() if state["Type"] == "Task"]
    assert ask["Catch"][0]["ErrorEquals"] == ["States.ALL"], "a cold cache fails no run"


def test_jobs_run_the_steps_that_there_are_in_their_order() -> None:
    commands = [state["Parameters"]["ContainerOverrides"]["Command.$"] for state in JOBS.values()]
    pattern = r"States\.Array\('python', '-m', 'batch_layer\.nightly', '(\w+)', \$\.session\.day\)"
    found = [re.fullmatch(pattern, command) for command in commands]
    assert [match[1] for match in found if match] == list(STEPS)


def test_the_way_through_is_the_one_of_the_documents() -> None:
    way, name = [], "Fetch"
    while name != "Finish":
        way.append(name)
        name = STATES[name]["Next"]
    assert way == ["Fetch", "Land", "Load", "Rebuild", "MultiSession", "Reconcile", "Settle", "Warm"]


def test_only_what_differs_between_deployments_is_put_in() -> None:
    named = set(re.findall(r"\$\{(\w+)\}", TEXT))
    assert named == {"FetchFunction", "LoadFunction", "ApiFunction", "JobResource", "JobQueue", "JobDefinition"}
