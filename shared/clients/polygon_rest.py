"""Trades from Polygon's REST API, for refilling gaps. USD per share, shares, UTC, not split-adjusted.

The official client's time-outs are not applied (1.16.3) and it takes a broken body for an empty one, so this is a plain
HTTP client with both mended. Raises SourceUnavailable (try again), AccessRefused or InvalidRecord (do not).
"""

from urllib.parse import quote, urlencode

import urllib3

from shared.clients.vendor_http import TRY_AGAIN, check_status, key_headers, on_our_host
from shared.errors import SourceUnavailable
from shared.polygon.trades import TradesPage, decode_page, decode_snapshot, event_of_rest

PAGE = 50_000
CONNECTIONS = 8
"""Kept open: as many as ask at once (speed_layer/ingest/refill.py)."""
TIMEOUT = urllib3.Timeout(connect=2.0, read=10.0)
RETRIES = urllib3.Retry(
    total=4,
    backoff_factor=0.2,
    status_forcelist=TRY_AGAIN,
    raise_on_status=False,
    retry_after_max=5,  # seconds: the vendor's wish counts, but a gap is filled within half a minute or late
)


class PolygonRest:
    """`base` such as https://api.polygon.io; the key goes in a header, never in a URL."""

    def __init__(self, base: str, api_key: str) -> None:
        self._base = base
        self._headers = key_headers(api_key)
        self._http = urllib3.PoolManager(timeout=TIMEOUT, retries=RETRIES, maxsize=CONNECTIONS)

    def first_page(self, sym: str, from_ms: int) -> str:
        """Where the trades of a symbol begin, from an event time (Unix ms, included), oldest first."""
        query = urlencode({"timestamp.gte": from_ms * 1_000_000, "order": "asc", "sort": "timestamp", "limit": PAGE})
        return f"{self._base}/v3/trades/{quote(sym, safe='')}?{query}"

    def trades(self, sym: str, page: str) -> TradesPage:
        """One page of trades, and where the next one is. Asking again for a page is safe."""
        rows, following, refused = decode_page(self._get(page))
        events = [event_of_rest(sym, row) for row in rows]
        return TradesPage(events, None if following is None else on_our_host(self._base, following), refused)

    def traded_since(self, t_ms: int) -> list[str]:
        """Symbols whose last trade is at or after an event time (Unix ms), from the market's snapshot."""
        rows = decode_snapshot(self._get(f"{self._base}/v2/snapshot/locale/us/markets/stocks/tickers"))
        return sorted(row.ticker for row in rows if row.updated >= t_ms * 1_000_000)

    def _get(self, url: str) -> bytes:
        try:
            answer = self._http.request("GET", url, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            raise SourceUnavailable(f"the vendor did not answer: {type(error).__name__}") from error
        check_status(answer.status)
        return answer.data
