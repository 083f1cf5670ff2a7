"""A symbol's trades of a trade date over Polygon's REST API: the vendor's, or those that a platform of ours keeps."""

from collections.abc import Iterator
from urllib.parse import quote

from batch_layer.fetch.rest import VendorRest
from shared.bars.sessions import SessionDay
from shared.errors import InvalidRecord
from shared.models.trade import Trade
from shared.polygon.trades import decode_page, event_of_rest, trade_of

NS_PER_MS = 1_000_000
PAGE = 50_000


def fetch_trades(rest: VendorRest, sym: str, session: SessionDay) -> Iterator[Trade]:
    """In order of time, each as often as it is told. Raises SourceUnavailable, AccessRefused or InvalidRecord, also for
    a row that is no trade."""
    span = {"timestamp__gte": session.start * NS_PER_MS, "timestamp__lt": session.end * NS_PER_MS}
    url = rest.url(f"/v3/trades/{quote(sym, safe='')}", **span, order="asc", sort="timestamp", limit=PAGE)
    for page in rest.pages(url, decode_page):
        if page.refused:
            raise InvalidRecord("shape", f"{len(page.refused)} rows of {sym} are no trades")
        yield from (trade_of(event_of_rest(sym, row)) for row in page.rows)
