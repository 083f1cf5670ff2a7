"""The dashboard's files: `/`, `/index.html` and `/dashboard/<file>`, and nothing else that lies in their folder.

Sent with the headers of `headers.json`, which the edge on AWS sends too; asked again each time, answered with 304 while
nothing has changed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from local_dev.runtime.gateway.request import HttpRequest
from local_dev.runtime.gateway.responses import Answer

INDEX = "index.html"
HEADERS = "headers.json"
PREFIX = "/dashboard/"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What may be served, by the end of its name: Python files, among others, may not."""
_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")


class Pages:
    """Reads the files anew for each request, so that an edited one shows at the next reload."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def serves(self, path: str) -> bool:
        """Whether this path (percent-encoded, without query) is the dashboard's, there or not."""
        return path in {"/", f"/{INDEX}"} or path.startswith(PREFIX)

    def handle(self, request: HttpRequest) -> Answer:
        """404 for a path of ours that is no file of the dashboard. Raises OSError when its headers cannot be read."""
        file = self._file(request.path)
        headers = self._headers()
        if request.method not in {"GET", "HEAD"}:
            return Answer(405, (("Allow", "GET, HEAD"), *headers.items()), b"")
        if file is None:
            return _plain(404, "Not Found", headers)
        body = file.read_bytes()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        sent = (("ETag", tag), ("Cache-Control", "no-cache"), *headers.items())
        if tag in re.split(r"\s*,\s*", request.header("if-none-match").replace("W/", "")):
            return Answer(304, sent, b"")
        return Answer(200, (("Content-Type", CONTENT_TYPES[file.suffix]), *sent), body)

    def _file(self, path: str) -> Path | None:
        name = path.removeprefix(PREFIX) if path.startswith(PREFIX) else INDEX
        if not _NAME.fullmatch(name) or name == HEADERS:
            return None
        file = (self._folder / name).resolve()
        inside = file.is_relative_to(self._folder) and file.is_file()
        return file if inside and file.suffix in CONTENT_TYPES else None

    def _headers(self) -> Mapping[str, str]:
        headers: dict[str, str] = json.loads((self._folder / HEADERS).read_text(encoding="utf-8"))
        return headers


def _plain(status: int, text: str, headers: Mapping[str, str]) -> Answer:
    return Answer(status, (("Content-Type", "text/plain; charset=utf-8"), *headers.items()), text.encode())
