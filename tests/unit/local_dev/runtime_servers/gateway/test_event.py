"""The proxy event against "Input format of a Lambda function for proxy integration" in the developer guide."""

import base64
from typing import Any

from tests.unit.local_dev.runtime_servers.gateway.conftest import Functions, Send, request, rest_api, route

OK = {"statusCode": 200, "body": "{}"}
API = rest_api(route("ANY", "/t/{ticker}"))


def event_of(send: Send, **changes: Any) -> dict[str, Any]:
    functions = Functions(api=lambda _: OK)
    api = changes.pop("api", API)
    assert send(api, functions, request(**({"path": "/t/SPY"} | changes))).status == 200
    return functions.event()


def test_the_event_has_exactly_the_documented_fields(send: Send) -> None:
    assert set(event_of(send)) == {
        "resource",
        "path",
        "httpMethod",
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "requestContext",
        "body",
        "isBase64Encoded",
    }


def test_resource_is_the_template_and_path_is_what_was_asked(send: Send) -> None:
    event = event_of(send, path="/t/BRK%2EA")
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/t/{ticker}", "/t/BRK%2EA", "GET")
    assert event["pathParameters"] == {"ticker": "BRK%2EA"}


def test_empty_maps_are_null(send: Send) -> None:
    event = event_of(send, path="/v1/health", api=rest_api(route("GET", "/v1/health")))
    assert event["pathParameters"] is event["queryStringParameters"] is None
    assert event["multiValueQueryStringParameters"] is event["stageVariables"] is None


def test_of_a_repeated_query_key_the_last_value_is_single_and_all_are_multi(send: Send) -> None:
    event = event_of(send, query="a=1&b=&a=2&c")
    assert event["queryStringParameters"] == {"a": "2", "b": "", "c": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""], "c": [""]}


def test_query_parameters_are_decoded(send: Send) -> None:
    assert event_of(send, query="k%20x=a%2Bb+c%C3%A9")["queryStringParameters"] == {"k x": "a+b cé"}


def test_of_a_repeated_header_the_last_value_is_single_and_all_are_multi(send: Send) -> None:
    headers = (("Host", "localhost:1"), ("X-A", "1"), ("x-a", "2"))
    event = event_of(send, headers=headers)
    assert event["headers"]["X-A"] == "2"
    assert event["multiValueHeaders"]["X-A"] == ["1", "2"]


def test_headers_of_the_connection_are_not_passed_on_and_the_way_here_is_added(send: Send) -> None:
    headers = (("Host", "localhost:8000"), ("Connection", "close"), ("X-Forwarded-For", "10.0.0.1"))
    assert event_of(send, headers=headers)["headers"] == {
        "Host": "localhost:8000",
        "X-Amzn-Trace-Id": "Root=1-5e1b4151-43a0913a12345678",
        "X-Forwarded-For": "10.0.0.1, 127.0.0.1",
        "X-Forwarded-Port": "8000",
        "X-Forwarded-Proto": "http",
    }


def test_the_request_context_says_who_asked_what_and_when(send: Send) -> None:
    context = event_of(send)["requestContext"]
    assert context["requestId"] == "7f3d"
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userAgent"] == "test/1"
    assert context["identity"]["cognitoIdentityId"] is None
    assert (context["domainName"], context["stage"], context["apiId"]) == ("127.0.0.1:8000", "prod", "a1b2c3")
    assert (context["httpMethod"], context["path"], context["resourcePath"]) == ("GET", "/t/SPY", "/t/{ticker}")
    assert (context["requestTime"], context["requestTimeEpoch"]) == ("09/Apr/2015:12:34:56 +0000", 1428582896000)
    assert "authorizer" not in context


def test_a_request_without_a_body_has_null(send: Send) -> None:
    event = event_of(send)
    assert (event["body"], event["isBase64Encoded"]) == (None, False)


def test_with_all_media_types_binary_every_body_comes_in_base64(send: Send) -> None:
    headers = (("Host", "localhost:1"), ("Content-Type", "application/json"))
    event = event_of(send, method="POST", headers=headers, body=b'{"a":1}')
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b'{"a":1}', True)


def test_only_listed_media_types_are_binary(send: Send) -> None:
    api = rest_api(route("ANY", "/t/{ticker}"), binary=("image/png",))
    for content_type, encoded in (("application/json", False), ("image/png; a=b", True)):
        headers = (("Host", "localhost:1"), ("Content-Type", content_type))
        event = event_of(send, api=api, method="POST", headers=headers, body=b"abc")
        assert (event["body"], event["isBase64Encoded"]) == ("YWJj" if encoded else "abc", encoded)
