"""Child processes that end with us: one log file each, stopped in reverse order of starting, restarted where asked.

All are started by one thread that lives as long as we do: Linux counts the death of the *thread* that forked as the
death of the parent, so a child started from a worker thread would be killed when that thread is done.
"""

import atexit
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
POLL_SECONDS = 0.05
STOP_SECONDS = 10.0
CRASH_SECONDS = 2.0  # an exit sooner than this after the start, with an error, counts as a failed start
CRASHES_ALLOWED = 5  # failed starts in a row before a child is given up


@dataclass(frozen=True)
class Command:
    """What to run. `respawn`: start again whenever it ends otherwise than with exit code 0; `endless`: then as well."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    respawn: bool = False
    endless: bool = False


@dataclass
class Child:
    """A started command. `starts` counts processes so far; `down` says that it has ended and stays so."""

    command: Command
    log: Path
    process: "subprocess.Popen[bytes]"
    starts: int = 1
    down: bool = False
    stopping: bool = False
    crashes: int = 0
    started_at: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def returncode(self) -> int | None:
        return self.process.poll()

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for an error message; a log may hold earlier runs too."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Supervisor:
    """Starts, watches and stops the children of this process. Safe to call from any thread."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._children: list[Child] = []
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._deciding = threading.Lock()  # between a restart and a stop
        threading.Thread(target=self._run, name="supervisor", daemon=True).start()
        atexit.register(self.stop)

    @property
    def children(self) -> tuple[Child, ...]:
        return tuple(self._children)

    def start(self, command: Command) -> Child:
        """Raises OSError if the guard cannot be started; a command that is missing shows in the child's log."""
        answer: Future[Child] = Future()

        def order() -> None:
            try:
                child = Child(command, self._logs / f"{command.name}.log", self._spawn(command))
                self._children.append(child)
            except BaseException as error:  # noqa: BLE001  (handed to the caller, whatever it is)
                answer.set_exception(error)
            else:
                answer.set_result(child)

        self._orders.put(order)
        return answer.result(timeout=30)

    def run(self, command: Command, seconds: float) -> Child:
        """Start it and wait for its end. Raises TimeoutError, having stopped it."""
        child = self.start(command)
        try:
            child.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            self.stop_child(child, 1)
            raise TimeoutError(f"{command.name} took longer than {seconds:.0f} s") from error
        return child

    def stop_child(self, child: Child, seconds: float = STOP_SECONDS) -> int | None:
        """SIGTERM to its group, SIGKILL to what is left after `seconds`. Returns the exit code."""
        with self._deciding:
            child.stopping = True
        if not child.down:
            child.down = True
            _signal_group(child.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(seconds)
            _signal_group(child.pid, signal.SIGKILL)  # its own children too, and itself if it did not listen
        return child.process.wait(seconds)

    def stop(self) -> None:
        """Stop all, the last started first; calling it again does nothing."""
        atexit.unregister(self.stop)
        with self._deciding:
            for child in self._children:
                child.stopping = True
        for child in reversed(self._children):
            self.stop_child(child)
        self._closed.set()

    def _spawn(self, command: Command) -> "subprocess.Popen[bytes]":
        with (self._logs / f"{command.name}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603  (no shell; every argv is ours)
                [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *command.argv],
                env=dict(command.env),
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # the terminal's Ctrl-C is for us alone: we stop the children in order
            )

    def _run(self) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Empty):
                self._orders.get(timeout=POLL_SECONDS)()
            with self._deciding:
                for child in self._children:
                    if not (child.stopping or child.down or child.alive):
                        self._ended(child)

    def _ended(self, child: Child) -> None:
        code = child.process.returncode
        quick = time.monotonic() - child.started_at < CRASH_SECONDS
        child.crashes = child.crashes + 1 if code > 0 and quick else 0  # killed from outside is no failed start
        _signal_group(child.pid, signal.SIGKILL)  # what it started itself must not stay behind
        done = code == 0 and not child.command.endless
        if not child.command.respawn or done or child.crashes >= CRASHES_ALLOWED:
            child.down = True
            return
        child.process, child.started_at = self._spawn(child.command), time.monotonic()
        child.starts += 1


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone already
        os.killpg(pid, number)
