"""`condvest doctor` on the vendor's key: a vendor that behaves as a plan does, and lines a person reads."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from local_dev.cli import running, vendor_key
from local_dev.cli.main import main
from local_dev.runtime.state import Source, open_state
from tests.unit.local_dev.cli.plan_vendor import (
    ADVANCED,
    BASIC,
    DEVELOPER,
    KEY,
    REAL_TIME,
    STARTER,
    PlanVendor,
    vendor_with,
)


def doctor(
    vendor: PlanVendor, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str = KEY
) -> dict[str, str]:
    """What is said of the key, the streams and the REST data: mark, finding, and remedy after an arrow."""
    monkeypatch.setenv("POLYGON_API_KEY", key)
    monkeypatch.setenv("POLYGON_SOCKET_URL", vendor.hosts.real_time)
    monkeypatch.setenv("POLYGON_DELAYED_SOCKET_URL", vendor.hosts.delayed)
    monkeypatch.setenv("POLYGON_REST_URL", vendor.hosts.rest)
    code = main(["doctor", "--state", str(state)])
    out = capsys.readouterr().out
    assert key not in out
    assert code == (1 if "\n!!" in f"\n{out}" else 0)
    said: dict[str, str] = {}
    for line in out.splitlines():
        if line.lstrip().startswith("-> "):
            said[list(said)[-1]] += f" {line.strip()}"
        else:
            what, found = re.split(r"\s{2,}", line[4:], maxsplit=1)
            said[what] = f"{line[:2]} {found}"
    return {what: found for what, found in said.items() if what == "vendor key" or "stream" in what or "REST" in what}


def fails(said: dict[str, str]) -> list[str]:
    return [what for what, found in said.items() if found.startswith("!!")]


def test_a_plan_with_everything_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with vendor_with(ADVANCED) as vendor:
        said = doctor(vendor, tmp_path / "state", monkeypatch, capsys)
    assert said["vendor key"] == "ok POLYGON_API_KEY from the environment"
    assert said["real-time stream"] == "ok trades: up --feed polygon can use it"
    assert "delayed stream" not in said
    assert {said[f"REST {kind}"] for kind in ("trades", "minute bars", "snapshots")} == {"ok may be read"}
    assert fails(said) == []
    assert vendor.opened == [REAL_TIME]


def test_a_delayed_plan_says_which_stream_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with vendor_with(DEVELOPER) as vendor:
        said = doctor(vendor, tmp_path / "state", monkeypatch, capsys)
    assert said["real-time stream"].startswith("ok not in the key's plan (Your plan doesn't include websocket access")
    assert said["delayed stream"] == "ok trades: up --feed polygon can use it"


@pytest.mark.parametrize(
    ("plan", "stream"), [(STARTER, "minute bars, but no trades"), (BASIC, "not in the key's plan")]
)
def test_a_plan_without_trades_limits_but_does_not_fail(
    plan: Any, stream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with vendor_with(plan) as vendor:
        said = doctor(vendor, tmp_path / "state", monkeypatch, capsys)
    assert said["delayed stream"].startswith(f"-- {stream}")
    assert "-> --feed polygon needs trades" in said["delayed stream"]
    assert "--feed sim" in said["delayed stream"]
    assert said["REST trades"].startswith("-- not in the key's plan (You are not entitled to this data")
    assert said["REST minute bars"] == "ok may be read"
    assert fails(said) == []
    assert len(vendor.asked) <= 4, "the free plan allows five requests a minute"


def test_a_wrong_key_fails_and_is_not_asked_about_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with vendor_with(ADVANCED) as vendor:
        said = doctor(vendor, tmp_path / "state", monkeypatch, capsys, key="pk_mistyped")
    assert said["vendor key"].startswith("!! POLYGON_API_KEY from the environment: the vendor does not know it")
    assert "-> correct or remove it" in said["vendor key"]
    assert fails(said) == ["vendor key"]
    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [(429, "-> run doctor again in a minute"), (500, "could not be asked"), (401, "the vendor does not know the key")],
)
def test_an_answer_that_is_neither_yes_nor_no_is_told(
    status: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with vendor_with(ADVANCED) as vendor:
        vendor.rest_status = status
        said = doctor(vendor, tmp_path / "state", monkeypatch, capsys)
    assert words in said["REST trades"]
    assert "as the test wants it" in said["REST trades"]
    assert bool(fails(said)) is (status == 401)


def test_a_vendor_out_of_reach_is_told_for_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with vendor_with(ADVANCED) as vendor:
        pass
    said = doctor(vendor, tmp_path / "state", monkeypatch, capsys)
    assert said["real-time stream"].startswith("-- could not be asked")
    assert "-> check the network" in said["real-time stream"]
    assert said["REST trades"].startswith("-- could not be asked")
    assert fails(said) == []


def test_a_key_that_feeds_the_running_platform_is_not_disturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"feed": {"source": "polygon"}}).encode())

        def log_message(self, *args: Any, **more: Any) -> None:
            """Nothing on the terminal of a test."""

    server = HTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    state = open_state(tmp_path, Source("none"), fresh=False)
    running.note(tmp_path, running.Address(f"http://127.0.0.1:{server.server_port}", "cv_noted"))
    with vendor_with(ADVANCED) as vendor:
        said = doctor(vendor, tmp_path, monkeypatch, capsys)
        assert vendor.opened == []
    assert "in use by the platform that runs" in said["trades stream"]
    assert said["REST trades"] == "ok may be read"
    state.close()
    server.shutdown()
    server.server_close()


def test_without_a_key_nothing_is_asked_and_nothing_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["doctor", "--state", str(tmp_path / "state")])
    assert "none set (the simulator and recorded files need none)" in capsys.readouterr().out


def test_a_key_file_that_cannot_be_read_fails_without_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_bytes(b"\xff")
    monkeypatch.setattr(vendor_key, "FILES", (tmp_path / ".env",))
    assert main(["doctor", "--state", str(tmp_path / "state")]) == 1
    assert "cannot be read" in capsys.readouterr().out
