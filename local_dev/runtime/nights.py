"""The nightly of each trade date, run when the feed's own clock has come past it, one date at a time."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from batch_layer.nightly.whole import LogNotWhole, check_whole
from batch_layer.reconcile.kept import report_key
from local_dev.runtime.functions import FunctionStartError
from local_dev.runtime.nightly import Nightly
from local_dev.runtime.opening import promise_ms
from local_dev.runtime.platform import Platform
from shared.errors import CondvestError
from shared.stores.lake import RAW
from shared.stores.runs import FINISHED

REPORTS = "reports"
"""Folder of the state with a page for each date."""
LOOK_S = 5.0
"""Between two looks for dates that are over."""
KEPT_S = 60.0
"""How long the nightly's processes wait for another date."""


class Run(NamedTuple):
    """What became of a date: `trouble` is why it could not be done, `unsettled` why it stays provisional. `report`: the
    reconciliation's page, None where there is none."""

    day: date
    seconds: float
    trouble: str = ""
    unsettled: str = ""
    minutes: int = 0
    report: Path | None = None

    @property
    def line(self) -> str:
        if self.trouble:
            return f"{self.day}: {self.trouble}"
        done = f"not settled: {self.unsettled}" if self.unsettled else f"settled, {self.minutes:,} minutes"
        return f"{self.day}: {done}, in {self.seconds:.1f} s" + (f"; {self.report}" if self.report else "")


class Nights:
    """`open_nightly` makes the context in which dates are run; `say` gets a line for each."""

    def __init__(self, platform: Platform, open_nightly: Callable[[], Nightly], say: Callable[[str], None]) -> None:
        self._platform, self._open, self._say = platform, open_nightly, say
        self._objects_at_run: dict[date, int] = {}
        self._known = False
        self._thread: threading.Thread | None = None
        self._opened, self._used_at = ExitStack(), 0.0
        self._nightly: Nightly | None = None
        self._stopping = threading.Event()
        self._look_at = 0.0

    def look(self) -> None:
        """Begin with what is due by the feed's clock, unless something is being done. Raises StoreUnavailable."""
        if (self._thread is not None and self._thread.is_alive()) or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_S
        if due := [day for day in self._over() if day not in self._objects_at_run and self._is_whole(day)]:
            self._thread = threading.Thread(target=self._run, args=(due,), name="nights")
            self._thread.start()
        elif self._nightly is not None and time.monotonic() > self._used_at + KEPT_S:
            self._close()

    def finish(self) -> None:
        """Once the feed has ended: what is left, and the dates whose trades came later than their nightly."""
        self.wait()
        left = [day for day in self._over() if self._objects_at_run.get(day) != self._objects(day)]
        if left:
            self._run(left)
        self._close()

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """Give up what is being done; another start does it again."""
        self._stopping.set()
        self.wait()
        self._close()

    def _over(self) -> list[date]:
        """Trade dates in the raw log that are over; what an earlier start has finished counts as run."""
        sessions = self._platform.sessions
        days = [session for day in self._platform.lake.dates() if (session := sessions.day(day))]
        promise = promise_ms(self._platform)
        over = [session.date for session in days if session.extended_close <= promise]
        if not self._known and over:
            finished = [run.day for run in self._platform.runs.runs(over[0], over[-1]) if run.state == FINISHED]
            self._objects_at_run = {day: self._objects(day) for day in finished}
            self._known = True
        return over

    def _is_whole(self, day: date) -> bool:
        """Whether the archive has come past the date as well."""
        session = self._platform.sessions.day(day)
        try:
            if session is not None:
                check_whole(self._platform.lake, self._platform.objects, session)
        except LogNotWhole:
            return False
        return True

    def _objects(self, day: date) -> int:
        return sum(1 for _ in self._platform.lake.keys(f"{RAW}/date={day}/"))

    def _run(self, days: list[date]) -> None:
        try:
            for day in days:
                if self._stopping.is_set():
                    return
                if self._nightly is None:
                    self._nightly = self._opened.enter_context(self._open())
                self._objects_at_run[day] = self._objects(day)
                self._say(run_one(self._platform, self._nightly, day, self._stopping.is_set).line)
                self._used_at = time.monotonic()
        except (CondvestError, FunctionStartError, BotoCoreError, ClientError, OSError, LookupError) as error:
            self._say(f"the night of a trade date could not be run: {error}")

    def _close(self) -> None:
        self._opened.close()
        self._nightly = None


def run_one(platform: Platform, nightly: Nightly, day: date, stop: Callable[[], bool] = lambda: False) -> Run:
    """One date, to its end; its report is put beside the state for people."""
    began = time.monotonic()
    ended = nightly.run(day, stop)
    seconds = time.monotonic() - began
    if not ended.succeeded:
        return Run(day, seconds, trouble=f"{ended.error or ended.status}: {ended.cause}")
    if not ended.output["session"]["run"]:
        return Run(day, seconds, trouble=str(ended.output["session"]["why"]))
    counts = ended.output["settle"]["counts"]
    return Run(day, seconds, "", counts.get("why", ""), counts.get("rows", 0), _report(platform, day))


def _report(platform: Platform, day: date) -> Path | None:
    page = platform.objects.get(report_key(day, "html"))
    if page is None:
        return None
    folder = platform.state.path / REPORTS
    folder.mkdir(exist_ok=True)
    path = folder / f"{day}.html"
    path.write_bytes(page.data)
    return path
