"""The order of a first deployment, and that CloudFormation hears of every end."""

import io
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batch_layer import bootstrap
from batch_layer.bootstrap import (
    PAUSES_S,
    ROLES,
    Bootstrap,
    BootstrapSettings,
    call_function,
    lambda_handler,
    put_answer,
)
from shared.errors import StoreUnavailable

SETTINGS = BootstrapSettings("arn:cluster", "arn:secret", "condvest", "migrate")
REQUEST = {
    "RequestType": "Create",
    "ResponseURL": "https://cloudformation.example/answer?signed",
    "StackId": "arn:stack",
    "RequestId": "4-5-6",
    "LogicalResourceId": "Schema",
}


class FakeDataApi:
    """Answers with these error codes in turn, then takes every statement."""

    def __init__(self, *codes: str, log: list[str] | None = None) -> None:
        self._codes, self.taken = list(codes), []  # type: tuple[list[str], list[Mapping[str, str]]]
        self._log = [] if log is None else log

    def execute_statement(self, **asked: str) -> object:
        if self._codes:
            raise refused(self._codes.pop(0))
        self.taken.append(asked)
        self._log.append("roles")
        return {"numberOfRecordsUpdated": 0}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "words of AWS"}}, "ExecuteStatement")


def test_the_roles_are_made_by_the_master_before_the_schema_is_brought_up_to_date() -> None:
    order: list[str] = []
    data_api = FakeDataApi(log=order)

    def migrate() -> Mapping[str, Any]:
        order.append("schema")
        return {"applied": ["0001_bars.sql"]}

    assert Bootstrap(SETTINGS, data_api, migrate).run() == ["0001_bars.sql"]
    assert order == ["roles", "schema"]
    assert data_api.taken == [
        {
            "resourceArn": "arn:cluster",
            "secretArn": "arn:secret",
            "database": "condvest",
            "sql": ROLES.read_text(),
        }
    ]


def test_a_database_that_has_paused_is_waited_for() -> None:
    slept: list[float] = []
    data_api = FakeDataApi("DatabaseResumingException", "DatabaseResumingException")
    Bootstrap(SETTINGS, data_api, lambda: {"applied": []}, slept.append).run()
    assert slept == list(PAUSES_S[:2])
    assert len(data_api.taken) == 1


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (["DatabaseResumingException"] * len(PAUSES_S), "did not wake up within 62 s"),
        (["BadRequestException"], r"roles could not be made: .*BadRequestException.*words of AWS"),
    ],
)
def test_without_roles_the_schema_is_left_alone(codes: list[str], words: str) -> None:
    def never() -> Mapping[str, Any]:
        raise AssertionError("there is nobody to own it")

    with pytest.raises(StoreUnavailable, match=words):
        Bootstrap(SETTINGS, FakeDataApi(*codes), never, lambda _: None).run()


class FakeLambda:
    def __init__(self, told: Mapping[str, Any], failed: str = "") -> None:
        self._told, self._failed = told, failed

    def invoke(self, **asked: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {"Payload": io.BytesIO(json.dumps(self._told).encode())}
        return answer | ({"FunctionError": self._failed} if self._failed else {})


Deploy = Callable[[Mapping[str, Any]], dict[str, Any]]


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """What CloudFormation is told of a request, with these stand-ins of AWS."""
    for name in BootstrapSettings.__struct_fields__:
        monkeypatch.setenv(name.upper(), getattr(SETTINGS, name))
    monkeypatch.setattr("time.sleep", lambda _: None)

    def ask(stand_ins: Mapping[str, Any], **changed: str) -> dict[str, Any]:
        told: dict[str, Any] = {}
        monkeypatch.setattr(bootstrap, "client", lambda service, *_, **__: stand_ins[service])

        def put(url: str, body: bytes) -> None:
            assert url == REQUEST["ResponseURL"]
            told.update(json.loads(body))

        monkeypatch.setattr(bootstrap, "put_answer", put)
        lambda_handler({**REQUEST, **changed}, None)
        return told

    return ask


def test_cloudformation_hears_that_the_database_is_ready(deploy: Deploy) -> None:
    told = deploy({"rds-data": FakeDataApi(), "lambda": FakeLambda({"applied": []})})
    assert told == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "database-schema",
        "StackId": "arn:stack",
        "RequestId": "4-5-6",
        "LogicalResourceId": "Schema",
    }


def test_cloudformation_hears_why_a_migration_failed(deploy: Deploy) -> None:
    failed = FakeLambda({"errorType": "PermanentError", "errorMessage": "0001 was changed"}, "Unhandled")
    told = deploy({"rds-data": FakeDataApi(), "lambda": failed})
    assert (told["Status"], told["Reason"]) == (
        "FAILED",
        "StoreUnavailable: migrate: PermanentError: 0001 was changed",
    )


def test_cloudformation_hears_of_a_service_that_refuses(deploy: Deploy) -> None:
    told = deploy({"rds-data": FakeDataApi("AccessDeniedException"), "lambda": FakeLambda({})})
    assert told["Status"] == "FAILED"
    assert "AccessDeniedException" in told["Reason"]


def test_a_deleted_resource_leaves_the_database_alone(deploy: Deploy) -> None:
    told = deploy({}, RequestType="Delete")  # type: ignore[call-arg]  # fields of the request
    assert told["Status"] == "SUCCESS"


def test_a_function_that_failed_without_words_is_a_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "client", lambda *_, **__: FakeLambda({}, "Unhandled"))
    with pytest.raises(StoreUnavailable, match="migrate: None: None"):
        call_function("migrate")


def test_the_answer_is_put_where_cloudformation_waits_as_it_was_signed() -> None:
    """The address is signed for a body without a type."""
    heard: list[tuple[str, str, str, bytes]] = []

    class Waiting(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.command, self.path, self.headers["Content-Type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Waiting) as server:
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        put_answer(f"http://127.0.0.1:{server.server_port}/answer?signed", b"{}")
        answering.join()
    assert heard == [("PUT", "/answer?signed", "", b"{}")]
