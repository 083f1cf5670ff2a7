"""The answer against "Output format of a Lambda function for proxy integration" and "Important notes"."""

import base64
import gzip
import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from local_dev.runtime.deployment import RestApi
from local_dev.runtime.gateway.responses import Answer
from local_dev.runtime.invocation import InvocationError, failed
from tests.unit.local_dev.runtime_servers.gateway.conftest import Functions, Send, headers_of, request, rest_api, route

API = rest_api(route("GET", "/v1/health"))


def answer_to(send: Send, returned: Any, api: RestApi = API, **changes: Any) -> Answer:
    return send(api, Functions(api=lambda _: returned), request(**changes))


def test_status_headers_and_body_are_the_functions(send: Send) -> None:
    answer = answer_to(send, {"statusCode": 404, "headers": {"X-A": "1"}, "body": '{"status":"ERROR"}'})
    assert (answer.status, answer.body) == (404, b'{"status":"ERROR"}')
    assert headers_of(answer)["x-a"] == "1"


def test_the_content_type_is_json_unless_the_function_says_otherwise(send: Send) -> None:
    assert headers_of(answer_to(send, {"body": ""}))["content-type"] == "application/json"
    answer = answer_to(send, {"headers": {"content-type": "text/csv"}, "body": "a,b"})
    assert [value for name, value in answer.headers if name.lower() == "content-type"] == ["text/csv"]


def test_every_field_may_be_left_out(send: Send) -> None:
    answer = answer_to(send, {})
    assert (answer.status, answer.body) == (200, b"")


def test_a_status_may_be_digits(send: Send) -> None:
    assert answer_to(send, {"statusCode": "201"}).status == 201


def test_multi_value_headers_are_sent_one_by_one_and_win_over_single_ones(send: Send) -> None:
    answer = answer_to(send, {"headers": {"set-cookie": "x"}, "multiValueHeaders": {"Set-Cookie": ["a", "b"]}})
    assert [value for name, value in answer.headers if name.lower() == "set-cookie"] == ["a", "b"]


def test_header_values_may_be_booleans_and_numbers(send: Send) -> None:
    headers = headers_of(answer_to(send, {"headers": {"X-B": True, "X-N": 5}}))
    assert (headers["x-b"], headers["x-n"]) == ("true", "5")


@pytest.mark.parametrize("name", ["Connection", "Content-Length", "Date", "Server", "WWW-Authenticate"])
def test_headers_that_are_the_gateways_own_are_remapped(send: Send, name: str) -> None:
    headers = headers_of(answer_to(send, {"headers": {name: "5"}, "body": "{}"}))
    assert headers[f"x-amzn-remapped-{name.lower()}"] == "5"
    assert name.lower() not in headers


def test_a_base64_body_is_decoded_so_that_gzip_reaches_the_client_as_the_function_made_it(send: Send) -> None:
    packed = gzip.compress(b'{"results":[]}')
    returned = {
        "headers": {"Content-Encoding": "gzip"},
        "body": base64.b64encode(packed).decode(),
        "isBase64Encoded": True,
    }
    answer = answer_to(send, returned)
    assert (answer.body, headers_of(answer)["content-encoding"]) == (packed, "gzip")


def test_a_base64_body_stays_as_it_is_when_the_client_accepts_no_binary_type(send: Send) -> None:
    api = replace(API, binary_media_types=("image/png",))
    returned = {"body": "YWJj", "isBase64Encoded": True}
    assert answer_to(send, returned, api).body == b"YWJj"
    headers = (("Host", "localhost:1"), ("Accept", "image/png, text/html"))
    assert answer_to(send, returned, api, headers=headers).body == b"abc"
    headers = (("Host", "localhost:1"), ("Accept", "text/html, image/png"))
    assert answer_to(send, returned, api, headers=headers).body == b"YWJj"


@pytest.mark.parametrize(
    "returned",
    [
        b"",
        b"not json",
        "a string",
        [],
        None,
        {"statusCode": 200, "boddy": ""},
        {"statusCode": "ok"},
        {"statusCode": 99},
        {"statusCode": 600},
        {"headers": ["a"]},
        {"headers": {"a": {}}},
        {"headers": {"a": "x\r\nSet-Cookie: y"}},
        {"multiValueHeaders": {"a": "b"}},
        {"body": {"not": "a string"}},
        {"body": "YWJj", "isBase64Encoded": "true"},
        {"body": "%%%", "isBase64Encoded": True},
        InvocationError("ValueError", "secret text"),
    ],
)
def test_a_function_that_fails_or_breaks_the_format_is_a_502_that_gives_nothing_away(send: Send, returned: Any) -> None:
    answer = answer_to(send, returned)
    assert (answer.status, json.loads(answer.body)) == (502, {"message": "Internal server error"})
    assert headers_of(answer)["x-amzn-errortype"] == "InternalServerErrorException"


def test_a_throttled_function_is_a_500(send: Send) -> None:
    throttled = failed(InvocationError("TooManyRequestsException", "Rate Exceeded."), reached=False)
    answer = answer_to(send, throttled)
    assert (answer.status, json.loads(answer.body)) == (500, {"message": "Internal server error"})


def test_a_function_that_takes_longer_than_the_integration_allows_is_a_504(send: Send) -> None:
    done = threading.Event()
    api = rest_api(replace(route("GET", "/v1/health"), timeout_s=0.05))
    answer = send(api, Functions(api=lambda _: done.wait(5)), request())
    done.set()
    assert (answer.status, json.loads(answer.body)) == (504, {"message": "Endpoint request timed out"})


def test_the_request_id_comes_back_as_a_header(send: Send) -> None:
    headers = headers_of(answer_to(send, {"body": "{}"}))
    assert (headers["x-amzn-requestid"], headers["x-amzn-trace-id"]) == ("7f3d", "Root=1-5e1b4151-43a0913a12345678")
