"""Lambda's Runtime API (2018-06-01) for one function process, on a loopback port of its own.

No thread runs here: the caller who wants an answer carries the bytes itself. An idle process waits in `next`;
`exchange` answers that request with the event and reads on until the process posts its response. One process, one
event at a time.
"""

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from local_dev.runtime.invocation import PAYLOAD_LIMIT_BYTES, InvocationError

PREFIX = "/2018-06-01/runtime/"
_TICK_SECONDS = 0.05
_READ_BYTES = 1 << 18


class DeadlineExceeded(Exception):
    """The process did not answer in time."""


class ProcessLost(Exception):
    """The process ended, or closed its connection for good."""


class InitFailed(Exception):
    """The process reported that it could not load the handler."""

    def __init__(self, error: InvocationError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Invocation:
    """Headers of one `next` answer; `deadline_ms` is Unix time in milliseconds."""

    request_id: str
    function_arn: str
    deadline_ms: int
    trace_id: str


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    body: bytes


class _Connection:
    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self._buffer = b""

    def read(self, deadline: float) -> _Request | None:
        """The next whole request; None when the peer has closed. Raises DeadlineExceeded, ProcessLost."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if not self._fill(deadline):
                return None
        method, path, length = _parse_head(self._buffer[:end])
        start = end + 4
        parts, have = [self._buffer[start:]], len(self._buffer) - start
        while have < length:
            self._buffer = b""
            if not self._fill(deadline):
                return None
            parts.append(self._buffer)
            have += len(self._buffer)
        body = b"".join(parts)
        self._buffer = body[length:]
        return _Request(method, path, body[:length])

    def write(self, status: str, headers: str, body: bytes, deadline: float) -> None:
        """In one piece: a head and a body sent apart wait 40 ms for the peer's delayed acknowledgement."""
        self.sock.settimeout(max(deadline - time.monotonic(), 0.001))
        head = f"HTTP/1.1 {status}\r\n{headers}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            self.sock.sendall(head.encode("ascii") + body)
        except TimeoutError as error:
            raise DeadlineExceeded from error
        except OSError as error:
            raise ProcessLost(str(error)) from error

    def _fill(self, deadline: float) -> bool:
        self.sock.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            chunk = self.sock.recv(_READ_BYTES)
        except TimeoutError as error:
            raise DeadlineExceeded from error
        except OSError:
            return False  # a reset is how a killed process closes
        self._buffer += chunk
        return bool(chunk)


def _parse_head(head: bytes) -> tuple[str, str, int]:
    lines = head.decode("latin-1").split("\r\n")
    method, path, _version = lines[0].split(" ", 2)
    length = 0
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    return method, path, length


class RuntimeApi:
    """Give `address` to the process as AWS_LAMBDA_RUNTIME_API; `alive` says whether that process still runs.

    Not thread-safe: whoever holds the process holds this.
    """

    def __init__(self, alive: Callable[[], bool]) -> None:
        self._alive = alive
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._parked: _Connection | None = None
        self._look_closely_until = 0.0
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def wait_ready(self, seconds: float) -> None:
        """Return once the process asks for an event. Raises InitFailed, ProcessLost, DeadlineExceeded."""
        deadline = time.monotonic() + seconds
        while self._parked is None or self._gone(self._parked):
            for connection, request in self._requests(deadline):
                self._answer_housekeeping(connection, request, deadline)

    def exchange(self, invocation: Invocation, event: bytes, seconds: float) -> bytes | InvocationError:
        """Hand over one event and return the answer, or the error the handler raised. Call `wait_ready` before.

        Raises DeadlineExceeded after `seconds`, ProcessLost when the process died on it.
        """
        deadline = time.monotonic() + seconds
        connection, self._parked = self._parked, None
        if connection is None:
            raise ProcessLost("the process is not waiting for an event")
        headers = (
            f"Lambda-Runtime-Aws-Request-Id: {invocation.request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {invocation.deadline_ms}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {invocation.function_arn}\r\n"
            f"Lambda-Runtime-Trace-Id: {invocation.trace_id}\r\n"
        )
        connection.write("200 OK", headers, event, deadline)
        while True:
            for source, request in self._requests(deadline):
                outcome = self._answer(source, request, invocation.request_id, deadline)
                if outcome is not None:
                    return outcome

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            if isinstance(key.data, _Connection):
                key.data.sock.close()
        self._selector.close()
        self._listener.close()

    def _answer(
        self, connection: _Connection, request: _Request, request_id: str, deadline: float
    ) -> bytes | InvocationError | None:
        ours = f"{PREFIX}invocation/{request_id}/"
        if request.method != "POST" or not request.path.startswith(ours):
            self._answer_housekeeping(connection, request, deadline)
            return None
        kind = request.path.removeprefix(ours)
        if kind == "response" and len(request.body) > PAYLOAD_LIMIT_BYTES:
            self._reply(connection, "413 Payload Too Large", "RequestEntityTooLarge", deadline)
            message = f"Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT_BYTES} bytes)."
            return InvocationError("Function.ResponseSizeTooLarge", message)
        self._reply(connection, "202 Accepted", None, deadline)
        return request.body if kind == "response" else InvocationError.from_document(request.body)

    def _answer_housekeeping(self, connection: _Connection, request: _Request, deadline: float) -> None:
        match request.method, request.path.removeprefix(PREFIX):
            case "GET", "invocation/next":
                self._parked = connection
            case "POST", "init/error":
                self._reply(connection, "202 Accepted", None, deadline)
                raise InitFailed(InvocationError.from_document(request.body))
            case "POST", path if path.startswith("invocation/"):
                self._reply(connection, "400 Bad Request", "InvalidRequestID", deadline)
            case _:
                self._reply(connection, "404 Not Found", "NotFound", deadline)

    def _reply(self, connection: _Connection, status: str, error: str | None, deadline: float) -> None:
        body = b'{"status":"OK"}' if error is None else f'{{"errorType":"{error}","errorMessage":"{error}"}}'.encode()
        try:
            connection.write(status, "", body, deadline)
        except ProcessLost:
            self._drop(connection)  # it had its say; whoever waits next finds the process gone

    def _requests(self, deadline: float) -> list[tuple[_Connection, _Request]]:
        """Requests that have arrived; an empty list now and then so that a dead process is noticed."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise DeadlineExceeded
        arrived = []
        # A process that has just closed its socket can be reaped a moment later: look again soon.
        tick = 0.002 if time.monotonic() < self._look_closely_until else _TICK_SECONDS
        for key, _ in self._selector.select(min(remaining, tick)):
            connection = key.data
            if connection is None:
                self._accept()
            elif (request := connection.read(deadline)) is None:
                self._drop(connection)
            else:
                arrived.append((connection, request))
        if not arrived and not self._alive():
            raise ProcessLost("the process has ended")
        return arrived

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        self._selector.register(sock, selectors.EVENT_READ, _Connection(sock))

    def _drop(self, connection: _Connection) -> None:
        self._selector.unregister(connection.sock)
        connection.sock.close()
        self._look_closely_until = time.monotonic() + 1.0
        if self._parked is connection:
            self._parked = None

    def _gone(self, connection: _Connection) -> bool:
        """Whether an idle process has closed the connection it waits on."""
        connection.sock.setblocking(False)
        try:
            if connection.sock.recv(1, socket.MSG_PEEK):
                return False
        except BlockingIOError:
            return False
        except ConnectionError:
            pass  # reset: gone as well
        self._drop(connection)
        return True
