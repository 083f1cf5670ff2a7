"""A small platform for the page: the REST routes it reads and `/stocks`, over the made-up market, in a thread.

Nothing moves by itself: a test moves the clock by `advance`, which pushes the seconds and minutes that end meanwhile
and lets REST answer up to the same second. Failures are switched on by a test and counted. Nobody is let in to push
before bars have been asked for, so that every page is live after its first reading, and reads once more.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from tests.browser import market
from tests.browser.signals import SignalBook
from tests.unit.serving_layer.alerts.client import AlertsApi

DASHBOARD = Path(__file__).parents[2] / "serving_layer" / "dashboard"
KEY = "cv_test_key"
START = 1_772_722_830  # Thursday 2026-03-05 10:00:30 in New York
HISTORY_S = 30 * 3600
_AGGS = "/v2/aggs/"
_SNAPSHOT = "/v2/snapshot/locale/us/markets/stocks/tickers"


class FakePlatform:
    """Serves at `base` from `start()` to `stop()`; `local_key=False`: the page has to ask for the key."""

    def __init__(self, *, local_key: bool = True, simulated: bool = True) -> None:
        self.clock, self.first = START, START - HISTORY_S - START % 60
        self.local_key, self.simulated = local_key, simulated
        self.failing: dict[str, int] = {}  # path prefix -> status
        self.requests: Counter[str] = Counter()
        self.pushing, self.deaf = True, False
        self.commands: Counter[str] = Counter()
        self._held, self._gate, self._bars_asked_for = "", asyncio.Event(), asyncio.Event()
        self.read_before_push = 0
        self.signals = SignalBook(START)
        self.alerts = AlertsApi()
        self._channels: dict[web.WebSocketResponse, set[str]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake platform", daemon=True)
        self.base = ""

    def start(self) -> None:
        self._thread.start()
        self._run(self._serve())

    def stop(self) -> None:
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What a test does to it

    def advance(self, seconds: int) -> None:
        """Let time pass, one pushed frame a second."""
        self._run(self._advance(seconds))

    def push(self, *events: dict[str, Any]) -> None:
        """Send events to those subscribed to them."""
        self._run(self._push(events))

    def stop_push(self) -> None:
        """Restart of the push service, first half: everyone is closed with 1012, nobody gets in."""
        self.pushing = False
        self._run(self._close_all())

    def hold(self, prefix: str) -> None:
        """Let requests of a path wait until `release`."""
        self._held = prefix

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._gate.set)

    def readings(self, of: str = _AGGS) -> int:
        """How often bars were asked for, of paths that begin so."""
        return sum(count for path, count in self.requests.items() if path.startswith(of))

    def subscribed(self) -> set[str]:
        """Every channel that somebody has."""
        return {channel for channels in self._channels.values() for channel in channels}

    # REST

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        path = request.path
        self.requests[path] += 1
        if path.startswith(_AGGS):
            self._bars_asked_for.set()
        if self._held and path.startswith(self._held):
            await self._gate.wait()
        for prefix, status in self.failing.items():
            if path.startswith(prefix):
                return _refused(status, "Something went wrong on our side")
        if (
            path.startswith(("/v2", "/v1"))
            and path != "/v1/health"
            and request.headers.get("Authorization") != f"Bearer {KEY}"
        ):
            return _refused(401, "Unknown API Key")
        return await handler(request)  # type: ignore[no-any-return]  # aiohttp gives handlers no type here

    async def _health(self, _: web.Request) -> web.Response:
        trades = (self.clock - self.first) * len(market.SYMBOLS)
        body: dict[str, Any] = {
            "feed": {
                "source": "sim",
                "state": "running",
                "simulated": self.simulated,
                "trades_in": trades,
                "last_trade_ms": self.clock * 1000 - 1,
            },
            "components": {"ingest": "running", "tables": "ok", "cache": "ok"},
            "counts": {
                "frames": trades // 40,
                "parts": trades // 3,
                "bars": trades // 60,
                "signals": 6,
                "late": 12,
                "duplicates": 3,
                "quarantined": 2,
                "lost": 0,
                "gaps_unfilled": 0,
            },
        }
        return web.json_response(body | ({"local_key": KEY} if self.local_key else {}))

    async def _tickers(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"status": "OK", "tickers": [*map(self._entry, market.SYMBOLS), {"ticker": market.SILENT}]}
        )

    def _entry(self, sym: str) -> dict[str, Any]:
        day = market.fold(part for _, part in market.minutes(sym, self.clock - 1800, self.clock))
        before = market.fold(part for _, part in market.minutes(sym, self.first, self.first + 60))
        assert day is not None
        assert before is not None
        shown = market.fields(sym, day)
        return {
            "ticker": sym,
            "day": shown,
            "prevDay": market.fields(sym, before),
            "lastTrade": {"p": shown["c"], "t": self.clock * 10**9},
        }

    async def _bars(self, request: web.Request) -> web.Response:
        """Windows counted from `from`, one page of at most `limit` minutes, as the platform cuts them."""
        sym, unit = request.match_info["sym"], {"minute": 60, "hour": 3600}[request.match_info["unit"]]
        width = unit * int(request.match_info["multiplier"])
        start, end = (int(request.match_info[name]) // 1000 for name in ("start", "end"))
        start -= start % unit
        newest_first, limit = request.query["sort"] == "desc", int(request.query["limit"])
        end = min(self.clock, end + 1)
        since = max(start, self.first, end - 60 * (limit + 1) if newest_first else 0)
        read = list(market.minutes(sym, since, end))
        cut = len(read) > limit
        if cut:  # windows that the limit cuts are left out
            keep = read[-limit:] if newest_first else read[:limit]
            edge = keep[0 if newest_first else -1][0]
            edge -= (edge - start) % width
            read = [one for one in keep if (one[0] >= edge + width if newest_first else one[0] < edge)]
        windows: dict[int, list[market.Span]] = {}
        for t, part in read:
            windows.setdefault(t - (t - start) % width, []).append(part)
        bars = [
            {"t": t * 1000, "n": whole.n, **market.fields(sym, whole)}
            for t, parts in windows.items()
            if (whole := market.fold(parts))
        ]
        body: dict[str, Any] = {"status": "OK", "ticker": sym, "count": len(bars)}
        if bars:
            body["results"] = bars[::-1] if newest_first else bars
        if cut:
            body["next_url"] = f"https://elsewhere.invalid{request.path}?cursor=never-followed"
        return web.json_response(body)

    async def _signals(self, request: web.Request) -> web.Response:
        if request.query.get("timeframe", "1m") not in ("1m", "5m", "15m", "30m", "1h"):
            return _refused(400, "The parameter 'timeframe' must be 1m or 5m or 15m or 30m or 1h")
        return web.json_response({"status": "OK", "results": self.signals.answer(request.query)})

    async def _alerts(self, request: web.Request) -> web.Response:
        """By the function itself."""
        headers = {**request.headers, "Host": "127.0.0.1"}
        headers.pop("Accept-Encoding", None)
        body = await request.text() or None
        code, answer = self.alerts.send(request.method, request.path_qs, body, headers=headers)
        return web.Response(status=code) if code == 204 else web.json_response(answer, status=code)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = DASHBOARD / request.match_info.get("file", "index.html")
        if not path.is_file() or DASHBOARD not in path.resolve().parents:
            return _refused(404, "Not found")
        return web.FileResponse(path, headers=json.loads((DASHBOARD / "headers.json").read_text()))

    # Push

    async def _stocks(self, request: web.Request) -> web.StreamResponse:
        if not self.pushing:
            return _refused(503, "Restarting")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await _status(socket, "connected", "Connected Successfully")
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await self._command(socket, **json.loads(message.data))
        self._channels.pop(socket, None)
        return socket

    async def _command(self, socket: web.WebSocketResponse, *, action: str, params: str) -> None:
        """Answered, unless the platform is `deaf` to those that it has let in."""
        self.commands[action] += 1
        if self.deaf and socket in self._channels:
            return
        if action == "auth":
            if params != KEY:
                await _status(socket, "auth_failed", "authentication failed")
                return
            await self._bars_asked_for.wait()
            self.read_before_push = self.readings()
            self._channels[socket] = set()
            await _status(socket, "auth_success", "authenticated")
        elif action == "subscribe":
            self._channels[socket] |= set(params.split(","))
            await _status(socket, "success", f"subscribed to: {params}")
        else:
            self._channels[socket] -= set(params.split(","))
            await _status(socket, "success", f"unsubscribed to: {params}")

    async def _advance(self, seconds: int) -> None:
        for s in range(self.clock, self.clock + seconds):
            self.clock = s + 1
            await self._push([_live("A", sym, s, 1, market.second(sym, s)) for sym in market.SYMBOLS])
            if self.clock % 60 == 0:
                minute = self.clock - 60
                await self._push(
                    [
                        _live("AM", sym, minute, 60, part)
                        for sym in market.SYMBOLS
                        for _, part in market.minutes(sym, minute, self.clock)
                    ]
                )

    async def _push(self, events: Iterable[dict[str, Any]]) -> None:
        events = list(events)
        for socket, channels in list(self._channels.items()):
            wanted = [event for event in events if {f"{event['ev']}.{event['sym']}", f"{event['ev']}.*"} & channels]
            if wanted and not socket.closed:
                await socket.send_json(wanted)

    async def _close_all(self) -> None:
        for socket in list(self._channels):
            await socket.close(code=WSCloseCode.SERVICE_RESTART)

    async def _serve(self) -> None:
        application = web.Application(middlewares=[self._guard])
        application.router.add_get("/", self._file)
        application.router.add_get("/index.html", self._file)
        application.router.add_get("/dashboard/{file:.+}", self._file)
        application.router.add_get("/v1/health", self._health)
        application.router.add_get(_SNAPSHOT, self._tickers)
        application.router.add_get(_AGGS + "ticker/{sym}/range/{multiplier}/{unit}/{start}/{end}", self._bars)
        application.router.add_get("/v1/signals", self._signals)
        application.router.add_route("*", "/v1/alerts{rest:.*}", self._alerts)
        application.router.add_get("/stocks", self._stocks)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def _run(self, work: Awaitable[None]) -> None:
        asyncio.run_coroutine_threadsafe(_as_coroutine(work), self._loop).result(30)


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work


async def _status(socket: web.WebSocketResponse, status: str, message: str) -> None:
    await socket.send_json([{"ev": "status", "status": status, "message": message}])


def _live(kind: str, sym: str, start: int, width: int, span: market.Span) -> dict[str, Any]:
    return {"ev": kind, "sym": sym, "s": start * 1000, "e": (start + width) * 1000, **market.fields(sym, span)}


def _refused(status: int, text: str) -> web.Response:
    return web.json_response({"status": "ERROR", "error": text, "message": text}, status=status)
