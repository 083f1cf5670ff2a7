"""CloudFront and API Gateway as the templates set them up, in memory, before the real functions."""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from local_dev.runtime.deployment import Authorizer, GatewayResponse, RestApi, Route
from local_dev.runtime.gateway.front_door import FrontDoor
from local_dev.runtime.gateway.request import HttpRequest
from local_dev.runtime.gateway.responses import Answer
from local_dev.runtime.invocation import InvocationError, InvocationResult
from tests.fakes.edge_function import EdgeFunction, viewer_request
from tests.infrastructure.templates import Templates

ORIGIN_HOST = "a1b2c3.execute-api.us-east-1.amazonaws.com"
FOR_ONE = {"no-store", "no-cache", "private"}
"""Directives of an answer that is for one client."""
Send = Callable[[HttpRequest], Answer]


class Seen(NamedTuple):
    """What a client gets. `hit`: from the cache."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    hit: bool

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Edge:
    """`keys`: the key-value store. `secret`: what the dynamic reference of the origin's header resolves to."""

    def __init__(
        self, templates: Templates, function: EdgeFunction, keys: dict[str, str], origin: Send, secret: str
    ) -> None:
        self._function, self.keys, self._origin, self.secret = function, keys, origin, secret
        self.now_s = 0.0
        self._kept: dict[tuple[str, ...], tuple[float, Answer]] = {}
        config = templates.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]
        policy = templates.one("AWS::CloudFront::CachePolicy").properties["CachePolicyConfig"]
        onward = templates.one("AWS::CloudFront::OriginRequestPolicy").properties["OriginRequestPolicyConfig"]
        parts = policy["ParametersInCacheKeyAndForwardedToOrigin"]
        self._ttl = policy
        self._cached_by = parts["HeadersConfig"]["Headers"]
        self._passed_on = [*self._cached_by, *onward["HeadersConfig"]["Headers"]]
        (api,) = [found for found in config["Origins"] if found["Id"] == "api"]
        self._own = {header["HeaderName"]: header["HeaderValue"] for header in api["OriginCustomHeaders"]}
        errors = {error["ErrorCode"]: error["ErrorCachingMinTTL"] for error in config["CustomErrorResponses"]}
        assert not any(errors.values()), "an error is kept: the emulation does not know how"

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Seen:
        return self.send("GET", url, headers or {})

    def together(self, url: str, clients: Iterable[Mapping[str, str]]) -> list[Seen]:
        """To GETs that all come while the first is at the API. Those of one place in the cache wait for its answer,
        whatever it is, and get it too, unless it says that it is for nobody else."""
        first: dict[tuple[str, ...], Answer] = {}
        return [self.send("GET", url, headers, first=first) for headers in clients]

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        first: dict[tuple[str, ...], Answer] | None = None,
    ) -> Seen:
        """`first`: answers, by place, that requests of the same moment wait for."""
        parts = urlsplit(url)
        passed = self._function.run(viewer_request(parts.path, parts.query, headers, method), self.keys)
        if "statusCode" in passed:
            given = {name: header["value"] for name, header in passed["headers"].items()}
            return Seen(passed["statusCode"], given, passed["body"]["data"].encode(), hit=False)
        said = {name: header["value"] for name, header in passed["headers"].items()}
        place = (passed["uri"], passed["querystring"], *(said.get(name, "") for name in self._cached_by))
        kept = self._kept.get(place)
        if method in ("GET", "HEAD") and kept is not None and self.now_s < kept[0]:
            return _seen(kept[1], hit=True)
        if first and place in first:
            return _seen(first[place], hit=True)
        onward = [(name, said[name]) for name in self._passed_on if name in said]
        onward += [("Host", ORIGIN_HOST), *((name, self._resolved(value)) for name, value in self._own.items())]
        answer = self._origin(_request(method, passed["uri"], passed["querystring"], onward, body))
        if first is not None and not _said(answer).keys() & FOR_ONE:
            first[place] = answer
        if method in ("GET", "HEAD") and answer.status >= 500 and kept is not None:
            until, stale = kept
            if self.now_s < until + float(_said(stale).get("stale-if-error", "inf")):
                return _seen(stale, hit=True)  # of any age, unless it says how long
        if method in ("GET", "HEAD") and answer.status == 200:
            self._kept[place] = (self.now_s + self._lifetime(_said(answer)), answer)
        return _seen(answer, hit=False)

    def past(self, url: str, headers: Mapping[str, str]) -> Seen:
        """To the API's own host, without the edge."""
        parts = urlsplit(url)
        pairs = [("Host", ORIGIN_HOST), *headers.items()]
        return _seen(self._origin(_request("GET", parts.path, parts.query, pairs, b"")), hit=False)

    def _resolved(self, value: Any) -> str:
        assert "{{resolve:secretsmanager:" in json.dumps(value), "a value that stands in the template is no secret"
        return self.secret

    def _lifetime(self, said: Mapping[str, str]) -> float:
        """In seconds: what the origin says for shared caches, else for all, within what the policy allows."""
        if said.keys() & FOR_ONE:
            return float(self._ttl["MinTTL"])
        asked = float(said.get("s-maxage") or said.get("max-age") or self._ttl["DefaultTTL"])
        return min(max(asked, float(self._ttl["MinTTL"])), float(self._ttl["MaxTTL"]))


