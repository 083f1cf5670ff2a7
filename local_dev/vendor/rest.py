"""The REST side: trades and last-trade snapshots up to the feed's clock (rest.md), and the feed's own state.

Other routes are given to it; whatever it serves needs a good key, counts against the quota and may go wrong on request.
"""

import hmac
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from aiohttp import web

from local_dev.vendor.answers import envelope
from local_dev.vendor.failing import failure, refusal, reply, spoiled, too_many
from local_dev.vendor.faults import FaultPlan
from local_dev.vendor.parameters import BadParameterError
from local_dev.vendor.quota import CallQuota
from local_dev.vendor.settings import VendorSettings
from local_dev.vendor.trade_query import TradeQuery, parse_query

TRADES_PATH = "/v3/trades/{ticker}"
SNAPSHOT_PATH = "/v2/snapshot/locale/us/markets/stocks/tickers"
FEED_PATH = "/__feed"

Answer = Callable[[web.Request, str], Awaitable[bytes]]


class Page(NamedTuple):
    """Trades as REST objects; `last_row` names the last of them if others follow, else None."""

    objects: list[bytes]
    last_row: int | None


class TradesSource(Protocol):
    """What the feed's clock has passed."""

    async def page(self, ticker: str, query: TradeQuery) -> Page: ...

    async def last_trades(self, names: list[str]) -> list[bytes]:
        """Snapshot objects of these symbols, of all for none; symbols that have not traded are left out."""
        ...

    def state(self) -> dict[str, object]:
        """Where the clock stands."""
        ...


class RestSide:
    """`others`: further routes, path -> what answers them."""

    def __init__(
        self,
        source: TradesSource,
        settings: VendorSettings,
        faults: FaultPlan,
        quota: CallQuota,
        others: Mapping[str, Answer],
    ) -> None:
        self._source = source
        self._settings = settings
        self._faults = faults
        self._quota = quota
        self._others = others
        self._first_url = ""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(TRADES_PATH, self._guarded(self._trades)),
            web.get(SNAPSHOT_PATH, self._guarded(self._snapshot)),
            *(web.get(path, self._guarded(answer)) for path, answer in self._others.items()),
            web.get(FEED_PATH, self.feed_state),
            web.route("*", "/{path:.*}", self._guarded(self._unknown)),
        ]

    async def feed_state(self, _request: web.Request) -> web.Response:
        """Ours, without a key."""
        return web.json_response(self._source.state())

    def _guarded(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            request_id = uuid.uuid4().hex
            fault = self._faults.rest_fault_due()
            failed = (failure(fault, request_id) if fault else None) or self._refused(_key_of(request), request_id)
            if failed is not None:
                return failed
            if "cursor" not in request.query:
                self._first_url = str(request.url)
            try:
                body = await answer(request, request_id)
            except BadParameterError as error:
                return refusal(400, "ERROR", request_id, str(error))
            except web.HTTPNotFound as error:
                return refusal(404, "NOT_FOUND", request_id, error.reason)
            if fault is not None:
                return await spoiled(fault, request, body, request_id, self._first_url)
            return reply(200, body, request_id)

        return handle

    def _refused(self, key: str, request_id: str) -> web.Response | None:
        """The answer to a key that is not good or has made its calls."""
        if not self._key_is_good(key):
            return refusal(401, "ERROR", request_id, "Unknown API Key")
        wait_s = self._quota.seconds_to_wait(key)
        return too_many(request_id, wait_s) if wait_s else None

    def _key_is_good(self, key: str) -> bool:
        expected = self._settings.api_key
        return bool(key) and (expected is None or hmac.compare_digest(key.encode(), expected.encode()))

    async def _unknown(self, request: web.Request, _request_id: str) -> bytes:
        raise web.HTTPNotFound(reason=f"{request.method} on this path is not served here")

    async def _trades(self, request: web.Request, request_id: str) -> bytes:
        query = parse_query(request.query)
        objects, last_row = await self._source.page(request.match_info["ticker"], query)
        head: dict[str, object] = {"status": "OK", "request_id": request_id, "count": len(objects)}
        if last_row is not None:
            head["next_url"] = f"{request.scheme}://{request.host}{request.path}?cursor={query.next_cursor(last_row)}"
        return envelope(head, "results", objects)

    async def _snapshot(self, request: web.Request, request_id: str) -> bytes:
        wanted = [name for name in request.query.get("tickers", "").split(",") if name]
        objects = await self._source.last_trades(wanted)
        return envelope({"status": "OK", "request_id": request_id, "count": len(objects)}, "tickers", objects)


def _key_of(request: web.Request) -> str:
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else request.query.get("apiKey", "")
