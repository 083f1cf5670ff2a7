"""The REST side: trades and last-trade snapshots up to the feed's clock (rest.md), and the feed's own state."""

import hmac
import math
import uuid
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from aiohttp import web

from local_dev.vendor.answers import envelope, error_body
from local_dev.vendor.faults import FaultPlan, RestFault
from local_dev.vendor.settings import VendorSettings
from local_dev.vendor.trade_query import BadParameterError, TradeQuery, parse_query

TRADES_PATH = "/v3/trades/{ticker}"
SNAPSHOT_PATH = "/v2/snapshot/locale/us/markets/stocks/tickers"
FEED_PATH = "/__feed"
RATE_TEXT = "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue."

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
    def __init__(self, source: TradesSource, settings: VendorSettings, faults: FaultPlan) -> None:
        self._source = source
        self._settings = settings
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(TRADES_PATH, self._guarded(self._trades)),
            web.get(SNAPSHOT_PATH, self._guarded(self._snapshot)),
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
            if fault is not None and fault.kind != "truncate":
                return _failure(fault, request_id)
            if not self._key_is_good(request):
                return _error(401, "ERROR", request_id, "Unknown API Key")
            try:
                body = await answer(request, request_id)
            except BadParameterError as error:
                return _error(400, "ERROR", request_id, str(error))
            except web.HTTPNotFound as error:
                return _error(404, "NOT_FOUND", request_id, error.reason)
            if fault is not None:
                return await _truncated(request, body)
            return _reply(200, body, request_id)

        return handle

    def _key_is_good(self, request: web.Request) -> bool:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        key = bearer.strip() if scheme.lower() == "bearer" else request.query.get("apiKey", "")
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


def _reply(status: int, body: bytes, request_id: str, **headers: str) -> web.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(
        status=status, body=body, content_type="application/json", headers={"X-Request-Id": request_id, **names}
    )


def _error(status: int, name: str, request_id: str, text: str) -> web.Response:
    return _reply(status, error_body(name, request_id, text), request_id)


def _failure(fault: RestFault, request_id: str) -> web.Response:
    if fault.kind == "http429":
        body = error_body("ERROR", request_id, RATE_TEXT)
        return _reply(429, body, request_id, Retry_After=str(math.ceil(fault.retry_after_s)))
    return _error(500, "ERROR", request_id, "Internal server error")


async def _truncated(request: web.Request, body: bytes) -> web.StreamResponse:
    """Promise the whole body, send half of it, cut the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return response
