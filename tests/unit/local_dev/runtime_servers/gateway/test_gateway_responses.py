"""Gateway responses against "Gateway response types" and "Set up gateway responses to customize error responses"."""

import json

from local_dev.runtime.deployment import GatewayResponse
from tests.unit.local_dev.runtime_servers.gateway.conftest import Functions, Send, headers_of, request, rest_api, route

NONE = Functions()
TEMPLATE = '{"status":"ERROR","error":$context.error.messageString,"request_id":"$context.requestId"}'


def test_an_unknown_path_is_missing_authentication_token(send: Send) -> None:
    answer = send(rest_api(), NONE, request(path="/nowhere"))
    assert (answer.status, json.loads(answer.body)) == (403, {"message": "Missing Authentication Token"})
    assert headers_of(answer)["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_head_on_a_resource_with_get_alone_is_missing_authentication_token(send: Send) -> None:
    assert send(rest_api(route("GET", "/a")), NONE, request("HEAD", "/a")).status == 403


def test_the_templates_response_gives_status_headers_and_body(send: Send) -> None:
    custom = GatewayResponse("MISSING_AUTHENTICATION_TOKEN", 404, {"X-Kind": "'of ours'"}, TEMPLATE)
    answer = send(rest_api(responses=(custom,)), NONE, request(path="/nowhere"))
    assert answer.status == 404
    assert headers_of(answer)["x-kind"] == "of ours"
    assert json.loads(answer.body) == {
        "status": "ERROR",
        "error": "Missing Authentication Token",
        "request_id": "7f3d",
    }


def test_a_default_response_stands_in_for_the_kinds_of_its_class(send: Send) -> None:
    default = GatewayResponse("DEFAULT_4XX", None, {}, TEMPLATE)
    answer = send(rest_api(responses=(default,)), NONE, request(path="/nowhere"))
    assert answer.status == 403
    assert json.loads(answer.body)["error"] == "Missing Authentication Token"


def test_a_default_for_5xx_shapes_what_a_failing_function_gives(send: Send) -> None:
    default = GatewayResponse("DEFAULT_5XX", None, {}, TEMPLATE)
    api = rest_api(route("GET", "/a"), responses=(default,))
    answer = send(api, Functions(api=lambda _: "nonsense"), request(path="/a"))
    assert (answer.status, json.loads(answer.body)["error"]) == (502, "Internal server error")


def test_context_terms_are_filled_in_and_unknown_ones_are_empty(send: Send) -> None:
    template = "$context.httpMethod $context.path $context.identity.sourceIp [$context.nothing.here] $context.status"
    custom = GatewayResponse("MISSING_AUTHENTICATION_TOKEN", 404, {"X-Id": "context.requestId"}, template)
    answer = send(rest_api(responses=(custom,)), NONE, request(path="/x"))
    assert answer.body == b"GET /x 127.0.0.1 [] 404"
    assert headers_of(answer)["x-id"] == "7f3d"


def test_the_plain_message_has_no_quotes(send: Send) -> None:
    custom = GatewayResponse(
        "MISSING_AUTHENTICATION_TOKEN", None, {}, "$context.error.message|$context.error.responseType"
    )
    answer = send(rest_api(responses=(custom,)), NONE, request(path="/x"))
    assert answer.body == b"Missing Authentication Token|MISSING_AUTHENTICATION_TOKEN"


def test_a_payload_above_10_mb_is_too_large(send: Send) -> None:
    api = rest_api(route("POST", "/a"))
    answer = send(api, NONE, request("POST", "/a", body=bytes(10 * 1024 * 1024 + 1)))
    assert (answer.status, json.loads(answer.body)) == (413, {"message": "Request Too Long"})


def test_a_request_line_and_headers_above_10240_bytes_are_too_long(send: Send) -> None:
    api = rest_api(route("GET", "/a"))
    called = Functions(api=lambda _: {})
    assert send(api, called, request(path="/a", query="x" * 9_000)).status == 200
    assert send(api, called, request(path="/a", query="x" * 10_240)).status == 414
