"""HTTP on 127.0.0.1 in a thread of its own: the API's front door, the dashboard's files, and `/stocks` to push."""

import asyncio
import secrets
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from local_dev.runtime.deployment import RestApi
from local_dev.runtime.gateway.front_door import BODY_LIMIT, FrontDoor, Invoke
from local_dev.runtime.gateway.pages import Pages
from local_dev.runtime.gateway.relay import Relay
from local_dev.runtime.gateway.request import HttpRequest
from local_dev.runtime.gateway.responses import Answer, Refused, render

STOCKS = "/stocks"
PARSER_LIMIT = 64 * 1024  # bytes of one line or header; above API Gateway's limit, so that ours gives the answer
WAITING = 64  # requests in progress at once
START_SECONDS = 10.0
STOP_SECONDS = 2.0  # for answers still being written


class Gateway:
    """Serves `api`, `pages` and the push process at `push` (its whole address) on a socket that is bound already.

    Answers only requests addressed to this machine by name: a page in a browser must not reach it through a name of its
    own (DNS rebinding).
    """

    def __init__(self, api: RestApi, invoke: Invoke, listening: socket.socket, *, pages: Pages, push: str) -> None:
        self._api = api
        self._calls = ThreadPoolExecutor(WAITING, "call")
        self._requests = ThreadPoolExecutor(WAITING, "request")
        self._door = FrontDoor(api, invoke, self._calls)
        self._pages, self._relay = pages, Relay(push)
        self._socket = listening
        self.port = int(listening.getsockname()[1])
        self._hosts = {f"{name}{port}" for name in ("localhost", "127.0.0.1") for port in self._port_forms()}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gateway", daemon=True)
        self._runner: web.AppRunner | None = None

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(START_SECONDS)

    def stop(self) -> None:
        """Stop listening, let answers in progress end; may be called twice."""
        if self._runner is not None:
            asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(STOP_SECONDS + 5)
            self._runner = None
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._requests.shutdown(wait=False, cancel_futures=True)

    def _port_forms(self) -> tuple[str, ...]:
        return (f":{self.port}", "") if self.port == 80 else (f":{self.port}",)

    async def _serve(self) -> None:
        application = web.Application(client_max_size=BODY_LIMIT)
        application.router.add_route("*", "/{path:.*}", self._handle)
        application.on_response_prepare.append(_unsigned)
        application.on_startup.append(lambda _: self._relay.start())
        application.on_shutdown.append(lambda _: self._relay.stop())
        self._runner = web.AppRunner(
            application,
            access_log=None,
            max_line_size=PARSER_LIMIT,
            max_field_size=PARSER_LIMIT,
            shutdown_timeout=STOP_SECONDS,
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def _handle(self, incoming: web.Request) -> web.StreamResponse:
        if incoming.headers.get("Host", "").lower() not in self._hosts:
            return web.json_response({"message": "Misdirected Request"}, status=421)
        if incoming.raw_path.partition("?")[0] == STOCKS:
            return await self._relay.handle(incoming)
        request = await self._read(incoming)
        if request is None:
            return _http(render(Refused("REQUEST_TOO_LARGE", "Request Too Long"), self._api.responses, {}))
        handle = self._pages.handle if self._pages.serves(request.path) else self._door.handle
        return _http(await asyncio.get_running_loop().run_in_executor(self._requests, handle, request))

    async def _read(self, incoming: web.Request) -> HttpRequest | None:
        """None: the body is larger than API Gateway takes."""
        try:
            body = await incoming.read()
        except web.HTTPRequestEntityTooLarge:
            return None
        path, _, query = incoming.raw_path.partition("?")
        now = time.time()
        return HttpRequest(
            method=incoming.method,
            path=path,
            query=query,
            headers=tuple((name, value) for name, value in incoming.headers.items()),
            body=body,
            source_ip=incoming.remote or "",
            request_id=str(uuid.uuid4()),
            trace_id=f"Root=1-{int(now):08x}-{secrets.token_hex(12)}",
            received_ms=int(now * 1000),
        )


async def _unsigned(_: web.Request, response: web.StreamResponse) -> None:
    """API Gateway does not say which software answers."""
    response.headers.pop("Server", None)


def _http(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body)
    response.headers.pop("Content-Type", None)  # aiohttp's own; the answer brings one
    for name, value in answer.headers:
        response.headers.add(name, value)
    return response
