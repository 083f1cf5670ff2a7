"""`condvest query` against a small HTTP server that answers as the API does."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local_dev.cli import running
from local_dev.cli.api_client import ApiClient, ApiFailed
from local_dev.cli.main import main
from local_dev.cli.query import timeframe
from local_dev.runtime.state import Source, open_state

ROOT = Path(__file__).parents[4]
BARS = [
    '{"t":1381152600000,"o":45.10,"h":45.2,"l":45,"c":45.15,"v":1200,"vw":45.1234,"n":7}',
    '{"t":1381152660000,"o":0.000001,"h":45.2,"l":0.000001,"c":45.15,"v":0.5,"n":1}',
]


class Api:
    """Two pages of one bar each; what was asked for is kept."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.answers: dict[str, tuple[int, str]] = {}
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.asked.append((self.path, self.headers.get("Authorization")))
                status, body = api.answers.get(self.path, (404, '{"error":"The requested resource was not found."}'))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args: Any, **more: Any) -> None:
                """Nothing on the terminal of a test."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        feed = {"feed": {"last_trade_ms": 1381190397000}, "local_key": "cv_local"}
        first = "/v2/aggs/ticker/AIG/range/5/minute/2013-10-07/2013-10-07?limit=5000&sort=asc"
        self.answers = {
            "/v1/health": (200, json.dumps(feed)),
            first: (200, f'{{"results":[{BARS[0]}],"next_url":"{self.url}/next"}}'),
            "/next": (200, f'{{"results":[{BARS[1]}]}}'),
        }


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.server.shutdown()
    api.server.server_close()


def query(capsys: pytest.CaptureFixture[str], api: Api, *arguments: str) -> str:
    assert main(["query", "AIG", "--tf", "5m", "--url", api.url, *arguments]) == 0
    return capsys.readouterr().out


def test_every_page_is_read_with_the_key_the_machine_gives_away(capsys: pytest.CaptureFixture[str], api: Api) -> None:
    out = query(capsys, api, "--from", "2013-10-07", "--format", "csv")
    assert out.splitlines()[1:] == [
        "1381152600000,45.10,45.2,45,45.15,1200,45.1234,7",
        "1381152660000,0.000001,45.2,0.000001,45.15,0.5,,1",
    ]
    assert [key for path, key in api.asked if urlsplit(path).path != "/v1/health"] == ["Bearer cv_local"] * 2


def test_without_a_time_it_is_the_day_of_the_last_trade(capsys: pytest.CaptureFixture[str], api: Api) -> None:
    assert "2 bars" in query(capsys, api)


def test_a_key_that_is_given_is_sent(capsys: pytest.CaptureFixture[str], api: Api) -> None:
    query(capsys, api, "--key", "cv_mine", "--from", "2013-10-07")
    assert {key for _, key in api.asked} == {"Bearer cv_mine"}


def test_json_keeps_the_numbers_as_they_are_written(capsys: pytest.CaptureFixture[str], api: Api) -> None:
    out = query(capsys, api, "--format", "json", "--from", "2013-10-07")
    assert [line.strip(",") for line in out.splitlines()[1:-1]] == BARS
    assert len(json.loads(out)) == 2


def test_a_table_is_in_new_york_time(capsys: pytest.CaptureFixture[str], api: Api) -> None:
    lines = query(capsys, api, "--from", "2013-10-07").splitlines()
    assert lines[1].split() == ["2013-10-07", "09:30", "45.10", "45.2", "45", "45.15", "1200", "45.1234", "7"]


def test_the_key_is_not_sent_to_another_server(capsys: pytest.CaptureFixture[str], api: Api) -> None:
    first = next(path for path in api.answers if path.startswith("/v2"))
    api.answers[first] = (200, '{"results":[],"next_url":"http://127.0.0.1:1/next"}')
    assert main(["query", "AIG", "--tf", "5m", "--url", api.url, "--from", "2013-10-07"]) == 1
    assert "not sent there" in capsys.readouterr().err


def test_what_the_api_refuses_is_wrong_input_in_its_own_words(capsys: pytest.CaptureFixture[str], api: Api) -> None:
    assert main(["query", "MSFT", "--url", api.url, "--from", "2013-10-07"]) == 2
    assert capsys.readouterr().err == "The requested resource was not found. (404).\n"


def test_a_failing_api_is_no_wrong_input(capsys: pytest.CaptureFixture[str], api: Api) -> None:
    api.answers["/v1/health"] = (500, '{"error":"no"}')
    assert main(["query", "AIG", "--url", api.url]) == 1
    assert main(["query", "AIG", "--url", "http://127.0.0.1:1"]) == 1
    assert "does not answer" in capsys.readouterr().err


def test_an_api_that_takes_too_long_is_told_from_one_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = ApiClient(f"http://127.0.0.1:{silent.getsockname()[1]}", "", read_seconds=0.1)
        with pytest.raises(ApiFailed, match=r"took longer than 0\.1 s"):
            client.feed()


@pytest.mark.parametrize("text", ["", "m", "0m", "5x", "5 m", "1.5h"])
def test_a_timeframe_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "SPY", "--tf", text, "--url", "http://127.0.0.1:1"]) == 2
    assert "--tf" in capsys.readouterr().err


def test_a_timeframe_is_a_multiplier_and_a_timespan() -> None:
    assert [timeframe(text) for text in ("1m", "15m", "1h", "1d", "2w")] == [
        (1, "minute"),
        (15, "minute"),
        (1, "hour"),
        (1, "day"),
        (2, "week"),
    ]


def test_a_running_platform_is_found_by_its_state_folder(
    capsys: pytest.CaptureFixture[str], api: Api, tmp_path: Path
) -> None:
    state = open_state(tmp_path, Source("none"), fresh=False)
    running.note(tmp_path, running.Address(api.url, "cv_noted"))
    assert main(["query", "AIG", "--tf", "5m", "--state", str(tmp_path)]) == 0
    assert "2 bars" in capsys.readouterr().out
    assert "Bearer cv_noted" in {key for _, key in api.asked}
    state.close()
    assert running.address(tmp_path) is None, "a note that a killed platform left counts for nothing"


def test_without_platform_or_state_there_is_nothing_to_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["query", "AIG", "--state", str(tmp_path / "state")]) == 2
    assert "no state folder" in capsys.readouterr().err


def test_a_reader_that_has_had_enough_is_no_failure_with_a_trace(api: Api) -> None:
    code = "import sys; from local_dev.cli.main import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["query", "AIG", "--tf", "5m", "--url", api.url, "--from", "2013-10-07", "--format", "csv"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(  # noqa: S603  (the code above)
        [sys.executable, "-c", code, *arguments], stdout=writer, stderr=subprocess.PIPE, check=False, cwd=ROOT
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_chart_shows_every_bar_and_the_last_price(capsys: pytest.CaptureFixture[str], api: Api) -> None:
    lines = query(capsys, api, "--from", "2013-10-07", "--format", "chart").splitlines()
    assert lines[0] == "AIG 5m | 2013-10-07 09:30 to 2013-10-07 09:31 New York | last 45.15 | 2 bars"
    assert max(map(len, lines)) == 100


def test_a_chart_of_nothing_says_so(capsys: pytest.CaptureFixture[str], api: Api) -> None:
    first = next(path for path in api.answers if path.startswith("/v2"))
    api.answers[first] = (200, "{}")
    assert query(capsys, api, "--from", "2013-10-07", "--format", "chart") == "AIG 5m: no bars in this range\n"


def test_a_platform_that_is_stopped_while_it_starts_is_a_failure_in_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StoppedAtOnce:
        def __init__(self, *_: object) -> None:
            self.url = self.key = ""

        def start(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

        def stop(self) -> None:
            stopped.append(self)

    stopped: list[StoppedAtOnce] = []
    open_state(tmp_path, Source("none"), fresh=False).close()
    monkeypatch.setattr("local_dev.cli.serving.Platform", StoppedAtOnce)
    assert main(["query", "AIG", "--state", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "stopped before everything was read\n"
    assert len(stopped) == 1
