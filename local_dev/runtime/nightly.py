"""The nightly on this machine: the deployed state machine, whose functions and jobs are processes of ours."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import date
from typing import Any

from local_dev.runtime.functions import FunctionPool, FunctionSpec, InvocationResult, LocalFunction
from local_dev.runtime.history_source import HistorySource
from local_dev.runtime.platform import Platform
from local_dev.runtime.state_machine import Does, Ended, StateMachine, TaskFailed
from shared.errors import LeaseLost

JOB_SECONDS = 1_800.0
JOB_MB = 4_096
UNMETERED = "1000000"
"""Calls a minute that a server on this machine is asked at most."""
FETCH, LOAD, JOBS = "batch_layer.nightly.outside", "batch_layer.nightly.inside", "batch_layer.nightly"


class Nightly:
    """A context manager: its processes live as long as the block. `source` None: there is no vendor to ask."""

    def __init__(self, platform: Platform, source: HistorySource | None) -> None:
        self._platform, self._source = platform, source
        self._stack = ExitStack()
        self._fetch, self._load = (platform.deployment.function_of(module) for module in (FETCH, LOAD))
        self._container = platform.deployment.container_of(JOBS)

    def __enter__(self) -> "Nightly":
        """Raises FunctionStartError."""
        pool = self._stack.enter_context(FunctionPool(self._platform.state.logs))
        job = FunctionSpec(
            "nightly-job",
            "local_dev.runtime.job_handler.handler",
            environment=self._platform.environment_of(self._container.environment),
            timeout_seconds=JOB_SECONDS,
            memory_mb=JOB_MB,
        )
        fetch, load = self._platform.spec_of(self._fetch, self._vendor()), self._platform.spec_of(self._load)
        pool.start([fetch, load, job])
        does: Mapping[str, Does] = {
            "nightly-fetch": _calls(pool[self._fetch.name]),
            "nightly-load": _calls(pool[self._load.name]),
            "nightly-job": _runs(pool[job.name]),
            "nightly-api": self._ask,
        }
        self._machine = self._stack.enter_context(StateMachine(self._platform.endpoints["AWS emulator"], does))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, day: date, stop: Callable[[], bool] = lambda: False) -> Ended:
        """One trade date, from fetching to settling. A run that was stopped gives the date back."""
        ended = self._machine.run({"day": day.isoformat()}, stop)
        if ended.status == "ABORTED":
            with suppress(LeaseLost):  # it had not taken it
                self._platform.runs.fail(day, ended.arn, {"Error": ended.error, "Cause": ended.cause})
        return ended

    def _vendor(self) -> dict[str, str]:
        if self._source is None:
            return {"REST_URL": ""}
        metered = {} if self._source.metered else {"CALLS_A_MINUTE": UNMETERED}
        return {"REST_URL": self._source.base, "POLYGON_API_KEY": self._source.key, **metered}

    def _ask(self, event: dict[str, Any]) -> Any:
        """The API, where it is being served."""
        api = self._platform.deployment.function_of("serving_layer.api.handler")
        result = self._platform.invoke(api.name, event)
        return None if result is None else _outcome(result)


def _calls(function: LocalFunction) -> Does:
    return lambda given: _outcome(function.invoke(given))


def _runs(job: LocalFunction) -> Does:
    def run(given: dict[str, Any]) -> None:
        if _outcome(job.invoke(given["ContainerOverrides"])) != 0:
            raise TaskFailed("States.TaskFailed", "\n".join(job.log.read_text(errors="replace").splitlines()[-20:]))

    return run


def _outcome(result: InvocationResult) -> Any:
    if result.error is not None:
        raise TaskFailed(result.error.type, result.error.message)
    return result.json()
