"""Requests through the edge: its function in a JavaScript runtime, the cache of the templates, the real handlers."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from serving_layer.auth import handler, keys, origin
from serving_layer.auth.headers import KEY, ORIGIN, PLAN, SCOPES
from serving_layer.auth.keys import KeyCheck, hash_key, mint, record_of
from serving_layer.auth.origin import OriginSecret
from shared.errors import StoreUnavailable
from tests.fakes.edge_function import EdgeFunction
from tests.infrastructure.edge_in_front import Edge, Seen, front_door
from tests.infrastructure.templates import Templates
from tests.unit.serving_layer.alerts.client import PRICE, AlertsApi
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of
from tests.unit.serving_layer.events import Context

DAY_MS = 86_400_000
YESTERDAY = "/v2/aggs/ticker/SPY/range/1/minute/2013-10-07/2013-10-07"
TODAY = "/v2/aggs/ticker/SPY/range/1/minute/2013-10-08/2013-10-08"
SNAPSHOTS = "/v2/snapshot/locale/us/markets/stocks/tickers"


class Secrets:
    """Secrets Manager: values by stage."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.asked = 0

    def get_secret_value(self, SecretId: str, VersionStage: str) -> dict[str, str]:  # noqa: N803  (AWS's names)
        self.asked += 1
        if VersionStage not in self.values:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": self.values[VersionStage]}


class Place:
    """Everything from the client to the handlers."""

    def __init__(self, templates: Templates, function: EdgeFunction, executor: ThreadPoolExecutor) -> None:
        self.now_s = 0.0
        self.records: dict[str, dict[str, Any]] = {}
        self.secrets = Secrets(AWSCURRENT="s3cret")
        self.api = Api(control=Control(symbols=["SPY"]))
        for t in (T0 - DAY_MS, T0):
            for i in range(10):
                bar = minute_of(t + i * MINUTE, first=16_742, last=16_750, high=16_800, low=16_700)
                self.api.rows.put_base("SPY", t + i * MINUTE, bar, NOW_S)
        self.alerts = AlertsApi()
        self.checks = handler.Checks(
            KeyCheck(self, lambda: self.now_s), OriginSecret(self.secrets, "arn", lambda: self.now_s)
        )
        functions = {
            "AuthFunction": lambda event: handler.lambda_handler(event, None),
            "AlertsFunction": lambda event: self.alerts.app.resolve(event, Context()),  # type: ignore[arg-type]
            "ApiFunction": self.api.answer,
        }
        self.edge = Edge(templates, function, {}, front_door(templates, functions, executor), "s3cret")

    def key(self, key_id: str) -> dict[str, Any] | None:
        """The control table."""
        return self.records.get(key_id)

    def minted(self, scopes: str = "bars:read live:read alerts:write", plan: str = "live") -> dict[str, str]:
        """The header of a new key, known to the table and to the store."""
        key_id, key = mint(scopes.split())
        self.records[key_id] = record_of(key, scopes.split(), plan)
        self.edge.keys[hash_key(key)] = f"{plan} {','.join(scopes.split())}"
        return {"Authorization": f"Bearer {key}"}

    def later(self, seconds: float) -> None:
        self.now_s += seconds
        self.edge.now_s += seconds


@pytest.fixture(scope="module")
def function() -> Iterator[EdgeFunction]:
    with EdgeFunction() as running:
        yield running


