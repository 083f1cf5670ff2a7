"""What a feed needs before its ingester may start: its source served from the right moment, and what came before."""

import time
from collections.abc import Callable

from local_dev.runtime.feed import OVERLAP_MS, Feed
from local_dev.runtime.past import lay_past
from local_dev.runtime.platform import Platform
from local_dev.runtime.sources import Simulated


def begin(platform: Platform, feed: Feed, say: Callable[[str], None], *, resumes: bool) -> None:
    """`resumes`: the state folder has had a run before. Raises what the parts raise."""
    source = feed.source
    last_ms = feed.last_accepted_ms() if resumes and not source.live else 0
    from_ms = last_ms - OVERLAP_MS if last_ms else None
    if isinstance(source, Simulated):
        now_ms = int(time.time() * 1000)
        say(lay_past(platform, _promise_ms(platform), now_ms, source))
        from_ms = None if source.live else from_ms or now_ms
    if not feed.is_served:
        feed.start_server(from_ms)


def _promise_ms(platform: Platform) -> int:
    """Up to where (Unix ms) ingesters have vouched for the feed, 0 when there was none."""
    return max((int(epoch.get("promise", 0)) * 1000 for epoch in platform.control.epochs()), default=0)
