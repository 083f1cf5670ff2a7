"""What must hold of the REST API."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.infrastructure.templates import Resource, Templates

BARS = "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}"
KEY_ROUTES = {
    BARS,
    "/v1/completeness",
    "/v1/corrections",
    "/v1/marketstatus/now",
    "/v1/marketstatus/upcoming",
    "/v1/open-close/{ticker}/{date}",
    "/v1/signals",
    "/v2/aggs/grouped/locale/us/market/stocks/{date}",
    "/v2/aggs/ticker/{ticker}/prev",
    "/v2/last/trade/{ticker}",
    "/v2/snapshot/locale/us/markets/stocks/gainers",
    "/v2/snapshot/locale/us/markets/stocks/losers",
    "/v2/snapshot/locale/us/markets/stocks/tickers",
    "/v2/snapshot/locale/us/markets/stocks/tickers/{ticker}",
    "/v3/reference/dividends",
    "/v3/reference/splits",
    "/v3/reference/tickers",
    "/v3/reference/tickers/{ticker}",
    "/v3/trades/{ticker}",
}
ALERTS = {
    "GET /v1/alerts",
    "POST /v1/alerts",
    "GET /v1/alerts/fired",
    "ANY /v1/alerts/{id}",
}
ANSWERS = {
    "UNAUTHORIZED": ("401", "ERROR"),
    "ACCESS_DENIED": ("403", "NOT_AUTHORIZED"),
    "MISSING_AUTHENTICATION_TOKEN": ("404", "NOT_FOUND"),
    "RESOURCE_NOT_FOUND": ("404", "NOT_FOUND"),
    "THROTTLED": ("429", "ERROR"),
    "QUOTA_EXCEEDED": ("429", "ERROR"),
    "INTEGRATION_FAILURE": ("503", "ERROR"),
    "INTEGRATION_TIMEOUT": ("503", "ERROR"),
    "AUTHORIZER_FAILURE": ("503", "ERROR"),
    "AUTHORIZER_CONFIGURATION_ERROR": ("503", "ERROR"),
    "DEFAULT_4XX": (None, "ERROR"),
    "DEFAULT_5XX": (None, "ERROR"),
}


@pytest.fixture
def methods(templates: Templates) -> dict[str, Mapping[str, Any]]:
    """`GET /path` -> properties."""
    parents = {r.id: r.properties for r in templates.resources("AWS::ApiGateway::Resource")}

    def path(reference: Mapping[str, Any]) -> str:
        if "Ref" not in reference:
            return ""
        resource = parents[reference["Ref"]]
        return f"{path(resource['ParentId'])}/{resource['PathPart']}"

    return {
        f"{m.properties['HttpMethod']} {path(m.properties['ResourceId'])}": m.properties
        for m in templates.resources("AWS::ApiGateway::Method")
    }


@pytest.fixture
def stage(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::ApiGateway::Stage").properties


@pytest.fixture
def answers(templates: Templates) -> dict[str, Resource]:
    return {r.properties["ResponseType"]: r for r in templates.resources("AWS::ApiGateway::GatewayResponse")}


def test_the_routes_are_explicit(methods: Mapping[str, Any]) -> None:
    assert set(methods) == {f"GET {path}" for path in KEY_ROUTES | {"/v1/health"}} | ALERTS


def test_data_needs_a_key_and_health_needs_none(methods: Mapping[str, Any], templates: Templates) -> None:
    authorizer = {"Ref": templates.one("AWS::ApiGateway::Authorizer").id}
    for route in {f"GET {path}" for path in KEY_ROUTES} | ALERTS:
        assert methods[route]["AuthorizationType"] == "CUSTOM", route
        assert methods[route]["AuthorizerId"] == authorizer, route
    assert methods["GET /v1/health"]["AuthorizationType"] == "NONE"


def test_every_route_is_a_proxy_to_the_api_function_or_that_of_alerts(methods: Mapping[str, Any]) -> None:
    for route, method in methods.items():
        assert method["Integration"]["Type"] == "AWS_PROXY"
        behind = "AlertsFunction" if route in ALERTS else "ApiFunction"
        assert behind in json.dumps(method["Integration"]["Uri"]), route
        assert method["Integration"]["TimeoutInMillis"] == 15_000


def test_a_key_may_come_in_either_place_and_its_check_is_never_remembered(templates: Templates) -> None:
    authorizer = templates.one("AWS::ApiGateway::Authorizer").properties
    assert authorizer["Type"] == "REQUEST"
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    assert not authorizer.get("IdentitySource"), "naming one would refuse callers who use the other"
    assert "AuthFunction" in json.dumps(authorizer["AuthorizerUri"])


def test_the_gateway_answers_every_error_of_its_own(answers: Mapping[str, Resource]) -> None:
    assert {kind: answer.properties.get("StatusCode") for kind, answer in answers.items()} == {
        kind: code for kind, (code, _) in ANSWERS.items()
    }


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_error_of_the_gateway_has_the_vendors_shape(answers: Mapping[str, Resource], kind: str) -> None:
    templates = answers[kind].properties["ResponseTemplates"]
    body = json.loads(templates["application/json"])
    assert list(templates) == ["application/json"]
    assert set(body) == {"status", "request_id", "error", "message"}
    assert body["status"] == ANSWERS[kind][1]
    assert body["request_id"] == "$context.requestId"
    assert body["error"] == body["message"]
    assert "$" not in body["error"], "fixed text: nothing of the request comes back"


def test_a_caller_learns_how_to_go_on(answers: Mapping[str, Resource]) -> None:
    headers = {kind: answer.properties.get("ResponseParameters", {}) for kind, answer in answers.items()}
    assert headers["UNAUTHORIZED"]["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"
    for kind in ("THROTTLED", "QUOTA_EXCEEDED", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "AUTHORIZER_FAILURE"):
        assert "gatewayresponse.header.Retry-After" in headers[kind]


def test_an_error_of_the_gateway_is_for_its_caller_alone(answers: Mapping[str, Resource]) -> None:
    said = {kind: answer.properties["ResponseParameters"] for kind, answer in answers.items()}
    assert {kind for kind in said if said[kind]["gatewayresponse.header.Cache-Control"] == "'no-store'"} == set(ANSWERS)


def test_compressed_answers_leave_as_bytes(templates: Templates) -> None:
    assert templates.one("AWS::ApiGateway::RestApi").properties["BinaryMediaTypes"] == ["*/*"]


def test_the_stage_is_throttled_and_traced(stage: Mapping[str, Any]) -> None:
    (setting,) = stage["MethodSettings"]
    assert (setting["ResourcePath"], setting["HttpMethod"]) == ("/*", "*")
    assert (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]) == (200, 400)
    assert stage["TracingEnabled"] is True


def test_no_log_of_the_gateway_holds_a_key(stage: Mapping[str, Any]) -> None:
    (setting,) = stage["MethodSettings"]
    assert (setting["LoggingLevel"], setting["DataTraceEnabled"]) == ("ERROR", False)
    line = json.loads(stage["AccessLogSetting"]["Format"])
    assert {"request_id", "status", "resource", "key_id"} <= line.keys()
    for term in line.values():
        assert not any(word in term.lower() for word in ("querystring", "header", "authorization", "apikey", ".path"))


def test_the_gateways_own_log_group_is_ours_before_it_writes(templates: Templates) -> None:
    group = templates.one("AWS::Logs::LogGroup", "ExecutionLogs")
    assert "API-Gateway-Execution-Logs_" in json.dumps(group.properties["LogGroupName"])
    assert group.id in templates.one("AWS::ApiGateway::Stage").body["DependsOn"]


def test_responses_are_ready_before_the_api_is_deployed(templates: Templates) -> None:
    deployment = templates.one("AWS::ApiGateway::Deployment").body
    for response in templates.resources("AWS::ApiGateway::GatewayResponse", "AWS::ApiGateway::Method"):
        assert response.id in deployment["DependsOn"], f"{response.id} would only work after the next deployment"
