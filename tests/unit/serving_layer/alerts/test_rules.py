"""Rules of alerts, request by request."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from serving_layer.alerts import rules
from shared.errors import InvalidRecord
from shared.models.alert import Crossing, State
from shared.stores.alerts import Held
from tests.unit.serving_layer.alerts.client import JSON, NOW_MS, PRICE, AlertsApi

OTHER: dict[str, Any] = {"key": "ba9876543210"}


@pytest.fixture
def api() -> AlertsApi:
    return AlertsApi()


def test_an_alert_is_added_read_changed_and_removed(api: AlertsApi) -> None:
    added = api.add(note="mind the gap")
    assert added | {"id": ""} == {
        "id": "", "version": 1, "ticker": "SPY", "repeat": "once", "cooldown_s": 60, "session": "any", "expires": None,
        "when": {"type": "price", "level": 170.5, "direction": "either", "hysteresis": 0},
        "note": "mind the gap", "status": "active", "fired_at": None, "created_at": NOW_MS, "changed_at": NOW_MS,
    }  # fmt: skip
    url = f"/v1/alerts/{added['id']}"
    assert api.send("GET", url)[1]["results"] == added
    assert api.send("GET", "/v1/alerts")[1]["results"] == [added]
    code, changed = api.send("PUT", url, {**PRICE, "repeat": "every"})
    assert (code, changed["results"]["version"], changed["results"]["repeat"]) == (200, 2, "every")
    assert api.send("PUT", url, {**PRICE, "repeat": "every"})[1]["results"]["version"] == 2, "it is so already"
    assert api.send("DELETE", url) == (204, {})
    assert [api.send(method, url, PRICE)[0] for method in ("DELETE", "GET", "PUT")] == [404, 404, 404]


def test_the_same_rule_again_is_the_same_alert_until_it_is_done(api: AlertsApi) -> None:
    added = api.add()
    assert api.send("POST", "/v1/alerts", PRICE) == (200, api.send("GET", f"/v1/alerts/{added['id']}")[1])
    api.rows.put_state(added["id"], 1, Held(State("", "x", 5, 5, done=True), (), 1))
    assert api.send("GET", f"/v1/alerts/{added['id']}")[1]["results"]["status"] == "done"
    assert api.add()["id"] != added["id"]


def test_another_keys_alert_is_not_there(api: AlertsApi) -> None:
    url = f"/v1/alerts/{api.add()['id']}"
    for method in ("GET", "PUT", "DELETE"):
        code, body = api.send(method, url, PRICE, **OTHER)
        assert (code, body["status"]) == (404, "NOT_FOUND")
    assert api.send("GET", "/v1/alerts", **OTHER)[1]["results"] == []
    assert api.send("GET", url)[0] == 200


def test_an_alert_that_cannot_be_read_is_said_to_be_one_and_can_be_removed(api: AlertsApi) -> None:
    url = f"/v1/alerts/{api.add()['id']}"

    def unreadable(call: str) -> None:
        if call == "rule":
            raise InvalidRecord("rule")

    api.rows.before = unreadable
    for method in ("GET", "PUT"):
        code, body = api.send(method, url, {**PRICE, "repeat": "every"})
        assert (code, body["status"]) == (409, "UNREADABLE")
    api.rows.before = lambda call: None
    assert api.send("DELETE", url) == (204, {})


def test_an_alert_whose_state_cannot_be_read_is_listed_as_one(api: AlertsApi) -> None:
    added = api.add()

    def unreadable(call: str) -> None:
        if call == "state":
            raise InvalidRecord("state")

    api.rows.before = unreadable
    code, body = api.send("GET", "/v1/alerts")
    assert (code, body["results"]) == (200, [{**added, "status": "unreadable"}])
    assert api.send("POST", "/v1/alerts", PRICE)[1]["results"]["id"] == added["id"], "it is there"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_scope_for_alerts_is_asked_for(api: AlertsApi, method: str) -> None:
    assert api.send(method, "/v1/alerts", PRICE, scopes="bars:read live:read")[0] == 403
    assert api.send("GET", "/v1/alerts/fired", scopes="bars:read")[0] == 403
    assert not api.rows.rows


def test_amounts_keep_every_digit(api: AlertsApi) -> None:
    text = '{"ticker":"BRK.A","when":{"type":"price","level":100000000.123456789,"hysteresis":1.50e-1}}'
    code, _ = api.send("POST", "/v1/alerts", text)
    assert code == 201
    (held,) = api.rows.rows.values()
    assert json.loads(json.dumps(api.send("GET", "/v1/alerts")[1]))["results"][0]["when"]["hysteresis"] == 0.15
    assert (held.rule.when.level, held.rule.when.hysteresis) == ("100000000.123456789", "0.15")  # type: ignore[union-attr]  # a price


def test_pages_hold_each_alert_once(api: AlertsApi) -> None:
    ids = sorted(api.add(note=str(number))["id"] for number in range(7))
    url, found = "/v1/alerts?limit=3", []
    while url:
        page = api.send("GET", url)[1]
        found.append([one["id"] for one in page["results"]])
        parts = urlsplit(page.get("next_url", ""))
        url = f"{parts.path}?{parts.query}" if parts.path else ""
    assert found == [ids[:3], ids[3:6], ids[6:]]
    assert api.send("GET", "/v1/alerts?cursor=xyz")[0] == 400
    assert api.send("GET", "/v1/alerts?limit=101")[0] == 400


def test_a_key_has_so_many_alerts_and_no_more(api: AlertsApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_ALERTS", 2)
    for number in range(2):
        api.add(note=str(number))
    code, body = api.send("POST", "/v1/alerts", {**PRICE, "note": "2"})
    assert (code, body["status"]) == (409, "TOO_MANY_ALERTS")
    assert api.send("POST", "/v1/alerts", {**PRICE, "note": "2"}, **OTHER)[0] == 201


def test_a_change_that_another_overtook_is_refused(api: AlertsApi) -> None:
    added = api.add()
    api.rows.before = lambda call: api.rows.removed.update(api.rows.rows) if call == "put_rule" else None
    assert api.send("PUT", f"/v1/alerts/{added['id']}", {**PRICE, "repeat": "every"})[0] == 409


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ticker": "SPY;DROP"}, "ticker"), ({"ticker": "ＳＰＹ"}, "ticker"), ({"ticker": 5}, "ticker"),
        ({"owner": "ba9876543210"}, "not known"), ({"__proto__": {}}, "not known"),
        ({"when": {"type": "price"}}, "'level' is missing"), ({"when": {"level": 1}}, "'type'"),
        ({"when": {"type": "webhook", "level": 1}}, "'type'"), ({"when": []}, "'when'"), ({"when": None}, "'when'"),
        ({"when": {"type": "price", "level": "170"}}, "'level' must be a number"),
        ({"when": {"type": "price", "level": True}}, "'level'"), ({"when": {"type": "price", "level": -5}}, "'level'"),
        ({"when": {"type": "price", "level": 0}}, "level must be more than 0"),
        ({"when": {"type": "price", "level": 1e400}}, "JSON"), ({"when": {"type": "price", "level": 10**39}}, "JSON"),
        ({"when": {"type": "price", "level": 1, "hysteresis": 1}}, "hysteresis must be less"),
        ({"when": {"type": "price", "level": 1, "url": "http://169.254.169.254/"}}, "not known"),
        ({"when": {"type": "move", "percent": 0, "minutes": 5}}, "percent must be more than 0"),
        ({"when": {"type": "move", "percent": 2, "minutes": 391}}, "'minutes'"),
        ({"when": {"type": "indicator", "indicator": "vix", "timeframe": "5m", "level": 1}}, "'indicator'"),
        ({"when": {"type": "indicator", "indicator": "rsi", "timeframe": "7m", "level": 1}}, "'timeframe'"),
        ({"when": {"type": "indicator", "indicator": "rsi", "timeframe": "5m", "level": 1, "period": 1}}, "'period'"),
        ({"when": {"type": "signal", "strategy": "luck", "timeframe": "5m"}}, "'strategy'"),
        ({"repeat": "sometimes"}, "'repeat'"), ({"cooldown_s": 0}, "'cooldown_s'"),
        ({"cooldown_s": 1.5}, "'cooldown_s'"),
        ({"session": "lunch"}, "'session'"), ({"expires": 1381239000}, "'expires'"), ({"expires": "soon"}, "'expires'"),
        ({"note": "a\r\nB: c"}, "one line"), ({"note": "\ud800"}, "one line"), ({"note": "x" * 201}, "'note'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_field_that_breaks_its_rule_is_named_and_not_repeated(
    api: AlertsApi, method: str, changes: dict[str, Any], said: str
) -> None:
    url = "/v1/alerts" if method == "POST" else f"/v1/alerts/{api.add()['id']}"
    code, body = api.send(method, url, {**PRICE, **changes})
    assert code == 400
    assert said in body["error"]
    assert body["error"] == body["message"]
    for sent in ("DROP", "proto", "webhook", "169.254", "luck", "lunch", "B: c"):
        assert sent not in body["error"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "null",
        "[]",
        '"x"',
        "{",
        "\ufeff{}",
        '{"ticker":"SPY","ticker":"BAC"}',
        "[" * 5_000,
        '{"note":NaN}',
        "\ud800",
    ],
)
def test_a_body_that_is_no_rule_is_400(api: AlertsApi, body: str | None) -> None:
    assert api.send("POST", "/v1/alerts", body)[0] == 400


def test_a_body_that_is_too_long_or_of_another_kind_is_refused(api: AlertsApi) -> None:
    assert api.send("POST", "/v1/alerts", {**PRICE, "note": "x" * 9_000})[0] == 413
    for kind in ("text/plain", "application/xml", ""):
        assert api.send("POST", "/v1/alerts", PRICE, headers={**JSON, "Content-Type": kind})[0] == 415
    assert (
        api.send("POST", "/v1/alerts", PRICE, headers={**JSON, "Content-Type": "application/json; charset=utf-8"})[0]
        == 201
    )


@pytest.mark.parametrize(("url", "allowed"), [("/v1/alerts", "GET, POST"), ("/v1/alerts/x", "GET, PUT, DELETE")])
def test_other_methods_are_405(api: AlertsApi, url: str, allowed: str) -> None:
    code, body = api.send("PATCH", url)
    assert code == 405
    assert allowed in body["error"]
    assert api.send("POST", "/v1/alerts/fired", PRICE)[0] == 405


def test_crossings_come_in_pages_newest_first_and_are_the_callers_own(api: AlertsApi) -> None:
    for number in range(5):
        one = Crossing(f"{number:024x}", "r", 1, "0123456789ab", "SPY", "price", "up", "170.51", 10**12 + number, "n")
        api.rows.put_crossing(one, NOW_MS)
    assert api.send("GET", "/v1/alerts/fired", **OTHER)[1]["results"] == []
    for order, expected in (("desc", [4, 3, 2, 1, 0]), ("asc", [0, 1, 2, 3, 4])):
        url, found = f"/v1/alerts/fired?limit=2&order={order}", []
        while url:
            page = api.send("GET", url)[1]
            found += [int(one["id"], 16) for one in page["results"]]
            parts = urlsplit(page.get("next_url", ""))
            url = f"{parts.path}?{parts.query}" if parts.path else ""
        assert found == expected
    assert page["results"][0] == {
        "id": f"{4:024x}", "alert": "r", "version": 1, "ticker": "SPY", "type": "price", "direction": "up",
        "value": "170.51", "t": 10**12 + 4, "note": "n", "known_at": NOW_MS,
    }  # fmt: skip
    assert api.send("GET", "/v1/alerts/fired?cursor=eHh4")[0] == 400
