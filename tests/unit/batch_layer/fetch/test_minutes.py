"""Minute bars and trades of one symbol and date, from whoever speaks the vendor's protocol."""

import json
from collections.abc import Iterator
from datetime import date

import pytest

from batch_layer.fetch.minutes import VendorMinute, fetch_minutes
from batch_layer.fetch.trades import fetch_trades
from shared.bars.totals import Shown
from shared.errors import InvalidRecord, SourceUnavailable
from tests.unit.batch_layer.fetch.support import SESSIONS, client
from tests.unit.shared.clients.vendor import Answer, Vendor, vendor

DAY = date(2013, 10, 8)
OPEN_MS = 1_381_239_000_000  # 09:30 New York
EXACT = Shown(10_000_000_001, 12 * 10**9, 9_500_000_000, 11 * 10**9, 1_500_000, 103_333, 7)


@pytest.fixture
def server() -> Iterator[Vendor]:
    with vendor() as server:
        yield server


def row(t: int, *, o: str = "10.000000001", vw: str = ',"vw":10.33333', n: str = ',"n":7') -> str:
    return f'{{"v":1.5{vw},"o":{o},"c":11,"h":12,"l":9.5,"t":{t}{n}}}'


def page(*rows: str, following: str | None = None) -> Answer:
    head = json.dumps({"status": "OK", "resultsCount": len(rows), **({"next_url": following} if following else {})})
    return Answer(body=f'{head[:-1]},"results":[{",".join(rows)}]}}'.encode())


def test_minutes_are_exact_and_asked_for_raw(server: Vendor) -> None:
    server.answers = [page(row(OPEN_MS), row(OPEN_MS + 60_000, vw="", n=""))]
    minutes, refused = fetch_minutes(client(server.url), "BRK.A", DAY)
    assert minutes == [
        VendorMinute("BRK.A", OPEN_MS, EXACT),
        VendorMinute("BRK.A", OPEN_MS + 60_000, EXACT._replace(vwap=None, count=None)),
    ]
    assert refused == []
    assert [path for path, _ in server.requests] == [
        "/v2/aggs/ticker/BRK.A/range/1/minute/2013-10-08/2013-10-08?adjusted=false&sort=asc&limit=50000"
    ]


def test_rows_that_are_no_minutes_of_the_date_are_refused_and_the_others_kept(server: Vendor) -> None:
    rows = [row(OPEN_MS + 1), row(OPEN_MS), row(OPEN_MS + 86_400_000), row(OPEN_MS + 60_000, o="-1"), '{"t":1}']
    server.answers = [page(*rows)]
    minutes, refused = fetch_minutes(client(server.url), "A", DAY)
    assert [minute.t for minute in minutes] == [OPEN_MS]
    assert [one.reason for one in refused] == ["minute", "minute", "price", "shape"]
    assert refused[2].row == rows[3].encode()


def test_pages_follow_one_another_or_are_refused(server: Vendor) -> None:
    server.answers = [page(row(OPEN_MS), following=f"{server.url}/next"), page(row(OPEN_MS + 60_000))]
    assert len(fetch_minutes(client(server.url), "A", DAY)[0]) == 2
    server.answers = [page(row(OPEN_MS), following=f"{server.url}/next"), page(row(OPEN_MS))]
    with pytest.raises(SourceUnavailable, match="minutes of A do not follow one another"):
        fetch_minutes(client(server.url), "A", DAY)


def test_trades_of_the_new_york_date_come_in_the_units_of_the_domain(server: Vendor) -> None:
    trade = {"sip_timestamp": OPEN_MS * 10**6, "sequence_number": 7, "exchange": 4, "id": "5", "price": 10.5}
    rows = [json.dumps({**trade, "size": 100, "conditions": [14, 41], "trf_id": 202})]
    server.answers = [page(*rows, following=f"{server.url}/next"), page(json.dumps({**trade, "size": 0.5}))]
    session = SESSIONS.day(DAY)
    assert session is not None
    first, second = fetch_trades(client(server.url), "A", session)
    assert (first.t, first.price, first.size, first.conditions) == (OPEN_MS, 10_500_000_000, 100_000_000, (14, 41))
    assert (second.size, second.trfi) == (500_000, 0)
    asked = server.requests[0][0]
    assert "timestamp.gte=1381204800000000000&timestamp.lt=1381291200000000000&order=asc" in asked  # midnights
    server.answers = [page(*rows, '{"id":1}')]
    with pytest.raises(InvalidRecord, match="1 rows of A are no trades"):
        list(fetch_trades(client(server.url), "A", session))
