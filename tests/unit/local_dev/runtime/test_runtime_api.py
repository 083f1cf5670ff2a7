"""The HTTP side alone, spoken to as a runtime does; `test_functions.py` has AWS's own runtime client."""

import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_dev.runtime.invocation import PAYLOAD_LIMIT_BYTES, InvocationError
from local_dev.runtime.runtime_api import DeadlineExceeded, InitFailed, Invocation, ProcessLost, RuntimeApi

INVOCATION = Invocation("r1", "arn:aws:lambda:us-east-1:000000000000:function:f", 1_700_000_003_000, "Root=1-a")


class Runtime:
    """The process's end of the API."""

    def __init__(self) -> None:
        self.alive = True
        self.api = RuntimeApi(lambda: self.alive)
        self.connection = self.connect()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.api.address, timeout=10)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        self.connection.request(method, f"/2018-06-01/runtime/{path}", body)
        answer = self.connection.getresponse()
        self.headers = dict(answer.getheaders())
        return answer.status, answer.read()

    def exchange(self, event: bytes = b"{}", seconds: float = 10.0) -> bytes | InvocationError:
        self.api.wait_ready(10.0)
        return self.api.exchange(INVOCATION, event, seconds)


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    runtime = Runtime()
    yield runtime
    runtime.connection.close()
    runtime.api.close()


@pytest.fixture
def other() -> Iterator[ThreadPoolExecutor]:
    """The thread in which one of the two sides runs."""
    with ThreadPoolExecutor(1) as threads:
        yield threads