def front_door(templates: Templates, functions: Mapping[str, Callable[[Any], Any]], executor: Executor) -> Send:
    """The API of the templates before these functions, by a word of their logical ids."""
    resources = {r.id: r.properties for r in templates.resources("AWS::ApiGateway::Resource")}

    def path(place: Mapping[str, Any]) -> str:
        found = resources.get(place.get("Ref", ""))
        return "" if found is None else f"{path(found['ParentId'])}/{found['PathPart']}"

    def called(uri: Any) -> str:
        return next(name for name in functions if name in json.dumps(uri))

    authorizer = templates.one("AWS::ApiGateway::Authorizer").properties
    check = Authorizer(called(authorizer["AuthorizerUri"]), (), authorizer["AuthorizerResultTtlInSeconds"])
    routes = [
        Route(
            method.properties["HttpMethod"],
            path(method.properties["ResourceId"]),
            called(method.properties["Integration"]["Uri"]),
            29.0,
            check if "AuthorizerId" in method.properties else None,
        )
        for method in templates.resources("AWS::ApiGateway::Method")
    ]
    answers = {
        one.properties["ResponseType"]: GatewayResponse(
            one.properties["ResponseType"],
            int(one.properties["StatusCode"]) if "StatusCode" in one.properties else None,
            {
                name.removeprefix("gatewayresponse.header."): value
                for name, value in one.properties.get("ResponseParameters", {}).items()
            },
            one.properties["ResponseTemplates"]["application/json"],
        )
        for one in templates.resources("AWS::ApiGateway::GatewayResponse")
    }

    def invoke(name: str, event: bytes) -> InvocationResult:
        try:
            return InvocationResult("r", json.dumps(functions[name](json.loads(event))).encode())
        except Exception as error:  # noqa: BLE001 - the runtime reports whatever a handler raises
            failed = InvocationError(type(error).__name__, str(error))
            return InvocationResult("r", failed.document("r"), failed)

    return FrontDoor(RestApi("a1b2c3", "live", ("*/*",), tuple(routes), answers), invoke, executor).handle


def _said(answer: Answer) -> dict[str, str]:
    """The directives of its Cache-Control."""
    text = dict(answer.headers).get("Cache-Control", "")
    return {name: value for name, _, value in (part.strip().partition("=") for part in text.split(","))}


def _request(method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes) -> HttpRequest:
    return HttpRequest(method, path, query, tuple(headers), body, "192.0.2.1", "r", "Root=1-0-0", 1_381_260_000_000)


def _seen(answer: Answer, *, hit: bool) -> Seen:
    return Seen(answer.status, {name.lower(): value for name, value in answer.headers}, answer.body, hit)
