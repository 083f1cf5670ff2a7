"""One request through the API: route, authoriser, integration, answer."""

import json
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as OverdueError
from typing import Any

from local_dev.runtime.deployment import RestApi, Route
from local_dev.runtime.gateway.authorizer import authorized, check_identity
from local_dev.runtime.gateway.integration import to_answer
from local_dev.runtime.gateway.request import HttpRequest, authorizer_event, method_arn, proxy_event, request_context
from local_dev.runtime.gateway.responses import Answer, Refused, render
from local_dev.runtime.gateway.routing import Match, Router
from local_dev.runtime.invocation import InvocationResult

BODY_LIMIT = 10 * 1024 * 1024  # bytes of payload
HEAD_LIMIT = 10_240  # bytes of request line and header values together
INTEGRATION_SECONDS = 29.0  # the longest any integration may take

Invoke = Callable[[str, bytes], InvocationResult]


class FrontDoor:
    """`invoke(function name, event)` blocks; `executor` runs it so that a slow function can be left behind."""

    def __init__(self, api: RestApi, invoke: Invoke, executor: Executor) -> None:
        self._api, self._invoke, self._executor = api, invoke, executor
        self._router = Router(api.routes)

    def handle(self, request: HttpRequest) -> Answer:
        """Never raises for what a request or a function does."""
        match = self._router.match(request.method, request.path)
        context = request_context(request, match, self._api)
        try:
            answer = self._pass_on(request, match, context)
        except Refused as refused:
            answer = render(refused, self._api.responses, context)
        ids = (("x-amzn-RequestId", request.request_id), ("X-Amzn-Trace-Id", request.trace_id))
        return Answer(answer.status, (*answer.headers, *ids), answer.body)

    def _pass_on(self, request: HttpRequest, match: Match | None, context: dict[str, Any]) -> Answer:
        _check_size(request)
        if match is None:
            raise Refused("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
        if match.route.authorizer is not None:
            check_identity(match.route.authorizer, request)
            event = authorizer_event(request, match, self._api, context)
            result = self._call(match.route.authorizer.function, event, INTEGRATION_SECONDS, "AUTHORIZER_FAILURE", None)
            context["authorizer"] = authorized(result, method_arn(request, self._api))
        return self._integrate(request, match, match.route, context)

    def _integrate(self, request: HttpRequest, match: Match, route: Route, context: dict[str, Any]) -> Answer:
        event = proxy_event(request, match, self._api, context)
        seconds = min(route.timeout_s, INTEGRATION_SECONDS)
        result = self._call(route.function, event, seconds, "INTEGRATION_TIMEOUT", "Endpoint request timed out")
        return to_answer(result, request.header("accept"), self._api.binary_media_types)

    def _call(self, function: str, event: Any, seconds: float, late: str, message: str | None) -> InvocationResult:
        """The function keeps running when we stop waiting, as on AWS."""
        running: Future[InvocationResult] = self._executor.submit(self._invoke, function, json.dumps(event).encode())
        try:
            return running.result(seconds)
        except OverdueError as error:
            raise Refused(late, message) from error


def _check_size(request: HttpRequest) -> None:
    if len(request.body) > BODY_LIMIT:
        raise Refused("REQUEST_TOO_LARGE", "Request Too Long")
    line = len(request.method) + len(request.path) + len(request.query)
    if line + sum(len(value) for _, value in request.headers) > HEAD_LIMIT:
        raise Refused("DEFAULT_4XX", "Request URI or headers too long", 414)
