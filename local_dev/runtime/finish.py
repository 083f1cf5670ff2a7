"""The end of a feed: everything it produced is waited for, counted and checked against the raw log."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from local_dev.runtime.platform import Platform, PlatformFailed
from local_dev.runtime.poller import Poller
from local_dev.runtime.raw_log import Tally, audit
from local_dev.runtime.state import StateFolder

DRAIN_SECONDS = 300.0
SETTLE_SECONDS = 10.0
TRADES, BARS, TABLES = ("archive", "live"), ("persist", "signals"), ("notify", "announce")
"""Roles by the stream they read, in the order in which one stream's readers feed the next."""
SUMMED = ("trades_in", "frames", "parts", "bars", "late", "duplicates", "quarantined", "gaps_unfilled")


@dataclass(frozen=True)
class Counts:
    """Totals over all ingester epochs. `lost`: taken from the vendor and neither kept, dropped nor refused.

    `given_up`: stream records that a function failed on until its mapping's retries were over. `gaps_unfilled`: times
    without the feed whose trades the vendor's REST side did not give either; nobody knows how many those were.
    """

    trades_in: int = 0
    frames: int = 0
    parts: int = 0
    bars: int = 0
    late: int = 0
    duplicates: int = 0
    quarantined: int = 0
    lost: int = 0
    given_up: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    gaps_unfilled: int = 0

    @property
    def whole(self) -> bool:
        """Whether everything that the feed sent was taken and kept."""
        return not (self.lost or self.given_up or self.gaps_unfilled)


def drain(platform: Platform) -> None:
    """Wait until the functions have handled every record. Raises PlatformFailed after DRAIN_SECONDS.

    `live` and `persist` write to the bars stream themselves, so that one is done when a look at it finds nothing new.
    """
    deadline = time.monotonic() + DRAIN_SECONDS
    pollers = platform.pollers
    for role in TRADES:
        _drained(platform, role, pollers[role], deadline)
    handled = -1
    while handled != (handled := sum(_handled(pollers[role]) for role in BARS)):
        for role in BARS:
            _drained(platform, role, pollers[role], deadline)
    for role in TABLES:
        _drained(platform, role, pollers[role], deadline)


def settle(platform: Platform) -> None:
    """Before a stop of a live feed: let the functions take what streams hold, whose records age while we are away.

    What they have not taken after SETTLE_SECONDS waits for the next start.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    for role in (*TRADES, *BARS, *TABLES):
        if role in platform.pollers:
            platform.pollers[role].wait_drained(max(deadline - time.monotonic(), 0.0))


def _drained(platform: Platform, role: str, poller: Poller, deadline: float) -> None:
    if not poller.wait_drained(max(deadline - time.monotonic(), 0.0)):
        platform.check()
        raise PlatformFailed(f"{role} has not caught up with its stream after {DRAIN_SECONDS:.0f} s")


def _handled(poller: Poller) -> int:
    return poller.counts.records + poller.counts.discarded


def verify(platform: Platform) -> Counts:
    """What came of the feed, with the raw log read whole."""
    counts = reckon(list(platform.control.epochs()), audit(platform.lake))
    return replace(counts, given_up=sum(poller.counts.discarded for poller in platform.pollers.values()))


def reckon(epochs: list[dict[str, Any]], tally: Tally) -> Counts:
    """An epoch that was killed had its last trades in hand, and the next one took them again: only the last epoch's
    own account must be even. What any of them had acknowledged must be in the raw log."""
    totals = {name: sum(epoch.get(name, 0) for epoch in epochs) for name in (*SUMMED, "accepted")}
    accepted = totals.pop("accepted")
    # What a killed epoch did in its last second is in the raw log, not in its counts.
    totals["parts"] = max(totals["parts"], tally.parts)
    totals["trades_in"] = max(totals["trades_in"], tally.trades + totals["duplicates"] + totals["quarantined"])
    return Counts(
        **totals,
        lost=_unaccounted(epochs[-1] if epochs else {}) + max(accepted - tally.trades, 0),
        reasons=_by_key(epoch.get("quarantined_by_reason", {}) for epoch in epochs),
        ignored=_by_key(epoch.get("ignored", {}) for epoch in epochs),
    )


def close(state: StateFolder, platform: Platform, source: str, counts: Counts) -> None:
    """From here on the feed has ended, for readers and for the next start."""
    platform.control.put_feed({"source": source, "state": "ended", "lost": counts.lost})
    state.remember(ended=True)


def _unaccounted(epoch: Mapping[str, Any]) -> int:
    kept = sum(int(epoch.get(name, 0)) for name in ("accepted", "duplicates", "quarantined"))
    return max(int(epoch.get("trades_in", 0)) - kept, 0)


def _by_key(maps: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in maps:
        for key, count in counts.items():
            total[key] = total.get(key, 0) + count
    return total
