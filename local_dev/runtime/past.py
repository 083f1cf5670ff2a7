"""What the simulated market did before its feed began: which minutes to load, and the processes that load them.

The market never stops, a machine does. What was loaded is remembered by its span, because the same span is always
given the same minutes: after an unclean stop, which leaves the raw log alone, it is loaded once more. The last
sessions are there before the feed begins; older ones follow while it runs, and the feed goes on if they fail to.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import msgspec

from local_dev.runtime.environment import process
from local_dev.runtime.past_task import DAY_MS, Done, Task
from local_dev.runtime.platform import Platform, PlatformFailed
from local_dev.runtime.processes import Child, Command
from local_dev.runtime.sources import Simulated, streamed
from local_dev.runtime.state import Spans
from local_dev.runtime.synth import ROOT
from local_dev.simulator.reach import history_start
from shared.bars.windows import MINUTE_MS, new_york_date, new_york_midnight_ms
from speed_layer.ingest.recovery import LIVE_REACH

LOAD_SECONDS = 300.0
RECENT_SESSIONS = 2
"""Whole sessions that are loaded first, before the one that goes on: enough for the strategies of minutes."""
LONGEST_JUDGED_MS = 3 * DAY_MS
REACH_MS = int(LIVE_REACH.total_seconds() * 1000)
"""A hole up to this long is filled by the ingester, trade by trade."""


class Plan(NamedTuple):
    """`first`: spans (since, until; Unix ms) to load before the feed begins, `older`: afterwards. `known`: all that is
    there once `first` is."""

    first: Spans
    older: Spans
    known: Spans


def plan(known: Spans, promise_ms: int, now_ms: int, *, kept: bool, live: bool) -> Plan:
    """`promise_ms`: up to where the stream vouches for the feed, 0 = it never ran. `kept`: what was loaded is there.
    `live`: the feed went on while we were away; another one goes on from where it was."""
    end = now_ms - now_ms % MINUTE_MS
    new: Spans = ()
    if not known:
        new = ((_recent_start(end), end),)
    elif live:
        since = max(known[-1][1], promise_ms - promise_ms % MINUTE_MS)
        new = ((since, end),) if end - since > REACH_MS else ()
    wanted = known + new
    begins, ends = wanted[0]
    start = history_start(ends)
    older = ((start, begins),) if start < begins else ()
    if kept:
        return Plan(new, older, wanted)
    cut = _recent_start(wanted[-1][1])
    recent = tuple((max(since, cut), until) for since, until in wanted if until > cut)
    before = tuple((since, min(until, cut)) for since, until in wanted if since < cut)
    return Plan(recent, _joined(older + before), recent)


def _recent_start(end_ms: int) -> int:
    """New York midnight so many sessions before the one that holds `end_ms`."""
    return new_york_midnight_ms(new_york_date(end_ms) - timedelta(days=RECENT_SESSIONS))


def _joined(spans: Spans) -> Spans:
    """Spans in order of time, those that touch as one."""
    joined: list[tuple[int, int]] = []
    for since, until in spans:
        begins = joined.pop()[0] if joined and joined[-1][1] == since else since
        joined.append((begins, until))
    return tuple(joined)


def judged(first: Spans, promise_ms: int, *, kept: bool) -> tuple[int, int]:
    """The span (Unix ms) whose signals are looked for once `first` is there. After an unclean stop they are all gone,
    those of the feed too: they come back as far as minutes were loaded at once, and at most of three days."""
    if kept:
        return max(first[-1][0], first[-1][1] - DAY_MS), first[-1][1]
    until = max(first[-1][1], promise_ms)
    return max(first[0][0], until - LONGEST_JUDGED_MS), until


class _Following(NamedTuple):
    """A process that loads while the feed runs: what is said if it fails, and the spans that it has loaded if not."""

    child: Child
    trouble: str
    loaded: Spans


class Past:
    """Belongs to one platform, whose supervisor stops what loads."""

    def __init__(self, platform: Platform, source: Simulated, symbols: str, say: Callable[[str], None]) -> None:
        """`symbols`: `*` or a comma list, those of the feed. `say` takes a line for people."""
        self._platform, self._source, self._say = platform, source, say
        self._symbols = () if symbols == "*" else tuple(symbols.split(","))
        self._began = time.monotonic()
        self._plan = Plan((), (), ())
        self._before: Spans = ()
        self._grows = False
        self._first: Child | None = None
        self._following: list[_Following] = []

    def begin(self, promise_ms: int) -> None:
        """Start to load what must be there before the feed begins."""
        record, now_ms = self._platform.state.record, _now_ms()
        self._before = record.past
        self._plan = plan(record.past, promise_ms, now_ms, kept=record.past_kept, live=self._source.live)
        if first := self._plan.first:
            self._grows = first[-1][1] == now_ms - now_ms % MINUTE_MS
            span = judged(first, promise_ms, kept=record.past_kept)
            self._first = self._start("past", Task(first, span, self._source.seed, self._grows, self._symbols))

    def told(self) -> tuple[str, ...]:
        """Options of the simulator, once the loading has begun."""
        known = self._plan.known[-1:]
        hole = known if self._before and known and known[0][1] > self._before[-1][1] else ()
        return streamed(self._before, hole)

    def finish(self) -> None:
        """Wait for it, begin with the rest, and say what was done. Raises PlatformFailed."""
        said, known = "history is there", self._plan.known
        if self._first is not None:
            done = _done(self._first, LOAD_SECONDS)
            self._platform.state.remember(past=(*known[:-1], (known[-1][0], done.until)), past_kept=True)
            what = f"{done.symbols} symbols, {done.sessions} sessions, {done.signals} signals"
            said = f"history ready in {time.monotonic() - self._began:.1f} s ({what})"
        if older := self._plan.older:
            task = Task(older, None, self._source.seed, grows=False, awaited=False)
            child = self._start("older-past", task)
            trouble = "older sessions could not be loaded; the next start loads them"
            self._following.append(_Following(child, trouble, older))
            said += "; older sessions follow"
        self._say(said)

    def catch_up(self) -> None:
        """Just before a new feed begins: load the minutes that have ended since `finish`. Raises PlatformFailed.

        The simulator sends from the second in which the ingester subscribes, and an ingester that never ran asks for
        nothing older: only the minute in which it is started stays incomplete, and what of the next it takes to start.
        (To serve the hole by REST and let the ingester fetch it would need a promise that nobody has made yet.) Signals
        of these minutes take longer to find, so they follow.
        """
        since, until = self._platform.state.record.past[-1][1], _now_ms() // MINUTE_MS * MINUTE_MS
        if not self._grows or since >= until:
            return
        seed = self._source.seed
        done = _done(self._start("past", Task(((since, until),), None, seed, grows=True)), LOAD_SECONDS)
        span = since, done.until
        self._remember((span,))
        task = Task((span,), span, seed, grows=False, symbols=self._symbols, awaited=False)
        trouble = "signals of the last minutes before the feed could not be found"
        self._following.append(_Following(self._start("past-signals", task), trouble, ()))

    def check(self) -> None:
        """Note what has followed; the feed goes on without what failed to."""
        for following in [one for one in self._following if one.child.down]:
            self._following.remove(following)
            if following.child.returncode == 0:
                self._remember(following.loaded)
            else:
                self._say(f"{following.trouble} (see {following.child.log})")

    def _remember(self, loaded: Spans) -> None:
        self._platform.state.remember(past=_joined(tuple(sorted(self._platform.state.record.past + loaded))))

    def _start(self, name: str, task: Task) -> Child:
        signals = self._platform.deployment.function_of("speed_layer.signals.handler")
        given = {"TASK": msgspec.json.encode(task).decode()}
        environment = process(self._platform.environment_of(signals.environment) | given)
        argv = (sys.executable, "-m", "local_dev.runtime.load_past")
        return self._platform.supervisor.start(Command(name, argv, environment, cwd=ROOT))


def _now_ms() -> int:
    return int(time.time() * 1000)


def _done(child: Child, seconds: float) -> Done:
    """What a process that loads has done, which must have ended within so many seconds."""
    try:
        code = child.process.wait(seconds)
    except subprocess.TimeoutExpired as error:
        raise PlatformFailed(f"the history was not loaded within {seconds:.0f} s; see {child.log}") from error
    if code != 0:
        raise PlatformFailed(f"the history could not be loaded; {child.log} ends:\n{child.last_words()}")
    return msgspec.json.decode(child.last_words(1), type=Done)