def test_next_answers_with_the_event_and_lambdas_headers(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    answer = other.submit(runtime.exchange, b'{"n":1}')
    assert runtime.ask("GET", "invocation/next") == (200, b'{"n":1}')
    expected = {
        "Lambda-Runtime-Aws-Request-Id": "r1",
        "Lambda-Runtime-Deadline-Ms": "1700000003000",
        "Lambda-Runtime-Invoked-Function-Arn": INVOCATION.function_arn,
        "Lambda-Runtime-Trace-Id": "Root=1-a",
        "Content-Type": "application/json",
    }
    assert expected.items() <= runtime.headers.items()
    assert runtime.ask("POST", "invocation/r1/response", b'{"done":true}')[0] == 202
    assert answer.result(10) == b'{"done":true}'


def test_an_error_arrives_with_type_message_and_trace(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    answer = other.submit(runtime.exchange)
    runtime.ask("GET", "invocation/next")
    document = {"errorType": "KeyError", "errorMessage": "'sym'", "stackTrace": ["line 1"]}
    assert runtime.ask("POST", "invocation/r1/error", json.dumps(document).encode())[0] == 202
    assert answer.result(10) == InvocationError("KeyError", "'sym'", ("line 1",))


@pytest.mark.parametrize("body", [b"", b"not JSON", b"[1]", b"{}"])
def test_an_error_without_a_proper_document_is_still_an_error(
    body: bytes, runtime: Runtime, other: ThreadPoolExecutor
) -> None:
    answer = other.submit(runtime.exchange)
    runtime.ask("GET", "invocation/next")
    runtime.ask("POST", "invocation/r1/error", body)
    error = answer.result(10)
    assert isinstance(error, InvocationError)
    assert error.type == "Runtime.Unknown"


def test_a_handler_that_cannot_be_loaded_is_reported(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    ready = other.submit(runtime.api.wait_ready, 10.0)
    document = {"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'x'"}
    assert runtime.ask("POST", "init/error", json.dumps(document).encode())[0] == 202
    with pytest.raises(InitFailed, match="No module named 'x'") as caught:
        ready.result(10)
    assert caught.value.error.type == "Runtime.ImportModuleError"


def test_an_answer_to_another_request_is_refused(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    answer = other.submit(runtime.exchange)
    runtime.ask("GET", "invocation/next")
    assert runtime.ask("POST", "invocation/r0/response", b"old")[0] == 400
    assert runtime.ask("POST", "invocation/r1/response", b"new")[0] == 202
    assert answer.result(10) == b"new"


def test_an_unknown_path_is_not_found(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    answer = other.submit(runtime.exchange)
    assert runtime.ask("GET", "restore/next")[0] == 404
    runtime.ask("GET", "invocation/next")
    runtime.ask("POST", "invocation/r1/response", b"")
    assert answer.result(10) == b""


def test_the_answer_may_come_on_another_connection(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    answer = other.submit(runtime.exchange)
    runtime.ask("GET", "invocation/next")
    first, runtime.connection = runtime.connection, runtime.connect()
    assert runtime.ask("POST", "invocation/r1/response", b"here")[0] == 202
    assert answer.result(10) == b"here"
    first.close()


def test_a_response_over_the_limit_is_refused(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    answer = other.submit(runtime.exchange)
    runtime.ask("GET", "invocation/next")
    assert runtime.ask("POST", "invocation/r1/response", b"x" * (PAYLOAD_LIMIT_BYTES + 1))[0] == 413
    error = answer.result(10)
    assert isinstance(error, InvocationError)
    assert error.type == "Function.ResponseSizeTooLarge"


def test_no_answer_in_time_is_a_missed_deadline(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    answer = other.submit(runtime.exchange, b"{}", 0.1)
    runtime.ask("GET", "invocation/next")
    with pytest.raises(DeadlineExceeded):
        answer.result(10)


def test_half_an_answer_in_time_is_a_missed_deadline_too(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    answer = other.submit(runtime.exchange, b"{}", 0.2)
    runtime.ask("GET", "invocation/next")
    runtime.connection.putrequest("POST", "/2018-06-01/runtime/invocation/r1/response")
    runtime.connection.putheader("Content-Length", "100")
    runtime.connection.endheaders(b"half")
    with pytest.raises(DeadlineExceeded):
        answer.result(10)


def test_a_process_that_dies_on_an_event_is_noticed_at_once(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    answer = other.submit(runtime.exchange, b"{}", 60.0)
    runtime.ask("GET", "invocation/next")
    runtime.alive = False
    runtime.connection.close()
    with pytest.raises(ProcessLost):
        answer.result(30)  # half of what the event may take


def test_a_closed_connection_of_a_live_process_is_not_its_death(runtime: Runtime, other: ThreadPoolExecutor) -> None:
    ready = other.submit(runtime.api.wait_ready, 10.0)
    runtime.connection.request("GET", "/2018-06-01/runtime/invocation/next")
    ready.result(10)
    runtime.connection.close()
    answer = other.submit(runtime.exchange)
    runtime.connection = runtime.connect()
    runtime.ask("GET", "invocation/next")
    runtime.ask("POST", "invocation/r1/response", b"again")
    assert answer.result(10) == b"again"


def test_a_process_that_never_comes_is_given_up(runtime: Runtime) -> None:
    with pytest.raises(DeadlineExceeded):
        runtime.api.wait_ready(0.05)
    runtime.alive = False
    with pytest.raises(ProcessLost):
        runtime.api.wait_ready(10.0)


def test_head_and_body_leave_in_one_piece(
    runtime: Runtime, other: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent apart, the body waits 40 ms for the peer's delayed acknowledgement: 22 events a second."""
    pieces: list[bytes] = []
    send = socket.socket.sendall

    def counted(self: socket.socket, data: bytes) -> None:
        pieces.append(bytes(data))
        send(self, data)

    answer = other.submit(runtime.exchange, b'{"n":1}')
    monkeypatch.setattr(socket.socket, "sendall", counted, raising=False)
    runtime.ask("GET", "invocation/next")
    runtime.ask("POST", "invocation/r1/response", b"ok")
    answer.result(10)
    answers = [piece for piece in pieces if piece.startswith(b"HTTP/1.1")]
    assert len(answers) == 2
    assert answers[0].endswith(b'\r\n\r\n{"n":1}')


def test_it_listens_on_loopback_only(runtime: Runtime) -> None:
    assert runtime.api.address.startswith("127.0.0.1:")
