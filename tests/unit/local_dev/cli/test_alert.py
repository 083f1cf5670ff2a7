"""`condvest alert`: what is asked of the API, and a rule over stored trades and bars."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from local_dev.cli import alert
from local_dev.cli.alert import rule_of, text_of
from local_dev.cli.alert_replay import replay
from local_dev.cli.api_client import ApiClient
from local_dev.cli.errors import WrongInput
from local_dev.cli.main import main
from local_dev.cli.running import Address
from shared.models.alert import PriceCross
from tests.unit.serving_layer.alerts.client import AlertsApi
from tests.unit.speed_layer.feed import T0

DAY = date(2013, 10, 8)
MINUTE = 60_000


class Client:
    """The API as the command sees it, over the function of alerts and rows in memory."""

    def __init__(self) -> None:
        self.api, self.rows, self.minutes = AlertsApi(), list[dict[str, Any]](), list[dict[str, Any]]()

    def feed(self) -> dict[str, Any]:
        return {"simulated": False}

    def last_day(self) -> str:
        return DAY.isoformat()

    def trades(self, ticker: str, since: int, until: int) -> Iterator[dict[str, Any]]:
        return iter([row for row in self.rows if since <= row["sip_timestamp"] // 10**6 < until])

    def bars(self, ticker: str, multiplier: int, unit: str, since: str, until: str, *, adjusted: bool) -> Any:
        assert not adjusted, "rules look at prices as they were"
        return [bar for bar in self.minutes if int(since) <= bar["t"] <= int(until)]

    def add_alert(self, rule: bytes) -> dict[str, Any]:
        return dict(self.api.send("POST", "/v1/alerts", rule.decode())[1]["results"])

    def alerts(self) -> list[dict[str, Any]]:
        return list(self.api.send("GET", "/v1/alerts")[1]["results"])

    def remove_alert(self, id_: str) -> None:
        assert self.api.send("DELETE", f"/v1/alerts/{id_}")[0] == 204


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    client = Client()

    def reach(url: str, key: str) -> Client:
        assert Address(url, key) == Address("http://here", "k")
        return client

    monkeypatch.setattr(alert, "ApiClient", reach)
    return client


def condvest(*arguments: str) -> int:
    return main(["alert", *arguments, "--url", "http://here", "--key", "k"])


def trade(n: int, price: str, **changes: Any) -> dict[str, Any]:
    at = (T0 + n * 1000) * 10**6
    fields = {"sip_timestamp": at, "sequence_number": n, "exchange": 4, "id": str(n), "size": 100}
    return {**fields, "price": Decimal(price), **changes}


def bar(n: int, o: str, h: str, l: str, c: str) -> dict[str, Any]:  # noqa: E741  (the API's names)
    return {
        "t": T0 + n * MINUTE,
        **{name: Decimal(text) for name, text in zip("ohlc", (o, h, l, c), strict=True)},
        "v": 1,
    }


def test_alerts_are_added_listed_and_removed(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert condvest("add", "SPY>170.5") == 0
    line = capsys.readouterr().out
    id_ = line.split()[0]
    assert "SPY    type price level 170.5 direction up" in line
    assert condvest("list") == 0
    assert capsys.readouterr().out == f"{line}1 alert\n"
    assert condvest("remove", id_) == 0
    assert condvest("list") == 0
    assert capsys.readouterr().out.endswith("0 alerts\n")


def test_a_rule_is_json_or_a_file_or_short(tmp_path: Path) -> None:
    file = tmp_path / "rule.json"
    file.write_text(text_of("BRK.A<5"))
    for given in ("BRK.A<5", f"@{file}", file.read_text()):
        assert rule_of(given).when == PriceCross("5", "down")
    for wrong in ("SPY", "SPY>1..2", "{}", f"@{tmp_path}/none", '{"ticker":"SPY","when":{"type":"price","level":"5"}}'):
        with pytest.raises(WrongInput):
            rule_of(wrong)


def test_a_wrong_rule_is_one_sentence_and_nothing_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alert", "add", "SPY>0", "--state", "/nowhere"]) == 2
    assert capsys.readouterr().err == "A rule does not fit itself: level must be more than 0.\n"


def test_a_price_rule_is_tried_on_stored_trades(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.rows = [
        trade(0, "170"),
        trade(1, "171"),
        trade(2, "175", conditions=[2]),
        trade(3, "170"),
        trade(90, "171.25"),
    ]
    rule = json.dumps(
        {"ticker": "SPY", "repeat": "every", "when": {"type": "price", "level": 170.5, "direction": "up"}}
    )
    assert condvest("test", rule, "--from", "2013-10-08", "--to", "2013-10-08") == 0
    assert capsys.readouterr().out.splitlines() == [
        "2013-10-08 09:30:01  SPY up 171",
        "2013-10-08 09:31:30  SPY up 171.25",
        "would have fired 2 times, over 4 trades",
    ]


def test_without_trades_the_prices_of_minutes_stand_for_them(client: Client) -> None:
    client.minutes = [bar(0, "170", "170.2", "169", "170"), bar(1, "170", "171", "169.9", "170.1")]
    found = replay(cast(ApiClient, client), rule_of("SPY>170.5"), DAY, DAY)
    assert [(one.t, one.value) for one in found.crossings] == [(T0 + MINUTE, "171")]
    assert (found.looked_at, "estimate" in found.kind) == (8, True)


def test_minutes_stand_for_trades_before_the_first_that_is_stored(client: Client) -> None:
    """The minute of that trade may be stored in part, and is left to its trades."""
    client.minutes = [
        bar(0, "170", "171", "170", "170"),
        bar(1, "171", "172", "170", "171"),
        bar(2, "170", "199", "170", "170"),
    ]
    client.rows = [trade(130, "171"), trade(131, "170"), trade(132, "171.5")]
    rule = rule_of('{"ticker":"SPY","repeat":"every","cooldown_s":1,"when":{"type":"price","level":170.5}}')
    found = replay(cast(ApiClient, client), rule, DAY, DAY)
    assert [((one.t - T0) // 1000, one.direction, one.value) for one in found.crossings] == [
        (0, "up", "171"),
        (60, "up", "171"),
        (131, "down", "170"),
        (132, "up", "171.5"),
    ]
    assert (found.looked_at, found.kind) == (8 + 3, "prices of minutes, an estimate, then trades")


def test_other_rules_are_tried_on_bars_with_those_before_the_first_day(client: Client) -> None:
    client.minutes = [bar(n, "100", "100", "100", "100") for n in (-900, -2, -1)] + [bar(0, "100", "103", "100", "103")]
    move = rule_of('{"ticker":"SPY","when":{"type":"move","percent":2,"minutes":5}}')
    found = replay(cast(ApiClient, client), move, DAY, DAY)
    assert [(one.t, one.direction, one.value) for one in found.crossings] == [(T0, "up", "3.000000")]
    spike = rule_of('{"ticker":"SPY","when":{"type":"signal","strategy":"volume_spike","timeframe":"1m"}}')
    client.minutes = [bar(n, "100", "101", "100", "101") for n in range(21)]
    client.minutes[-1]["v"] = 50
    found = replay(cast(ApiClient, client), spike, DAY, DAY)
    assert [(one.t, one.direction) for one in found.crossings] == [(T0 + 20 * MINUTE, "buy")]
    none = rule_of('{"ticker":"SPY","when":{"type":"signal","strategy":"volume_spike","timeframe":"1h"}}')
    with pytest.raises(WrongInput, match="no strategy volume_spike looks at 1h"):
        replay(cast(ApiClient, client), none, DAY, DAY)


def test_dates_that_end_before_they_begin_are_refused(client: Client) -> None:
    with pytest.raises(WrongInput, match="--from must not be after --to"):
        replay(cast(ApiClient, client), rule_of("SPY>1"), DAY, date(2013, 10, 7))
