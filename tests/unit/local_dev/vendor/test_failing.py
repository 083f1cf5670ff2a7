"""REST answers that go wrong on request, and the quota, seen over HTTP."""

import json
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Any

import pytest

from local_dev.vendor.server import TablesServer
from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.vendor.support import MovedClock
from tests.unit.local_dev.vendor.table_files import bar, serving_tables, write_actions, write_daily

DAYS = ["2020-01-02", "2020-01-03", "2020-01-06"]
RANGE = f"/v2/aggs/ticker/A/range/1/day/{DAYS[0]}/{DAYS[-1]}?limit=1"
SPLITS = "/v3/reference/splits?limit=1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_actions(
        write_daily(tmp_path, *(bar("A", day) for day in DAYS)), "B,2020-01-02,1,2,", "B,2021-01-04,1,3,"
    )


def get(server: TablesServer, target: str, key: str = "key") -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", target, headers={"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def spoiled(folder: Path, faults: str, *targets: str) -> list[Any]:
    with serving_tables(folder, VendorSettings(faults=faults)) as server:
        return [get(server, target) for target in targets]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_answered_as_often_as_asked_for(folder: Path, status: int) -> None:
    statuses = [answer[0] for answer in spoiled(folder, f"http{status}@2", RANGE, RANGE, RANGE)]
    assert statuses == [status, status, 200]


def test_good_answers_may_come_between_the_faults(folder: Path) -> None:
    statuses = [answer[0] for answer in spoiled(folder, "http500@1,ok@2,http503@1", *[RANGE] * 5)]
    assert statuses == [500, 200, 200, 503, 200]


def test_a_reset_cuts_the_body_short(folder: Path) -> None:
    with serving_tables(folder, VendorSettings(faults="reset@1")) as server:
        with pytest.raises((IncompleteRead, ConnectionResetError)):
            get(server, RANGE)
        assert get(server, RANGE)[0] == 200


def test_half_a_body_is_whole_for_http(folder: Path) -> None:
    status, headers, body = spoiled(folder, "half@1", RANGE)[0]
    assert (status, headers["Content-Length"]) == (200, str(len(body)))
    assert body.startswith(b'{"ticker"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_a_body_may_be_missing(folder: Path) -> None:
    assert spoiled(folder, "nobody@1", RANGE)[0][::2] == (200, b"")


@pytest.mark.parametrize(("target", "rest"), [(RANGE, {"queryCount": 0, "resultsCount": 0}), (SPLITS, {"results": []})])
def test_an_empty_answer_looks_like_one_that_found_nothing(folder: Path, target: str, rest: dict[str, Any]) -> None:
    answer = json.loads(spoiled(folder, "empty@1", target)[0][2])
    assert rest.items() <= answer.items()
    assert answer["count"] == 0
    assert "next_url" not in answer


@pytest.mark.parametrize("target", [RANGE, SPLITS])
def test_next_pages_may_repeat_themselves_begin_again_or_be_elsewhere(folder: Path, target: str) -> None:
    with serving_tables(folder, VendorSettings(faults="repeat@1,loop@2,elsewhere@1")) as server:
        first = server.url + target
        repeated = json.loads(get(server, target)[2])["next_url"]
        begun_again = [json.loads(get(server, target)[2])["next_url"] for _ in range(2)]
        elsewhere = json.loads(get(server, target)[2])["next_url"]
    assert repeated == first
    assert begun_again == [first, first]
    assert elsewhere.startswith("http://elsewhere.invalid/v")


def test_a_key_that_made_its_calls_is_told_how_long_to_wait(folder: Path) -> None:
    clock = MovedClock()
    with serving_tables(folder, VendorSettings(calls_a_minute=2), clock) as server:
        statuses = []
        for _ in range(3):
            status, headers, _ = get(server, RANGE)
            statuses.append(status)
            clock.now += 10
        assert statuses == [200, 200, 429]
        assert headers["Retry-After"] == "40"  # asked 20 s after the first call
        assert get(server, RANGE, key="another")[0] == 200
        clock.now += 29.9
        assert get(server, RANGE)[0] == 429
        clock.now += 0.1
        assert get(server, RANGE)[0] == 200


def test_a_folder_without_trades_has_none_and_its_feed_has_ended(folder: Path) -> None:
    with serving_tables(folder) as server:
        assert json.loads(get(server, "/v3/trades/A")[2])["results"] == []
        assert json.loads(get(server, "/__feed")[2])["ended"] is True
