"""`condvest check` against two small HTTP servers: one answers as our API does, one as the vendor."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local_dev.cli.main import main
from tests.unit.local_dev.vendor.table_files import HEADER, write_daily

OPEN_MS = 1_381_239_000_000  # 2013-10-08 09:30 New York
RANGE = "/v2/aggs/ticker/A/range/1/{}/2013-10-08/2013-10-08"
MINUTES, DAY, TRADES = RANGE.format("minute"), RANGE.format("day"), "/v3/trades/A"
MIDNIGHT_MS = 1_381_204_800_000


class Api:
    """Answers by path; keys that were sent are kept."""

    def __init__(self) -> None:
        self.answers: dict[str, list[dict[str, Any]]] = {MINUTES: [], DAY: [], TRADES: []}
        self.keys: set[str | None] = set()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                rows = api.answers.get(path)
                body: dict[str, Any] = {"status": "OK", "resultsCount": len(rows or []), "results": rows or []}
                if path == "/v1/health":
                    body = {"feed": {}, "local_key": "cv_local"}
                else:
                    api.keys.add(self.headers.get("Authorization"))
                self.send_response(404 if rows is None and path != "/v1/health" else 200)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *args: Any, **more: Any) -> None:
                """Nothing on the terminal of a test."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def ours() -> Iterator[Api]:
    api = Api()
    api.answers[MINUTES] = [bar(OPEN_MS, 10, 11), bar(OPEN_MS + 60_000, 12, 12, 100)]
    api.answers[TRADES] = [
        trade(OPEN_MS + 5, 10, [0], 1),
        trade(OPEN_MS + 900, 11, [14, 41], 2),
        trade(OPEN_MS + 60_000, 12, [0], 3),
    ]
    yield api
    api.server.shutdown()


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    api = Api()
    monkeypatch.setenv("POLYGON_REST_URL", api.url)
    monkeypatch.setenv("POLYGON_API_KEY", "pk_of_the_vendor")
    yield api
    api.server.shutdown()


def bar(t: int, first: float, last: float, volume: float = 200) -> dict[str, Any]:
    """Open and close; high and low are the greater and the lesser."""
    return {"t": t, "o": first, "c": last, "h": max(first, last), "l": min(first, last), "v": volume}


def trade(t: int, price: float, conditions: list[int], number: int) -> dict[str, Any]:
    shared = {"sip_timestamp": t * 10**6, "sequence_number": number, "exchange": 4, "id": str(number)}
    return {**shared, "price": price, "size": 100, "conditions": conditions}


def check(ours: Api, *more: str) -> int:
    return main(["check", "A", "2013-10-08", "--url", ours.url, *more])


def test_equal_bars_are_counted_and_nothing_else_is_said(
    ours: Api, vendor: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor.answers[MINUTES] = ours.answers[MINUTES]
    assert check(ours) == 0
    assert capsys.readouterr().out == "2 minutes, 2 equal; differences: none\n"
    assert (ours.keys, vendor.keys) == ({"Bearer cv_local"}, {"Bearer pk_of_the_vendor"})


def test_every_differing_bar_is_told_with_its_reason(
    ours: Api, vendor: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor.answers[MINUTES] = [bar(OPEN_MS, 10, 10), bar(OPEN_MS + 60_000, 12, 12, 150)]
    ours.answers[DAY], vendor.answers[DAY] = [bar(MIDNIGHT_MS, 10, 12, 300)], [bar(MIDNIGHT_MS, 10, 12, 350)]
    assert check(ours) == 0
    assert capsys.readouterr().out.splitlines() == [
        "09:30  rule         h 11 | 10, c 11 | 10",
        "                    its high 10 is the price of the trade of 09:30:00.005 with conditions [0], ours that of "
        "the trade of 09:30:00.900 with conditions [14, 41]; its close 10 is the price of the trade of 09:30:00.005 "
        "with conditions [0], ours that of the trade of 09:30:00.900 with conditions [14, 41]",
        "09:31  gap          v 100 | 150",
        "                    the vendor counts 50 shares more than all our trades of the minute have",
        "day    rule         v 300 | 350",
        "                    its volume is that of its own minutes from the regular open to 09:32",
        "2 minutes, 0 equal; differences: 1 gap, 2 rule",
    ]


def test_what_nothing_explains_ends_in_failure(ours: Api, vendor: Api, capsys: pytest.CaptureFixture[str]) -> None:
    vendor.answers[MINUTES] = [bar(OPEN_MS, 10, 10.5), bar(OPEN_MS + 60_000, 12, 12, 100)]
    assert check(ours) == 1
    said = capsys.readouterr().out
    assert "09:30  unexplained  h 11 | 10.5, c 11 | 10.5" in said
    assert said.endswith("2 minutes, 1 equal; differences: 1 unexplained\n")


def test_a_minute_of_one_side_only_is_told_as_such(ours: Api, vendor: Api, capsys: pytest.CaptureFixture[str]) -> None:
    vendor.answers[MINUTES] = [bar(OPEN_MS, 10, 11), bar(OPEN_MS + 120_000, 9, 9, 7)]
    assert check(ours) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "09:31  unexplained  only we have o 12 h 12 l 12 c 12 v 100"
    assert said[2] == "09:32  gap          only the vendor has o 9 h 9 l 9 c 9 v 7"


def test_without_trades_of_ours_nothing_can_be_explained(
    ours: Api, vendor: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    ours.answers[TRADES] = []
    vendor.answers[MINUTES] = [bar(OPEN_MS, 10, 10)]
    assert check(ours) == 1
    assert capsys.readouterr().out.count("we keep no trade of this date any more, and they alone could tell why") == 2


def test_files_stand_for_the_vendor(ours: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_daily(tmp_path, f"A,300,10,12,12,10,{MIDNIGHT_MS * 10**6},0")
    (tmp_path / "minute").mkdir()
    lines = [HEADER, f"A,200,10,11,11,10,{OPEN_MS * 10**6},2", f"A,100,12,12,12,12,{OPEN_MS * 10**6 + 60 * 10**9},1"]
    (tmp_path / "minute/A_2013-10-08.csv").write_text("\n".join(lines) + "\n")
    ours.answers[DAY] = [bar(MIDNIGHT_MS, 10, 12, 300)]
    assert check(ours, "--source", str(tmp_path)) == 0
    assert capsys.readouterr().out == "2 minutes, 2 equal; differences: none\n"


def test_a_vendor_without_a_bar_of_the_date_is_nothing_to_compare_with(
    ours: Api, vendor: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(ours) == 1
    assert capsys.readouterr().err == ("the vendor has no bar of A on 2013-10-08: there is nothing to compare with\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("A", "2013-10-06"), "2013-10-06 is no trade date.\n"),
        (("A?", "2013-10-08"), "A? is no symbol.\n"),
        (("A", "2013-10-08", "--source", "/nowhere"), "--source: /nowhere is no folder with bars.\n"),
    ],
)
def test_wrong_input_is_one_sentence(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *arguments, "--url", "http://127.0.0.1:1"]) == 2
    assert capsys.readouterr().err == said
