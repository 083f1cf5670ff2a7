"""What the simulated market did before its feed began: which minutes to load, and the processes that load them.

The market never stops, a machine does. What was loaded is remembered by its span, because the same span is always
given the same minutes: after an unclean stop, which leaves the raw log alone, it is loaded once more. The last
sessions are there before the feed begins; older ones follow while it runs.
"""

import subprocess
import sys
import time
from datetime import timedelta
from typing import NamedTuple

import msgspec

from local_dev.runtime.environment import process
from local_dev.runtime.load_past import Done, Task
from local_dev.runtime.platform import Platform, PlatformFailed
from local_dev.runtime.processes import Child, Command
from local_dev.runtime.sources import Simulated
from local_dev.runtime.state import Spans
from local_dev.runtime.synth import ROOT
from local_dev.simulator.history import history_start
from shared.bars.windows import MINUTE_MS, new_york_date, new_york_midnight_ms
from speed_layer.ingest.recovery import LIVE_REACH

LOAD_SECONDS = 300.0
RECENT_SESSIONS = 2
"""Whole sessions that are loaded first, before the one that goes on: enough for the strategies of minutes."""
REACH_MS = int(LIVE_REACH.total_seconds() * 1000)
"""A hole up to this long is filled by the ingester, trade by trade."""


class Plan(NamedTuple):
    """`first`: spans (since, until; Unix ms) to load before the feed begins, `older`: afterwards. `known`: all that was
    ever loaded, `first` included."""

    first: Spans
    older: Spans
    known: Spans


def plan(known: Spans, promise_ms: int, now_ms: int, *, kept: bool, live: bool) -> Plan:
    """`promise_ms`: up to where the stream vouches for the feed, 0 = it never ran. `kept`: what was loaded is there.
    `live`: the feed went on while we were away; another one goes on from where it was."""
    end = now_ms - now_ms % MINUTE_MS
    new: Spans = ()
    if not known:
        new = ((new_york_midnight_ms(new_york_date(end) - timedelta(days=RECENT_SESSIONS)), end),)
    elif live:
        since = max(known[-1][1], promise_ms - promise_ms % MINUTE_MS)
        new = ((since, end),) if end - since > REACH_MS else ()
    known_then = known + new
    begins, ends = known_then[0]
    start = history_start(ends)
    return Plan(new if kept else known_then, ((start, begins),) if start < begins else (), known_then)


class Past:
    """Belongs to one platform, whose supervisor stops what loads."""

    def __init__(self, platform: Platform, source: Simulated, symbols: str) -> None:
        """`symbols`: `*` or a comma list, those of the feed."""
        self._platform, self._source = platform, source
        self._symbols = () if symbols == "*" else tuple(symbols.split(","))
        self._began = time.monotonic()
        self._plan = Plan((), (), ())
        self._first: Child | None = None
        self._older: Child | None = None

    def begin(self, promise_ms: int) -> None:
        """Start to load what must be there before the feed begins."""
        record, now_ms = self._platform.state.record, int(time.time() * 1000)
        self._plan = plan(record.past, promise_ms, now_ms, kept=record.past_kept, live=self._source.live)
        first, _, known = self._plan
        if first:
            judged = known[-1][1] if record.past_kept else max(known[-1][1], promise_ms)
            grows = known[-1][1] == now_ms - now_ms % MINUTE_MS
            self._first = self._start("past", Task(first, judged, self._source.seed, grows, self._symbols))

    def finish(self) -> str:
        """Wait for it, and begin with the rest; what was done, as a line for people. Raises PlatformFailed."""
        said, known = "history is there", self._plan.known
        if self._first is not None:
            done = _done(self._first, LOAD_SECONDS)
            self._platform.state.remember(past=(*known[:-1], (known[-1][0], done.until)), past_kept=True)
            what = f"{done.symbols} symbols, {done.sessions} sessions, {done.signals} signals"
            said = f"history ready in {time.monotonic() - self._began:.1f} s ({what})"
        if self._plan.older:
            self._older = self._start("older-past", Task(self._plan.older, 0, self._source.seed, grows=False))
            said += "; older sessions follow"
        return said

    def check(self) -> None:
        """Note that the older sessions are there once they are. Raises PlatformFailed when they could not be loaded."""
        if self._older is None or not self._older.down:
            return
        child, self._older = self._older, None
        done, (begun, *rest) = _done(child, 0), self._platform.state.record.past
        self._platform.state.remember(past=((done.since, begun[1]), *rest))

    def _start(self, name: str, task: Task) -> Child:
        signals = self._platform.deployment.function_of("speed_layer.signals.handler")
        given = {"TASK": msgspec.json.encode(task).decode()}
        environment = process(self._platform.environment_of(signals.environment) | given)
        argv = (sys.executable, "-m", "local_dev.runtime.load_past")
        return self._platform.supervisor.start(Command(name, argv, environment, cwd=ROOT))


def _done(child: Child, seconds: float) -> Done:
    """What a process that loads has done, which must have ended within so many seconds."""
    try:
        code = child.process.wait(seconds)
    except subprocess.TimeoutExpired as error:
        raise PlatformFailed(f"the history was not loaded within {seconds:.0f} s; see {child.log}") from error
    if code != 0:
        raise PlatformFailed(f"the history could not be loaded; {child.log} ends:\n{child.last_words()}")
    return msgspec.json.decode(child.last_words(1), type=Done)
