"""What runs at the edge before the cache, in a JavaScript runtime."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from serving_layer.api.handler import _GROUPS
from serving_layer.auth.keys import hash_key
from tests.fakes.edge_function import HOST, VIEWER_REQUEST, EdgeFunction, FunctionFailed, viewer_request
from tests.unit.serving_layer.alerts.client import AlertsApi
from tests.unit.serving_layer.doubles import Api
from tests.unit.serving_layer.events import proxy_event

KEY_ID = "0123456789ab"
KEY, UNKNOWN = f"cv_{KEY_ID}_{'aZ09-_' * 7}x", f"cv_{KEY_ID}_{'aZ09-_' * 7}y"
KEYS = {hash_key(KEY): "live bars:read,live:read"}
BARS = "/v2/aggs/ticker/SPY/range/1/minute/2013-10-08/2013-10-08"
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def function() -> Iterator[EdgeFunction]:
    with EdgeFunction() as running:
        yield running


def headers_of(request: Mapping[str, Any]) -> dict[str, str]:
    return {name: header["value"] for name, header in request["headers"].items()}


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", BEARER),
        ("", {"Authorization": f"bearer   {KEY} "}),
        (f"apiKey={KEY}", {}),
        (f"apiKey={KEY.replace('_', '%5F')}", {}),
        ("apiKey=another", BEARER),
        (f"apiKey={KEY}", {"Authorization": "Basic YTpi"}),
    ],
)
def test_a_good_key_goes_no_further_and_what_it_opens_does(
    function: EdgeFunction, query: str, headers: dict[str, str]
) -> None:
    passed = function.run(viewer_request(BARS, query, {"Accept": "*/*", **headers}), KEYS)
    assert headers_of(passed) == {
        "host": HOST,
        "accept": "*/*",
        "x-cv-host": HOST,
        "x-cv-key": f"{KEY_ID}.{hash_key(KEY)}",
        "x-cv-plan": "live",
        "x-cv-scopes": "bars:read,live:read",
    }
    assert (passed["uri"], passed["querystring"]) == (BARS, "")
    assert KEY.split("_", 2)[2] not in str(passed)


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("", {"Authorization": ""}),
        ("", {"Authorization": "Bearer"}),
        ("", {"Authorization": "Bearer null"}),
        ("", {"Authorization": f"Basic {KEY}"}),
        ("", {"Authorization": f"Bearer {'x' * 10_000}"}),
        ("", {"Authorization": f"Bearer {UNKNOWN}"}),
        ("", {"Authorization": f"Bearer {KEY}x"}),
        (f"apiKey={KEY}", {"Authorization": "Bearer wrong"}),
        (f"api_key={KEY}", {}),
        ("apiKey=%zz", {}),
        ("apiKey=", {"x-cv-key": f"{KEY_ID}.{hash_key(KEY)}", "x-cv-plan": "live", "x-cv-scopes": "live:read"}),
    ],
)
def test_who_has_no_key_is_told_so_before_the_cache(
    function: EdgeFunction, query: str, headers: dict[str, str]
) -> None:
    refused = function.run(viewer_request(BARS, query, headers), KEYS)
    assert refused == {
        "statusCode": 401,
        "statusDescription": "Unauthorized",
        "headers": {
            "cache-control": {"value": "no-store"},
            "content-type": {"value": "application/json"},
            "www-authenticate": {"value": "Bearer"},
        },
        "body": {
            "encoding": "text",
            "data": '{"status":"ERROR","request_id":"EXAMPLEntjQpEXAMPLE",'
            '"error":"Unknown API Key","message":"Unknown API Key"}',
        },
    }


def test_a_hash_that_is_stored_opens_nothing_for_what_is_no_key(function: EdgeFunction) -> None:
    """The store is asked for whatever came; only the form of a key makes it one."""
    assert function.run(viewer_request(BARS), {hash_key(""): "live bars:read"})["statusCode"] == 401


def test_a_key_that_the_store_no_longer_has_is_refused(function: EdgeFunction) -> None:
    asked = viewer_request(BARS, "", BEARER)
    assert "statusCode" not in function.run(asked, KEYS)
    assert function.run(asked, {})["statusCode"] == 401


def test_a_store_that_does_not_answer_lets_nobody_in_and_refuses_no_key(function: EdgeFunction) -> None:
    with pytest.raises(FunctionFailed):
        function.run(viewer_request(BARS, "", BEARER), None)


def test_what_a_client_says_of_itself_is_overwritten(function: EdgeFunction) -> None:
    said = dict.fromkeys(("x-cv-plan", "X-CV-Scopes", "x-cv-key", "x-cv-host", "x-cv-origin", "x-cv-more"), "mine")
    passed = headers_of(
        function.run(viewer_request(BARS, "", {**BEARER, **said}), {hash_key(KEY): "delayed bars:read"})
    )
    assert "mine" not in passed.values()
    assert (passed["x-cv-plan"], passed["x-cv-scopes"], passed["x-cv-host"]) == ("delayed", "bars:read", HOST)


def test_health_needs_no_key_and_gets_none(function: EdgeFunction) -> None:
    passed = function.run(viewer_request("/v1/health", f"apiKey={KEY}&x=1", {**BEARER, "x-cv-plan": "live"}), {})
    assert headers_of(passed) == {"host": HOST, "x-cv-host": HOST}
    assert passed["querystring"] == ""
    for other in ("/v1/health/", "/v1//health", "/v1/healthy", "/V1/health", "/v1/health/../signals"):
        assert function.run(viewer_request(other), KEYS)["statusCode"] == 401


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("limit=5&adjusted=true", "adjusted=true&limit=5"),
        ("adjusted=true&limit=5&utm=x&_=17&callback=f", "adjusted=true&limit=5"),
        ("%6Cimit=5&limit%2egte=1", "limit=5"),
        ("ticker.gte=A&ticker=%41%42&ticker.lt=B&ticker.like=C", "ticker=AB&ticker.gte=A&ticker.lt=B"),
        ("as_of=2024-01-02T03:04:05%2B00:00", "as_of=2024-01-02T03%3A04%3A05%2B00%3A00"),
        ("search=a+b", "search=a%20b"),
        ("search=a%20b%26limit%3D7", "search=a%20b%26limit%3D7"),
        ("limit=2&limit=1", "limit=2&limit=1"),
        ("limit=%zz&sort", "limit=%zz&sort="),
        ("__proto__=1&constructor=2&limit=", "limit="),
    ],
)
def test_the_query_goes_on_in_one_spelling_without_what_is_not_read(
    function: EdgeFunction, query: str, canonical: str
) -> None:
    assert function.run(viewer_request(BARS, query, BEARER), KEYS)["querystring"] == canonical


class Recorder(dict[str, list[str]]):
    """A query that notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__({"x": ["1"]})  # an empty one is taken for none
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return default


