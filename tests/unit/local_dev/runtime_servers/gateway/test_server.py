import gzip
import http.client
import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_dev.runtime.gateway.pages import Pages
from local_dev.runtime.gateway.server import Gateway
from tests.unit.local_dev.runtime_servers.gateway.conftest import Functions, rest_api, route

API = rest_api(route("GET", "/t/{ticker}"), route("POST", "/echo"))


@pytest.fixture
def functions() -> Functions:
    return Functions(api=lambda event: {"statusCode": 200, "body": json.dumps(event["path"])})


@pytest.fixture
def port(functions: Functions, tmp_path: Path) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    gateway = Gateway(API, functions, listening, pages=Pages(tmp_path), push="http://127.0.0.1:9/stocks")
    gateway.start()
    yield gateway.port
    gateway.stop()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_a_request_reaches_the_function_and_the_answer_comes_back(port: int, functions: Functions) -> None:
    status, headers, body = ask(port, "/t/X%3ABTC?a=1&a=2")
    assert (status, json.loads(body)) == (200, "/t/X%3ABTC")
    assert headers["content-type"] == "application/json"
    assert "server" not in headers
    event = functions.event()
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert headers["x-amzn-requestid"] == event["requestContext"]["requestId"]


def test_both_names_of_this_machine_are_known(port: int) -> None:
    assert ask(port, "/t/a", Host=f"localhost:{port}")[0] == 200
    assert ask(port, "/t/a", Host=f"LOCALHOST:{port}")[0] == 200
    assert ask(port, "/t/a", Host=f"127.0.0.1:{port}")[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "", "[::1]:{port}"]
)
def test_a_request_for_another_host_is_misdirected_and_calls_nothing(
    port: int, functions: Functions, host: str
) -> None:
    assert ask(port, "/t/a", Host=host.format(port=port))[0] == 421
    assert functions.called == []


def test_no_answer_allows_other_origins(port: int) -> None:
    status, headers, _ = ask(port, "/t/a", Origin="http://evil.example")
    assert status == 200
    assert not [name for name in headers if name.startswith("access-control")]
    preflight = ask(port, "/t/a", "OPTIONS", Origin="http://evil.example", Access_Control_Request_Method="GET")
    assert preflight[0] == 403
    assert not [name for name in preflight[1] if name.startswith("access-control")]


def test_gzip_goes_out_as_the_function_made_it(port: int, functions: Functions) -> None:
    packed = gzip.compress(b'{"a":1}')
    functions.handlers["api"] = lambda _: {
        "headers": {"Content-Encoding": "gzip"},
        "body": b64encode(packed).decode(),
        "isBase64Encoded": True,
    }
    status, headers, body = ask(port, "/t/a", Accept_Encoding="gzip")
    assert (status, headers["content-encoding"], body) == (200, "gzip", packed)
    assert headers["content-length"] == str(len(packed))


def test_head_without_a_method_of_its_own_is_refused_without_a_body(port: int) -> None:
    assert ask(port, "/t/a", "HEAD")[::2] == (403, b"")


def test_a_body_above_10_mb_is_refused(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/echo", body=bytes(10 * 1024 * 1024 + 1))
    assert connection.getresponse().status == 413
    connection.close()


def test_many_requests_at_once_are_all_answered(port: int) -> None:
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=10) for _ in range(40)]
    for number, connection in enumerate(connections):
        connection.request("GET", f"/t/{number}")
    bodies = [json.loads(connection.getresponse().read()) for connection in connections]
    assert bodies == [f"/t/{number}" for number in range(40)]
    for connection in connections:
        connection.close()


def test_after_a_stop_nobody_listens(functions: Functions, tmp_path: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    gateway = Gateway(API, functions, listening, pages=Pages(tmp_path), push="http://127.0.0.1:9/stocks")
    gateway.start()
    gateway.stop()
    gateway.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(gateway.port, "/t/a")
