import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local_dev.runtime.deployment import Authorizer, GatewayResponse, RestApi, Route
from local_dev.runtime.gateway.front_door import FrontDoor
from local_dev.runtime.gateway.request import HttpRequest
from local_dev.runtime.gateway.responses import Answer
from local_dev.runtime.invocation import InvocationError, InvocationResult

ALLOW = {
    "principalId": "k1",
    "policyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "arn:aws:execute-api:*"}],
    },
    "context": {"scopes": "bars:read", "limit": 5, "live": True},
}

Handler = Callable[[dict[str, Any]], Any]


def route(method: str, path: str, function: str = "api", authorizer: Authorizer | None = None) -> Route:
    return Route(method, path, function, 29.0, authorizer)


def rest_api(
    *routes: Route, binary: tuple[str, ...] = ("*/*",), responses: tuple[GatewayResponse, ...] = ()
) -> RestApi:
    return RestApi("a1b2c3", "prod", binary, routes, {response.kind: response for response in responses})


def request(method: str = "GET", path: str = "/v1/health", **changes: Any) -> HttpRequest:
    values: dict[str, Any] = {
        "method": method,
        "path": path,
        "query": "",
        "headers": (("Host", "127.0.0.1:8000"), ("User-Agent", "test/1")),
        "body": b"",
        "source_ip": "127.0.0.1",
        "request_id": "7f3d",
        "trace_id": "Root=1-5e1b4151-43a0913a12345678",
        "received_ms": 1_428_582_896_000,
    }
    return HttpRequest(**(values | changes))


class Functions:
    """Stands for the function pool: handlers by name, every event kept."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers = handlers
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, event: bytes) -> InvocationResult:
        document = json.loads(event)
        self.events.append((name, document))
        answer = self.handlers[name](document)
        if isinstance(answer, InvocationResult):
            return answer
        if isinstance(answer, InvocationError):
            return InvocationResult("7f3d", answer.document("7f3d"), answer)
        return InvocationResult("7f3d", answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def event(self, name: str = "api") -> dict[str, Any]:
        return next(event for called, event in self.events if called == name)

    @property
    def called(self) -> list[str]:
        return [name for name, _ in self.events]


Send = Callable[[RestApi, Functions, HttpRequest], Answer]


@pytest.fixture
def send() -> Iterator[Send]:
    with ThreadPoolExecutor(4) as executor:
        yield lambda api, functions, request: FrontDoor(api, functions, executor).handle(request)


def headers_of(answer: Answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers}
