"""What the simulated market did before its feed began: which minutes to load, and the process that loads them.

The market never stops, a machine does. What was loaded is remembered by its span, because the same span is always
given the same minutes: after an unclean stop, which leaves the raw log alone, it is loaded once more.
"""

import sys
import time
from typing import NamedTuple

from local_dev.runtime.environment import process
from local_dev.runtime.platform import Platform, PlatformFailed
from local_dev.runtime.processes import Command
from local_dev.runtime.sources import Simulated
from local_dev.runtime.state import Spans
from local_dev.runtime.synth import ROOT
from local_dev.simulator.history import history_start
from shared.bars.windows import MINUTE_MS
from speed_layer.ingest.recovery import LIVE_REACH

LOAD_SECONDS = 180.0
REACH_MS = int(LIVE_REACH.total_seconds() * 1000)
"""A hole up to this long is filled by the ingester, trade by trade."""


class Plan(NamedTuple):
    """`missing`: spans to load now, of `known`: all that were ever loaded, those included."""

    missing: Spans
    known: Spans


def plan(known: Spans, promise_ms: int, now_ms: int, *, kept: bool, live: bool) -> Plan:
    """`promise_ms`: up to where the stream vouches for the feed, 0 = it never ran. `kept`: what was loaded is there.
    `live`: the feed went on while we were away; another one goes on from where it was."""
    end = now_ms - now_ms % MINUTE_MS
    new: Spans = ()
    if not known:
        new = ((history_start(now_ms), end),)
    elif live:
        since = max(known[-1][1], promise_ms - promise_ms % MINUTE_MS)
        new = ((since, end),) if end - since > REACH_MS else ()
    return Plan(new if kept else known + new, known + new)


def lay_past(platform: Platform, promise_ms: int, now_ms: int, source: Simulated) -> str:
    """Load what is missing, in a process whose memory goes with it; what was done, as a line for people.

    Raises PlatformFailed.
    """
    state, began = platform.state, time.monotonic()
    missing, known = plan(state.record.past, promise_ms, now_ms, kept=platform.restored, live=source.live)
    if not missing:
        return "history ready (nothing is missing)"
    spans = ",".join(f"{since}-{until}" for since, until in missing)
    signals = platform.deployment.function_of("speed_layer.signals.handler")
    given = {"SPANS": spans, "SEED": str(source.seed)}
    environment = process(platform.environment_of(signals.environment) | given)
    argv = (sys.executable, "-m", "local_dev.runtime.load_past")
    child = platform.supervisor.run(Command("past", argv, environment, cwd=ROOT), LOAD_SECONDS)
    if child.returncode != 0:
        raise PlatformFailed(f"the history could not be loaded; {child.log} ends:\n{child.last_words()}")
    state.remember(past=known)
    return f"history ready in {time.monotonic() - began:.1f} s ({child.last_words(1)})"
