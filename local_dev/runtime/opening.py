"""What a feed needs before its ingester may start: its source served from the right moment, and what came before."""

from collections.abc import Callable

from local_dev.runtime.feed import OVERLAP_MS, Feed
from local_dev.runtime.past import Past
from local_dev.runtime.platform import Platform
from local_dev.runtime.sources import Simulated

LIVE_OVERLAP_MS = 3_600_000
"""Nobody vouches for trades so much later than they come."""


def open_feed(platform: Platform, feed: Feed, say: Callable[[str], None], *, resumes: bool) -> Past | None:
    """Start a deployed platform for this feed. `resumes`: the state folder has had a run before.

    The past of a simulated market is loaded while functions start; its older part may still be loading at the end.
    Raises what the parts raise.
    """
    past = Past(platform, feed.source, feed.symbols, say) if isinstance(feed.source, Simulated) else None
    if past is not None:
        past.begin(promise_ms(platform))
    begins_ms = _begins_ms(platform, feed) if resumes else None
    platform.serve()
    if not feed.is_served:  # its clock waits for the ingester, and the page need not wait for it
        feed.start_server(begins_ms, past.told() if past else ())
    if past is not None:
        past.finish()
    return past


def _begins_ms(platform: Platform, feed: Feed) -> int | None:
    """From where (Unix ms) the source has to have the trades, None = its own beginning.

    One that is live goes on now, and what it has is only asked for: its stream, which may be hours long, is not read.
    """
    last_ms = promise_ms(platform) if feed.source.live else feed.last_accepted_ms()
    return last_ms - (LIVE_OVERLAP_MS if feed.source.live else OVERLAP_MS) if last_ms else None


def promise_ms(platform: Platform) -> int:
    """Up to where (Unix ms) ingesters have vouched for the feed, 0 when there was none."""
    return max((int(epoch.get("promise", 0)) * 1000 for epoch in platform.control.epochs()), default=0)
