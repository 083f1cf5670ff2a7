"""The platform's functions as AWS runs them: real runtime processes, invoked one event at a time each."""

import json
import subprocess
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from local_dev.runtime.invocation import (
    PAYLOAD_LIMIT_BYTES,
    FunctionSpec,
    InvocationError,
    InvocationResult,
    failed,
)
from local_dev.runtime.worker import Worker, spawn

__all__ = ["FunctionPool", "FunctionSpec", "FunctionStartError", "InvocationError", "InvocationResult", "LocalFunction"]

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_KEEPER_SECONDS = 0.1


class FunctionStartError(Exception):
    """A function could not load its handler; the message names function, error type and log file."""


class _Spawner:
    """Starts every process from one thread that lives as long as the pool.

    The kernel ties a child's death signal to the *thread* that started it, so a child started by a passing thread
    would be killed when that thread ends.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="function-spawner")

    def __call__(
        self, command: list[str], environment: dict[str, str], root: Path, log: IO[bytes]
    ) -> "subprocess.Popen[bytes]":
        return self._thread.submit(spawn, command, environment, root, log).result(timeout=30)

    def close(self) -> None:
        self._thread.shutdown()


class LocalFunction:
    """One function: `spec.workers` processes, any number of callers. Every method is thread-safe."""

    def __init__(self, spec: FunctionSpec, *, root: Path, log: Path, spawner: _Spawner) -> None:
        self.spec, self.log = spec, log
        self._workers = [Worker(spec, root, log, spawner) for _ in range(spec.workers)]
        self.failure: FunctionStartError | None = None
        """Why the handler cannot be loaded."""
        self._idle: list[Worker] = []
        self._changed = threading.Condition()
        self._started = self._loaded = self._stopping = False
        self._keeper = threading.Thread(target=self._keep, name=f"keeper-{spec.name}", daemon=True)

    @property
    def pids(self) -> list[int]:
        """Processes running now; one that was killed is replaced within about 0.2 s plus its start."""
        return [pid for worker in self._workers if (pid := worker.pid) is not None]

    def start(self) -> None:
        """Start the first process; the others follow once it has loaded its handler. Events wait for that."""
        self._workers[0].start()
        self._started = True
        self._keeper.start()

    def wait_ready(self) -> None:
        """Raises FunctionStartError when the handler cannot be loaded."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._loaded or self._stopping, 60.0):
                raise FunctionStartError(f"{self.spec.name}: still loading after 60 s")
        if self.failure is not None:
            raise self.failure

    def invoke(self, event: bytes | Mapping[str, Any], *, wait_seconds: float = 60.0) -> InvocationResult:
        """Run the handler on `event` (JSON when bytes) and return its answer; never raises for what the function does.

        When every worker stays busy for `wait_seconds`, or the function is stopping, the result is not `reached`.
        """
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        if len(body) > PAYLOAD_LIMIT_BYTES:
            message = f"{len(body)} byte payload is too large (limit {PAYLOAD_LIMIT_BYTES} bytes)"
            return failed(InvocationError("RequestTooLargeException", message))
        worker = self._borrow(wait_seconds)
        if worker is None:
            return failed(InvocationError("TooManyRequestsException", "Rate Exceeded."), reached=False)
        try:
            return worker.invoke(body)
        finally:
            self._give_back(worker)

    def stop(self, grace_seconds: float = 5.0) -> None:
        """Take no more events, let those in progress end within the grace, leave no process. May be called twice."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        with self._changed:
            self._changed.wait_for(self._all_idle, grace_seconds)
        for worker in self._workers:
            worker.close()
        with self._changed:
            self._changed.wait_for(self._all_idle, 5.0)
        for worker in self._workers:
            worker.stop()
        if self._keeper.is_alive():
            self._keeper.join(5.0)

    def _all_idle(self) -> bool:
        return len(self._idle) == (len(self._workers) if self._started else 0)

    def _borrow(self, seconds: float) -> Worker | None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._stopping or bool(self._idle), seconds) or self._stopping:
                return None
            running = (worker for worker in reversed(self._idle) if worker.pid is not None)
            worker = next(running, self._idle[-1])
            self._idle.remove(worker)
            return worker

    def _give_back(self, worker: Worker) -> None:
        with self._changed:
            self._idle.append(worker)
            self._changed.notify_all()

    def _keep(self) -> None:
        """Start processes that do not run yet, or were killed while nobody used them. One that cannot load waits to be
        asked."""
        self._load()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping, _KEEPER_SECONDS)
                if self._stopping:
                    return
                dead = next((worker for worker in self._idle if worker.wants_start), None)
                if dead is None:
                    continue
                self._idle.remove(dead)
            try:
                dead.wait_ready()
            finally:
                self._give_back(dead)

    def _load(self) -> None:
        error = self._workers[0].wait_ready()
        if error is not None:
            self.failure = FunctionStartError(f"{self.spec.name}: {error.type}: {error.message} (log: {self.log})")
        with self._changed:
            self._idle, self._loaded = list(self._workers), True
            self._changed.notify_all()


class FunctionPool:
    """All functions of the platform by name. Use as a context manager, or call `stop`."""

    def __init__(self, logs: Path, *, root: Path = PROJECT_ROOT) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs, self._root = logs, root
        self._spawner = _Spawner()
        self._functions: dict[str, LocalFunction] = {}

    def start(self, specs: Iterable[FunctionSpec]) -> None:
        """Start all, then wait for all: they load side by side. Raises FunctionStartError; what started is stopped."""
        try:
            for function in self.launch(specs):
                function.wait_ready()
        except BaseException:
            self.stop()
            raise

    def launch(self, specs: Iterable[FunctionSpec]) -> list[LocalFunction]:
        """Start all; they may be invoked at once, and load meanwhile."""
        return [self._launch(spec) for spec in specs]

    def _launch(self, spec: FunctionSpec) -> LocalFunction:
        log = self._logs / f"{spec.name}.log"
        function = LocalFunction(spec, root=self._root, log=log, spawner=self._spawner)
        self._functions[spec.name] = function
        function.start()
        return function

    def __getitem__(self, name: str) -> LocalFunction:
        """By name or ARN (a qualifier after the name is ignored). Raises KeyError."""
        parts = name.split(":")
        return self._functions[parts[6] if name.startswith("arn:") else parts[0]]

    def invoke(self, name: str, event: bytes | Mapping[str, Any]) -> InvocationResult:
        return self[name].invoke(event)

    @property
    def pids(self) -> dict[str, list[int]]:
        return {name: function.pids for name, function in self._functions.items()}

    def stop(self) -> None:
        for function in self._functions.values():
            function.stop()
        self._spawner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
