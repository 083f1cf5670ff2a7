"""A vendor that gives a key what a plan gives: two streams and a REST side on loopback, in threads of their own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.sync.server import ServerConnection, serve

from local_dev.cli.vendor_hosts import VendorHosts

KEY = "pk_secret_of_a_test"
NO_STREAM = "Your plan doesn't include websocket access. Visit the pricing page to upgrade."
NO_TRADES = "You don't have access to this channel"
NOT_ENTITLED = "You are not entitled to this data. Please upgrade your plan."
REAL_TIME, DELAYED = "/real-time/stocks", "/delayed/stocks"


@dataclass(frozen=True)
class Plan:
    """Channel prefixes that each stream gives (None: the key is not let in), and the kinds of REST data."""

    real_time: frozenset[str] | None = None
    delayed: frozenset[str] | None = None
    rest: frozenset[str] = frozenset({"aggs"})


ALL = frozenset({"T", "A", "AM"})
BASIC = Plan()
STARTER = Plan(delayed=frozenset({"A", "AM"}), rest=frozenset({"aggs", "snapshot"}))
DEVELOPER = Plan(delayed=ALL, rest=frozenset({"aggs", "snapshot", "trades"}))
ADVANCED = Plan(real_time=ALL, delayed=ALL, rest=frozenset({"aggs", "snapshot", "trades"}))


@dataclass
class PlanVendor:
    """`opened`: the path of every stream connection. `at_once`: the most that were open at one time.
    `instead`: path of a stream -> the status and message that answer the key there, whatever the plan.
    """

    plan: Plan
    hosts: VendorHosts = field(default_factory=VendorHosts)
    opened: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    at_once: int = 0
    instead: dict[str, tuple[str, str]] = field(default_factory=dict)
    rest_status: int | None = None
    _sockets: list[ServerConnection] = field(default_factory=list)

    def stream(self, socket: ServerConnection) -> None:
        path = socket.request.path if socket.request else ""
        self.opened.append(path)
        self._sockets.append(socket)
        self.at_once = max(self.at_once, sum(each.state is State.OPEN for each in self._sockets))
        with suppress(ConnectionClosed):
            self._talk(socket, path)

    def _talk(self, socket: ServerConnection, path: str) -> None:
        given = self.plan.real_time if path == REAL_TIME else self.plan.delayed
        tell(socket, "connected", "Connected Successfully")
        key = json.loads(socket.recv())["params"]
        if path in self.instead:
            tell(socket, *self.instead[path])
        elif key != KEY:
            tell(socket, "auth_failed", f"authentication failed for {key}")
        elif given is None:
            tell(socket, "auth_failed", NO_STREAM)
        else:
            tell(socket, "auth_success", "authenticated")
        for message in socket:
            for channel in json.loads(message)["params"].split(","):
                self.channels.append(channel)
                if given and channel.partition(".")[0] in given:
                    socket.send(json.dumps([{"ev": "AM", "sym": "AAPL"}]))  # data may come before the answer
                    tell(socket, "success", f"subscribed to: {channel}")
                else:
                    tell(socket, "error", NO_TRADES)

    def rest(self, path: str, authorization: str | None) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if self.rest_status is not None:
            return self.rest_status, {"error": "as the test wants it"}
        if authorization != f"Bearer {KEY}":
            return 401, {"status": "ERROR", "error": "Unknown API Key"}
        kind = next(kind for kind in ("trades", "snapshot", "aggs") if kind in path)
        if kind not in self.plan.rest:
            return 403, {"status": "NOT_AUTHORIZED", "message": NOT_ENTITLED}
        return 200, {"status": "OK", "results": []}


def tell(socket: ServerConnection, status: str, message: str) -> None:
    socket.send(json.dumps([{"ev": "status", "status": status, "message": message}]))


@contextmanager
def vendor_with(plan: Plan) -> Iterator[PlanVendor]:
    vendor = PlanVendor(plan)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = vendor.rest(self.path, self.headers.get("Authorization"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *args: Any, **more: Any) -> None:
            """Nothing on the terminal of a test."""

    rest = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    streams = serve(vendor.stream, "127.0.0.1", 0, close_timeout=1)
    threads = [
        threading.Thread(target=rest.serve_forever, args=(0.02,)),
        threading.Thread(target=streams.serve_forever),
    ]
    for thread in threads:
        thread.start()
    socket_base = f"ws://127.0.0.1:{streams.socket.getsockname()[1]}"
    rest_base = f"http://127.0.0.1:{rest.server_port}"
    vendor.hosts = VendorHosts(socket_base + REAL_TIME, socket_base + DELAYED, rest_base)
    try:
        yield vendor
    finally:
        rest.shutdown()
        rest.server_close()
        streams.shutdown()
        for thread in threads:
            thread.join(10)
