"""Threads for calls that may hang: nobody else's calls wait for them, and neither does the process when it ends."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class HangingThreads(Executor):
    """At most `most` calls at a time; others wait for their turn, and those that are cancelled meanwhile are left out.

    A pool of the standard library is waited for when the interpreter ends, whatever hangs in it.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._started = 0
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """From one thread only. The call's result or its error, whatever it is."""
        future: Future[R] = Future()
        self._calls.put((future, lambda: fn(*args, **kwargs)))
        if self._started < self._most:
            self._started += 1
            threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            future, call = self._calls.get()
            if future.set_running_or_notify_cancel():
                try:
                    result = call()
                except BaseException as error:  # noqa: BLE001 -- whoever waits for it is to see it
                    future.set_exception(error)
                else:
                    future.set_result(result)
            del future, call  # a page of trades is not kept until the next call
