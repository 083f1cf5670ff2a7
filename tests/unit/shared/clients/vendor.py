"""A tiny HTTP server that answers what a test tells it to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Answer(NamedTuple):
    """One answer; `cut` bytes of the body are promised and not sent; `never` is set when
    the test no longer waits for the answer, which does not come."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut: int = 0
    never: threading.Event | None = None


class Vendor:
    """`requests` are (path, headers) in order; the last answer repeats."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, dict[str, str]]] = []


@contextmanager
def vendor() -> Iterator[Vendor]:
    """A server on the loopback, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.requests.append((self.path, dict(self.headers)))
            answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            self.close_connection = True
            if answer.never is not None:
                answer.never.wait(5)
                return
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) + answer.cut))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
            """The test's output stays the test's."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = Vendor(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield told
        server.shutdown()
        thread.join()
