"""The port: WebSocket on `/stocks`, health on `/health`, nothing else."""

import asyncio
from http import HTTPStatus

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from serving_layer.push.client import POLICY_VIOLATION, SERVICE_RESTART, AskKey, Client, Leaving, Limits
from serving_layer.push.hub import Hub
from serving_layer.push.origin import same_host
from shared.observability import logger
from shared.polygon.socket import Status, frame_of, status_event

SOCKET_PATH, HEALTH_PATH = "/stocks", "/health"
LARGEST_MESSAGE = 1_000_000
"""Bytes of a client's message: a list of every symbol of the market is about 100 KB."""
UNREAD_MESSAGES = 1
"""Of a client's messages; while more wait for us, its socket is not read."""
PING_S, PONG_S = 20.0, 60.0
STOP_S = 1.5


class PushServer:
    """Every client, from its opening to the stop of the server."""

    def __init__(self, hub: Hub, ask: AskKey, limits: Limits | None = None) -> None:
        self._hub, self._ask, self._limits = hub, ask, limits or Limits()
        self._clients: set[Client] = set()
        self._server: Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, which the system chooses for 0. Raises OSError."""
        log = logger("push.websockets")
        log.setLevel("WARNING")
        self._server = await serve(
            self._serve,
            host,
            port,
            process_request=self._admit,
            compression=None,
            server_header=None,
            max_size=LARGEST_MESSAGE,
            max_queue=UNREAD_MESSAGES,
            open_timeout=10,
            ping_interval=PING_S,
            ping_timeout=PONG_S,
            close_timeout=1,
            logger=log,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Tell every client to come back later, with 1012, and be done in two seconds."""
        if self._server is None:
            return
        self._server.close(close_connections=False)
        for client in self._clients:
            client.leave(Leaving(Status.ERROR, "the server restarts", SERVICE_RESTART))
        try:
            async with asyncio.timeout(STOP_S):
                await self._server.wait_closed()
        except TimeoutError:
            for client in self._clients:
                client.cut()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == HEALTH_PATH:
            return self._health(connection)
        if path != SOCKET_PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, "not found\n")
        hosts = request.headers.get_all("Host")
        host = hosts[0] if len(hosts) == 1 else ""
        if not all(same_host(origin, host) for origin in request.headers.get_all("Origin")):
            return connection.respond(HTTPStatus.FORBIDDEN, "pages of other sites may not connect\n")
        return None

    def _health(self, connection: ServerConnection) -> Response:
        subscribed = sum(len(client.subscriptions) > 0 for client in self._clients)
        body = {"ready": True, "connections": len(self._clients), "subscribed": subscribed}
        response = connection.respond(HTTPStatus.OK, msgspec.json.encode(body).decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _serve(self, connection: ServerConnection) -> None:
        if self._is_full():
            await _turn_away(connection)
            return
        client = Client(connection, self._hub, self._ask, self._limits)
        self._clients.add(client)
        try:
            await client.serve()
        finally:
            self._clients.discard(client)

    def _is_full(self) -> bool:
        unauthenticated = sum(not client.is_authenticated for client in self._clients)
        return len(self._clients) >= self._limits.connections or unauthenticated >= self._limits.unauthenticated


async def _turn_away(connection: ServerConnection) -> None:
    full = status_event(Status.MAX_CONNECTIONS, "Maximum number of connections exceeded.")
    try:
        await connection.send(frame_of([full]), text=True)
        await connection.close(POLICY_VIOLATION)
    except ConnectionClosed:
        pass  # it did not wait to hear so