def test_the_names_that_go_on_are_those_that_the_api_reads() -> None:
    query = Recorder()
    api, alerts = Api(), AlertsApi()
    for rule in (rule for group in _GROUPS for rule in group.RULES):
        path = re.sub("<(start|end|date)>", "2013-10-08", rule)
        path = path.replace("<multiplier>", "1").replace("<timespan>", "minute").replace("<ticker>", "SPY")
        api.answer({**proxy_event(path), "multiValueQueryStringParameters": query})
    for path in ("/v1/alerts", "/v1/alerts/fired"):
        alerts.send("GET", path, query=query)
    source = VIEWER_REQUEST.read_text()
    listed = {
        name: re.findall("'([^']+)'", source.split(f"const {name} = [")[1].split("]")[0])
        for name in ("NAMES", "RANGED")
    }
    suffixes = ("", ".gte", ".gt", ".lte", ".lt")
    known = {*listed["NAMES"], *(name + suffix for name in listed["RANGED"] for suffix in suffixes)}
    assert query.asked - known == set(), "the API would never see these"
    assert set(listed["NAMES"]) - query.asked == set()
    assert {name for name in listed["RANGED"] if name not in {asked.split(".")[0] for asked in query.asked}} == set()


def test_it_is_within_the_limits_of_a_function_and_its_language() -> None:
    """ECMAScript 5.1 and of the later ones const, let, async, await, arrows, templates: no other statement, no other
    module, and no closure within an async function."""
    source = VIEWER_REQUEST.read_text()
    assert len(source.encode()) < 10_240
    code = re.sub(r"//[^\n]*|'[^'\n]*'|`[^`]*`", "''", source)
    assert re.findall(r"^import .*$|require\(.*?\)", source, re.MULTILINE) == [
        "import cf from 'cloudfront';",
        "require('crypto')",
    ]
    for newer in (
        r"\?\.",
        r"\?\?",
        r"\bclass\b",
        r"\bof\b",
        r"\.\.\.",
        r"\byield\b",
        r"(const|let) *[\[{]",
        r"\b\w+ *=> *{? *await",
    ):
        assert not re.search(newer, code), newer
    asynchronous = code.split("async function ")[1].split("\n}\n")[0]
    assert "=>" not in asynchronous
    assert "function" not in asynchronous
