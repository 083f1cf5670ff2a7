"""An event loop whose time jumps to the next thing due: an hour of waiting takes a moment, in the order of real time.

Calls to threads are made in place, so that time stands still while they run.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

import pytest

P = ParamSpec("P")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")
START_S = 1_000.0
LONGEST_S = 12 * 3_600
"""Virtual time in which every test has long ended: a loop that only ticks would go on for ever."""


class _Jumping(selectors.DefaultSelector):
    """Never waits: moves its clock instead."""

    now = START_S

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("every task waits for something that will never come")
            if timeout > 0 and self.now > START_S + LONGEST_S:
                raise RuntimeError("what is waited for did not come within hours")
            self.now += max(timeout, 0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` starts at START_S; nothing waits in real time."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], R], *args: *Ts) -> asyncio.Future[R]:
        return self.create_task(in_place(func, *args))


class LoopTime:
    """Stands for the module `time` in code under test: both clocks are the running loop's."""

    monotonic = staticmethod(lambda: asyncio.get_running_loop().time())
    time = staticmethod(lambda: asyncio.get_running_loop().time())


async def in_place(call: Callable[P, R], *arguments: P.args, **keywords: P.kwargs) -> R:
    """`asyncio.to_thread`, without the thread; others get their turn before and after, as there."""
    await asyncio.sleep(0)
    result = call(*arguments, **keywords)
    await asyncio.sleep(0)
    return result


def run(main: Coroutine[Any, Any, R]) -> R:
    """Run to the end in virtual time."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        patch.setattr(asyncio, "to_thread", in_place)
        return runner.run(main)
