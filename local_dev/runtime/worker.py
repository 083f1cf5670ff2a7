"""One process of a function: started, asked, timed, killed and started again."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

from local_dev.runtime.invocation import FunctionSpec, InvocationError, InvocationResult, failed
from local_dev.runtime.runtime_api import DeadlineExceeded, InitFailed, Invocation, ProcessLost, RuntimeApi

GUARD = Path(__file__).with_name("guard.py")
INIT_SECONDS = 30.0
"""For loading the handler. Lambda gives 10 s; a machine that runs the whole platform gets more."""

Spawn = Callable[[list[str], dict[str, str], Path, IO[bytes]], "subprocess.Popen[bytes]"]


def spawn(command: list[str], environment: dict[str, str], root: Path, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    """In a session of its own: a Ctrl-C in the terminal is ours to answer, and a kill takes its children along."""
    return subprocess.Popen(  # noqa: S603  # our own interpreter, our own module
        command, env=environment, cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )


def lambda_environment(spec: FunctionSpec, root: Path, address: str) -> dict[str, str]:
    """What Lambda sets, then the function's own; nothing of ours leaks in, credentials and profiles least of all."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": str(root),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # memory that threads have freed is for the others too
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": spec.environment.get("AWS_REGION", "us-east-1"),
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(root),
        "_HANDLER": spec.handler,
        **spec.environment,
        "AWS_LAMBDA_RUNTIME_API": address,
    }


class Worker:
    """Not thread-safe: whoever borrows it from its function has it alone. `pid` alone may be read by anybody."""

    def __init__(self, spec: FunctionSpec, root: Path, log: Path, spawn: Spawn) -> None:
        self._spec, self._root, self._log, self._spawn = spec, root, log, spawn
        self._process: subprocess.Popen[bytes] | None = None
        self._api: RuntimeApi | None = None
        self._cannot_load = False
        self._closed = False

    @property
    def pid(self) -> int | None:
        """None when no process runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def wants_start(self) -> bool:
        """It has died (or was killed) and is worth starting before anybody asks; not so if its handler cannot load."""
        return self.pid is None and not self._cannot_load and not self._closed

    def start(self) -> None:
        """Start a process, in place of a dead one; it loads its handler meanwhile."""
        self.stop()
        self._api = RuntimeApi(lambda: self.pid is not None)
        environment = lambda_environment(self._spec, self._root, self._api.address)
        guard = [sys.executable, "-I", "-S", str(GUARD), str(os.getpid())]
        command = [*guard, sys.executable, "-m", "awslambdaric", self._spec.handler]
        with self._log.open("ab") as log:
            self._process = self._spawn(command, environment, self._root, log)

    def wait_ready(self) -> InvocationError | None:
        """Start if need be and wait for the handler to be loaded; what went wrong, or None.

        A process that died, idle or while loading, is replaced once: nothing was handed to it yet.
        """
        error = self._try_ready()
        if isinstance(error, ProcessLost):
            error = self._try_ready()
        if isinstance(error, ProcessLost):
            error = self._exit_error()
        self._cannot_load = error is not None
        return error

    def _try_ready(self) -> InvocationError | ProcessLost | None:
        if self._closed:
            return InvocationError("Runtime.ExitError", "Error: The function is being stopped")
        if self.pid is None or self._api is None:
            self.start()
        try:
            self._running_api().wait_ready(INIT_SECONDS)
        except InitFailed as failure:
            self.stop()
            return failure.error
        except DeadlineExceeded:
            self.stop()
            return InvocationError("Sandbox.Timedout", f"Error: Init timed out after {INIT_SECONDS:.2f} seconds")
        except ProcessLost as lost:
            return lost
        return None

    def invoke(self, event: bytes) -> InvocationResult:
        request_id = str(uuid.uuid4())
        if (init_error := self.wait_ready()) is not None:
            return self._failed(init_error, request_id)
        timeout = self._spec.timeout_seconds
        invocation = Invocation(
            request_id,
            self._spec.function_arn,
            deadline_ms=int((time.time() + timeout) * 1000),
            trace_id=f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0",
        )
        try:
            outcome = self._running_api().exchange(invocation, event, timeout)
        except DeadlineExceeded:
            self.stop()
            message = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
            return self._failed(InvocationError("Sandbox.Timedout", message), request_id)
        except (ProcessLost, InitFailed):
            return self._failed(self._exit_error(request_id), request_id)
        if isinstance(outcome, InvocationError):
            return failed(outcome, request_id)
        return InvocationResult(request_id, outcome)

    def close(self) -> None:
        """From any thread: end the process at once and start no other; whoever has the worker sees it die."""
        self._closed = True
        process = self._process
        if process is not None and process.poll() is None:
            _kill_group(process.pid)

    def stop(self) -> None:
        """End the process and whatever it started, at once, as Lambda ends a sandbox."""
        if self._process is not None:
            _kill_group(self._process.pid)
            self._process.wait()
            self._process = None
        if self._api is not None:
            self._api.close()
            self._api = None

    def _running_api(self) -> RuntimeApi:
        if self._api is None:
            raise ProcessLost("never started")
        return self._api

    def _exit_error(self, request_id: str = "") -> InvocationError:
        """In the words Lambda uses for a runtime that ended by itself."""
        process = self._process
        code = None
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(1)
        self.stop()
        how = "without providing a reason"
        if code is not None and code < 0:
            how = f"with error: signal: {signal.strsignal(-code) or -code}".lower()
        elif code:
            how = f"with error: exit status {code}"
        return InvocationError("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited {how}")

    def _failed(self, error: InvocationError, request_id: str) -> InvocationResult:
        with self._log.open("a") as log:
            log.write(f"[ERROR] {error.type}: {error.message}\n")
        return failed(error, request_id)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # the group has emptied meanwhile
        os.killpg(pid, signal.SIGKILL)
