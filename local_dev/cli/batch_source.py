"""Whom the nightly of a state folder asks: the source that the folder belongs to, as far as it tells history."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_dev.cli.vendor_hosts import vendor_hosts
from local_dev.cli.vendor_key import vendor_key
from local_dev.runtime.feed import Feed
from local_dev.runtime.history_source import HistorySource, served
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.sources import LOCAL_KEY, Recorded
from local_dev.runtime.state import Source
from local_dev.vendor.tables import load_tables


@contextmanager
def source_of_state(source: Source | None, supervisor: Supervisor) -> Iterator[HistorySource | None]:
    """For as long as the block takes; None where nobody tells more than was streamed. Raises WrongInput for a key that
    is missing, and ServerNotReady."""
    feed = "none" if source is None else source.feed
    if feed == "polygon":
        yield HistorySource("vendor", vendor_hosts().rest, vendor_key(), metered=True)
    elif feed not in {"none", "sim"} and _tells_history(Path(feed)):
        with served(Path(feed), supervisor) as files:
            yield files
    else:
        yield None


def source_of_feed(feed: Feed) -> HistorySource | None:
    """What serves a running feed also tells its history, if it has any."""
    if isinstance(feed.source, Recorded):
        known = _tells_history(feed.source.path)
        return HistorySource(str(feed.source.path), feed.url, LOCAL_KEY, metered=False) if known else None
    return None


def _tells_history(path: Path) -> bool:
    return bool(load_tables(path).symbols)
