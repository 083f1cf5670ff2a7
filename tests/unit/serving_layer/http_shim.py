"""A small HTTP server before the handler: what API Gateway does, for clients that speak HTTP only."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.unit.serving_layer.doubles import Api


@contextmanager
def serving(api: Api, asked: list[str]) -> Iterator[str]:
    """The base URL while the API is served; `asked` collects each request's path and query."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer = api.send(self.path, headers=dict(self.headers.items()))
            body = answer["body"].encode()
            self.send_response(answer["statusCode"])
            for name, values in answer["multiValueHeaders"].items():
                for value in values:
                    self.send_header(name, value)
            body = base64.b64decode(body) if answer["isBase64Encoded"] else body
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: tests speak for themselves."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
