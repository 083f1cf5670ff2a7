"""`python -m tests.unit.local_dev.runtime_servers.fake_push`: answers /health as the push process does."""

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"ready": True, "connections": 3, "subscribed": int(os.environ["SUBSCRIBED"])}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Health).serve_forever()
