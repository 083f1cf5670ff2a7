"""A server between a client and the vendor that counts what is asked for."""

import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Counting(ThreadingHTTPServer):
    """Passes each GET on to `vendor`. `asked`: requests by path and query."""

    daemon_threads = True

    def __init__(self, vendor: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.vendor = vendor
        self.asked: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Counting

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        request = urllib.request.Request(self.server.vendor + self.path, headers={"Authorization": "Bearer any"})  # noqa: S310 -- our own server
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- our own server
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- the base's name
        """Nothing: a client that is killed is no news."""


@contextmanager
def counting(vendor: str) -> Iterator[Counting]:
    with Counting(vendor) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
