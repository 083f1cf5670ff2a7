"""REQUEST authorisers against "Input to / Output from an API Gateway Lambda authorizer"."""

import json
from copy import deepcopy
from typing import Any

import pytest

from local_dev.runtime.deployment import Authorizer
from local_dev.runtime.gateway.responses import Answer
from local_dev.runtime.invocation import InvocationError, failed
from tests.unit.local_dev.runtime_servers.gateway.conftest import ALLOW, Functions, Send, request, rest_api, route

KEYS = Authorizer("auth", (), 0)
METHOD = "arn:aws:execute-api:us-east-1:000000000000:a1b2c3/prod/GET/t/SPY"


def functions(answer: Any) -> Functions:
    return Functions(auth=lambda _: answer, api=lambda _: {"statusCode": 200, "body": "ok"})


def ask(send: Send, called: Functions, authorizer: Authorizer = KEYS, **changes: Any) -> Answer:
    api = rest_api(route("GET", "/t/{ticker}", authorizer=authorizer))
    return send(api, called, request(path="/t/SPY", **changes))


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"principalId": "k1", "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}


def statement(effect: str = "Allow", action: Any = "execute-api:Invoke", resource: Any = METHOD) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


def test_the_authoriser_is_asked_first_with_the_whole_request(send: Send) -> None:
    called = functions(ALLOW)
    headers = (("Host", "localhost:1"), ("Authorization", "Bearer cv_1_x"))
    assert ask(send, called, headers=headers, query="apiKey=a&apiKey=b").body == b"ok"
    assert called.called == ["auth", "api"]
    event = called.event("auth")
    assert (event["type"], event["methodArn"]) == ("REQUEST", METHOD)
    assert event["headers"]["Authorization"] == "Bearer cv_1_x"
    assert event["multiValueQueryStringParameters"] == {"apiKey": ["a", "b"]}
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/t/{ticker}", "/t/SPY", "GET")
    assert event["pathParameters"] == {"ticker": "SPY"}
    assert event["requestContext"]["requestId"] == "7f3d"
    assert "body" not in event


def test_what_it_says_about_the_caller_reaches_the_function_as_strings(send: Send) -> None:
    called = functions(ALLOW)
    ask(send, called)
    assert called.event()["requestContext"]["authorizer"] == {
        "principalId": "k1",
        "scopes": "bars:read",
        "limit": "5",
        "live": "true",
    }


def test_every_request_is_asked_about_again(send: Send) -> None:
    called = functions(ALLOW)
    ask(send, called)
    ask(send, called)
    assert called.called.count("auth") == 2


@pytest.mark.parametrize(
    "resource",
    [METHOD, "*", "arn:aws:execute-api:us-east-1:000000000000:a1b2c3/prod/*/t/*", METHOD[:-1] + "?", ["no", METHOD]],
)
def test_a_policy_may_allow_by_pattern_or_list(send: Send, resource: Any) -> None:
    assert ask(send, functions(policy(statement(resource=resource)))).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        policy(),
        policy(statement(action="execute-api:ManageConnections")),
        policy(statement(resource=METHOD.replace("SPY", "SPYX"))),
        policy(statement(resource=METHOD.replace("GET", "POST"))),
    ],
)
def test_what_no_statement_allows_is_denied(send: Send, answer: Any) -> None:
    called = functions(answer)
    refused = ask(send, called)
    message = "User is not authorized to access this resource"
    assert (refused.status, json.loads(refused.body), called.called) == (403, {"message": message}, ["auth"])


def test_a_deny_wins_over_an_allow_and_says_so(send: Send) -> None:
    refused = ask(send, functions(policy(statement(), statement("Deny", resource="*"))))
    message = "User is not authorized to access this resource with an explicit deny"
    assert (refused.status, json.loads(refused.body)) == (403, {"message": message})


def test_the_exception_unauthorized_is_a_401(send: Send) -> None:
    called = functions(InvocationError("Exception", "Unauthorized"))
    refused = ask(send, called)
    assert (refused.status, json.loads(refused.body)) == (401, {"message": "Unauthorized"})
    assert called.called == ["auth"]


@pytest.mark.parametrize(
    "answer",
    [
        InvocationError("KeyError", "boom"),
        InvocationError("Sandbox.Timedout", "timed out"),
        failed(InvocationError("TooManyRequestsException", "Rate Exceeded."), reached=False),
    ],
)
def test_an_authoriser_that_fails_is_a_500_without_a_word(send: Send, answer: Any) -> None:
    refused = ask(send, functions(answer))
    assert (refused.status, json.loads(refused.body)) == (500, {"message": None})


def without(field: str) -> dict[str, Any]:
    answer = deepcopy(ALLOW)
    del answer[field]
    return answer


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense",
        None,
        {},
        without("principalId"),
        without("policyDocument"),
        ALLOW | {"principalId": 5},
        ALLOW | {"context": {"a": {"nested": 1}}},
        ALLOW | {"context": {"a": None}},
    ],
)
def test_an_answer_that_is_no_policy_is_a_500(send: Send, answer: Any) -> None:
    refused = ask(send, functions(answer))
    assert (refused.status, json.loads(refused.body)) == (500, {"message": None})


def test_a_missing_identity_source_is_a_401_without_a_call(send: Send) -> None:
    called = functions(ALLOW)
    authorizer = Authorizer("auth", ("method.request.header.Authorization", "method.request.querystring.k"), 0)
    full = (("Host", "localhost:1"), ("authorization", "x"))
    assert ask(send, called, authorizer, headers=full).status == 401
    assert ask(send, called, authorizer, headers=full, query="k=").status == 401
    assert ask(send, called, authorizer, query="k=1").status == 401
    assert called.called == []
    assert ask(send, called, authorizer, headers=full, query="k=1").status == 200