@pytest.fixture
def place(templates: Templates, function: EdgeFunction, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with ThreadPoolExecutor(2) as executor:
        made = Place(templates, function, executor)
        monkeypatch.setattr(handler, "wire", lambda: made.checks)
        yield made


def key_of(headers: Mapping[str, str]) -> str:
    return headers["Authorization"].split()[1]


def refused(seen: Seen) -> bool:
    return (seen.status, seen.json["message"]) == (401, "Unknown API Key") and not seen.hit


def test_what_is_kept_for_one_key_is_given_to_another_and_to_nobody_without(place: Place) -> None:
    one, two = place.minted(), place.minted()
    first = place.edge.get(YESTERDAY, one)
    assert (first.status, first.hit, len(first.json["results"])) == (200, False, 10)
    again = place.edge.get(YESTERDAY, two)
    assert (again.status, again.hit, again.body) == (200, True, first.body)
    unknown = {"Authorization": f"Bearer {mint(['bars:read'])[1]}"}
    for headers in ({}, unknown, {"Authorization": "Bearer null"}):
        answer = place.edge.get(YESTERDAY, headers)
        assert refused(answer)
        assert answer.headers["www-authenticate"] == "Bearer"
    assert place.edge.get(f"{YESTERDAY}?apiKey={key_of(one)}").hit


def test_a_revoked_key_is_refused_what_is_kept_as_soon_as_the_store_is_told(place: Place) -> None:
    one, two = place.minted(), place.minted()
    assert place.edge.get(YESTERDAY, one).status == 200
    del place.edge.keys[hash_key(key_of(one))]
    assert refused(place.edge.get(YESTERDAY, one))
    assert place.edge.get(YESTERDAY, two).hit


def test_a_key_that_only_the_table_knows_to_be_revoked_gets_no_new_answer(place: Place) -> None:
    one = place.minted()
    assert place.edge.get(YESTERDAY, one).status == 200
    record = place.records[key_of(one).split("_")[1]]
    record["revoked"] = True
    place.later(keys.KEPT_S)
    assert refused(place.edge.get(TODAY, one))


def test_who_comes_past_the_edge_is_denied_whatever_he_holds(place: Place) -> None:
    good = place.minted()
    digest = hash_key(key_of(good))
    vouched = {KEY: f"{key_of(good).split('_')[1]}.{digest}", PLAN: "live", SCOPES: "bars:read"}
    for headers in ({}, good, vouched, {**vouched, ORIGIN: ""}, {**vouched, ORIGIN: "s3cre"}, {**good, ORIGIN: "é"}):
        answer = place.edge.past(YESTERDAY, headers)
        assert (answer.status, answer.json["status"]) == (403, "NOT_AUTHORIZED"), headers
    assert place.edge.past(YESTERDAY, {**vouched, ORIGIN: "s3cret"}).status == 200
    assert place.edge.past("/v1/health", {}).status == 200, "health tells counts to everybody, here too"


def test_with_the_secret_but_without_a_hash_nobody_is_let_in(place: Place) -> None:
    good = place.minted()
    key_id = key_of(good).split("_")[1]
    for said in (key_id, f"{key_id}.", f"{key_id}.{hash_key('x')}", key_of(good), f"{'0' * 12}.{'0' * 64}"):
        headers = {**good, ORIGIN: "s3cret", KEY: said, PLAN: "live", SCOPES: "bars:read"}
        assert refused(place.edge.past(YESTERDAY, headers)), said


def test_the_secret_changes_in_use(place: Place) -> None:
    good = place.minted()
    assert place.edge.get(YESTERDAY, good).status == 200
    place.secrets.values = {"AWSCURRENT": "n3w", "AWSPREVIOUS": "s3cret"}
    for seconds in (origin.PAUSE_S, origin.KEPT_S):
        place.later(seconds)
        assert place.edge.get(YESTERDAY, good).status == 200, "the edge still shows the one before"
    place.edge.secret = "n3w"
    assert place.edge.get(TODAY, good).status == 200
    place.secrets.values = {"AWSCURRENT": "n3wer", "AWSPREVIOUS": "n3w"}
    place.later(origin.KEPT_S)
    assert place.edge.get(YESTERDAY, good).status == 200
    assert place.edge.past(YESTERDAY, {**good, ORIGIN: "s3cret"}).status == 403


def test_a_value_that_was_seen_is_refused_once_it_is_no_longer_the_one_before(place: Place) -> None:
    good = place.minted()
    place.secrets.values = {"AWSCURRENT": "n3w", "AWSPREVIOUS": "s3cret"}
    place.edge.secret = "n3w"
    vouched = {**good, ORIGIN: "s3cret", KEY: f"{key_of(good).split('_')[1]}.{hash_key(key_of(good))}", PLAN: "live"}
    vouched[SCOPES] = "bars:read"
    assert place.edge.past(YESTERDAY, vouched).status == 200, "it is the one before"
    del place.secrets.values["AWSPREVIOUS"]
    place.later(origin.KEPT_S)
    assert place.edge.past(YESTERDAY, vouched).status == 403
    assert place.edge.get(TODAY, good).status == 200


def test_a_new_secret_is_good_within_seconds_and_a_wrong_one_asks_for_it_seldom(place: Place) -> None:
    good = place.minted()
    assert place.edge.get(YESTERDAY, good).status == 200
    place.secrets.values = {"AWSCURRENT": "n3w", "AWSPREVIOUS": "s3cret"}
    place.edge.secret = "n3w"
    place.later(origin.PAUSE_S)
    asked = place.secrets.asked
    for _ in range(20):
        place.edge.past(TODAY, {ORIGIN: "guess"})
    assert place.secrets.asked == asked + 2, "one look at two values"
    assert place.edge.get(TODAY, good).status == 200


def test_what_a_client_says_of_its_plan_is_overwritten(place: Place) -> None:
    live, delayed = place.minted("bars:read"), place.minted("bars:read", "delayed")
    assert not place.edge.get(YESTERDAY, live).hit
    said = {PLAN: "live", SCOPES: "bars:read", **delayed}
    assert not place.edge.get(YESTERDAY, said).hit, "kept for the live plan"
    assert place.edge.get(YESTERDAY, delayed).hit


def test_a_key_without_the_scope_is_not_given_what_is_kept_for_those_who_have_it(place: Place) -> None:
    live, bars = place.minted("bars:read live:read"), place.minted("bars:read")
    for hit in (False, True):
        answer = place.edge.get(SNAPSHOTS, live)
        assert (answer.status, answer.hit) == (200, hit)
    answer = place.edge.get(SNAPSHOTS, bars)
    assert (answer.status, answer.json["status"]) == (403, "NOT_AUTHORIZED")
    assert place.edge.get(SNAPSHOTS, live).hit


def test_an_answer_is_never_kept_under_fewer_rights_than_it_takes(place: Place) -> None:
    """The store and the table disagree: the lesser of what they say counts."""
    key = place.minted("bars:read live:read")
    place.edge.keys[hash_key(key_of(key))] = "live bars:read"
    assert place.edge.get(SNAPSHOTS, key).status == 403
    place.edge.keys[hash_key(key_of(key))] = "delayed bars:read,live:read"
    assert refused(place.edge.get(SNAPSHOTS, key))


def test_what_the_api_does_not_read_does_not_pass_the_cache_by(place: Place) -> None:
    key = place.minted()
    assert not place.edge.get(f"{YESTERDAY}?limit=500&adjusted=true", key).hit
    for query in ("adjusted=true&limit=500", "limit=500&utm=x&adjusted=true&_=17", "%6Cimit=%35%30%30&adjusted=true"):
        assert place.edge.get(f"{YESTERDAY}?{query}", key).hit, query
    assert not place.edge.get(f"{YESTERDAY}?limit=501&adjusted=true", key).hit


def test_answers_are_kept_for_as_long_as_they_say(place: Place) -> None:
    key = place.minted()
    for url, seconds in ((TODAY, 1), (YESTERDAY, 60)):
        said = place.edge.get(url, key).headers["cache-control"]
        assert said == f"max-age=0, s-maxage={seconds}, stale-if-error=0"
        place.later(seconds - 0.1)
        assert place.edge.get(url, key).hit
        place.later(0.1)
        assert not place.edge.get(url, key).hit


def test_what_has_expired_is_not_given_while_the_api_fails(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    key = place.minted()
    assert place.edge.get(TODAY, key).status == 200

    def away(*_: Any, **__: Any) -> Iterator[Any]:
        raise StoreUnavailable("bars table: away")

    monkeypatch.setattr(place.api.rows, "minutes", away)
    place.later(0.9)
    assert place.edge.get(TODAY, key).hit, "it has not expired"
    place.later(0.1)
    answer = place.edge.get(TODAY, key)
    assert (answer.status, answer.hit) == (503, False)
    assert answer.headers["retry-after"] == "1"


def test_a_page_is_not_given_to_who_called_the_edge_by_another_name(place: Place) -> None:
    key = place.minted()
    for host in ("bars.example.com", "d1.cloudfront.net"):
        page = place.edge.get(f"{YESTERDAY}?limit=5", {**key, "Host": host})
        assert page.json["next_url"].startswith(f"https://{host}/")
        assert not page.hit


def test_alerts_belong_to_their_key_and_are_never_kept(place: Place) -> None:
    one, two = place.minted(), place.minted()
    sent = {**one, "Content-Type": "application/json"}
    added = place.edge.send("POST", "/v1/alerts", sent, json.dumps(PRICE).encode())
    assert added.status == 201
    for key, count in ((one, 1), (two, 0), (one, 1)):
        listed = place.edge.get("/v1/alerts", key)
        assert (listed.status, len(listed.json["results"]), listed.hit) == (200, count, False)
    assert place.edge.get("/v1/alerts", place.minted("bars:read")).status == 403
    removed = place.edge.send("DELETE", f"/v1/alerts/{added.json['results']['id']}", one)
    assert (removed.status, removed.headers["cache-control"]) == (204, "no-store")


def test_who_asks_at_the_same_moment_does_not_get_the_refusal_of_another(place: Place) -> None:
    owner, stranger, revoked = place.minted(), place.minted(), place.minted()
    place.records[key_of(revoked).split("_")[1]]["revoked"] = True
    sent = {**owner, "Content-Type": "application/json"}
    added = place.edge.send("POST", "/v1/alerts", sent, json.dumps(PRICE).encode()).json["results"]
    answers = place.edge.together(f"/v1/alerts/{added['id']}", [stranger, owner, revoked, owner])
    assert [(answer.status, answer.hit) for answer in answers] == [(code, False) for code in (404, 200, 401, 200)]
    answers = place.edge.together(YESTERDAY, [revoked, owner, stranger])
    assert [(answer.status, answer.hit) for answer in answers] == [(401, False), (200, False), (200, True)]
    alike = place.edge.together(TODAY, [owner, stranger])
    assert [(answer.status, answer.hit) for answer in alike] == [(200, False), (200, True)], "bars are for all"


@pytest.mark.parametrize("url", ["/v1/health", "/v1/nothing", f"{YESTERDAY}?limit=0", "/v3/trades/SPY", "/v1/alerts/x"])
def test_what_is_not_kept_says_so(place: Place, url: str) -> None:
    assert place.edge.get(url, place.minted()).headers["cache-control"] == "no-store"


def test_health_is_answered_without_a_key_and_never_kept(place: Place) -> None:
    for _ in range(2):
        answer = place.edge.get("/v1/health?apiKey=x")
        assert (answer.status, answer.hit) == (200, False)


def test_a_refusal_is_never_kept(place: Place) -> None:
    key = place.minted()
    for url, code in ((f"{YESTERDAY}?limit=0", 400), ("/v1/nothing", 404), (SNAPSHOTS + "/ZZZ", 404)):
        for _ in range(2):
            answer = place.edge.get(url, key)
            assert (answer.status, answer.hit) == (code, False)
