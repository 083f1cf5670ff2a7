"""Whom the nightly of a state folder asks: the source that the folder belongs to, as far as it tells history."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_dev.cli.vendor_hosts import vendor_hosts
from local_dev.cli.vendor_key import vendor_key
from local_dev.runtime.feed import Feed
from local_dev.runtime.history_source import HistorySource, served, simulated
from local_dev.runtime.opening import promise_ms
from local_dev.runtime.platform import Platform
from local_dev.runtime.sources import LOCAL_KEY, Recorded, Simulated, Vendor
from local_dev.runtime.state import Source
from local_dev.vendor.tables import load_tables


@contextmanager
def source_of_state(platform: Platform) -> Iterator[HistorySource | None]:
    """For as long as the block takes, of a platform that is deployed; None where nobody tells more than was streamed.
    Raises WrongInput for a key that is missing, and ServerNotReady."""
    record = platform.state.record
    source = record.source or Source("none")
    if source.feed == "polygon":
        yield HistorySource("vendor", vendor_hosts().rest, vendor_key(), metered=True)
    elif source.feed == "sim":
        market = Simulated(source.pace.removesuffix("x") or "1")
        with simulated(platform.supervisor, market, record.past, promise_ms(platform) or None) as made_up:
            yield made_up
    elif source.feed != "none" and _tells_history(Path(source.feed)):
        with served(Path(source.feed), platform.supervisor) as files:
            yield files
    else:
        yield None


def source_of_feed(feed: Feed) -> HistorySource | None:
    """What serves a running feed also tells its history, if it has any."""
    if isinstance(feed.source, Recorded):
        known = _tells_history(feed.source.path)
        return HistorySource(str(feed.source.path), feed.url, LOCAL_KEY, metered=False) if known else None
    if isinstance(feed.source, Simulated):
        return HistorySource("sim", feed.url, LOCAL_KEY, metered=False)
    if isinstance(feed.source, Vendor):
        return HistorySource("vendor", feed.url, feed.source.given.key, metered=True)
    return None


def _tells_history(path: Path) -> bool:
    return bool(load_tables(path).symbols)
