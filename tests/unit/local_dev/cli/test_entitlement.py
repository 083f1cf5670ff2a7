"""What a key may do, asked of a vendor that behaves as a plan does."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_dev.cli.entitlement import choose, probe
from local_dev.cli.errors import WrongInput
from local_dev.cli.main import main
from local_dev.cli.stream_probe import Access, words
from local_dev.cli.vendor_hosts import Hosts, VendorHosts
from shared.errors import SourceUnavailable
from tests.unit.local_dev.cli.plan_vendor import (
    ADVANCED,
    BASIC,
    DELAYED,
    DEVELOPER,
    KEY,
    REAL_TIME,
    STARTER,
    Plan,
    vendor_with,
)


@pytest.fixture
def nobody() -> Iterator[str]:
    """host:port where connections are refused for as long as the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def test_a_plan_with_real_time_trades_reads_the_real_time_host_and_asks_no_other() -> None:
    with vendor_with(ADVANCED) as vendor:
        assert choose(KEY, vendor.hosts) == Hosts(vendor.hosts.real_time, vendor.hosts.rest, delayed=False)
        assert (vendor.opened, vendor.asked) == ([REAL_TIME], [])


def test_a_delayed_plan_reads_the_delayed_host() -> None:
    with vendor_with(DEVELOPER) as vendor:
        assert choose(KEY, vendor.hosts) == Hosts(vendor.hosts.delayed, vendor.hosts.rest, delayed=True)
        assert vendor.opened == [REAL_TIME, DELAYED]


@pytest.mark.parametrize("plan", [ADVANCED, DEVELOPER, STARTER, BASIC])
def test_there_is_never_more_than_one_connection(plan: Plan) -> None:
    with vendor_with(plan) as vendor:
        probe(KEY, vendor.hosts)
        assert vendor.at_once == 1


def test_a_plan_without_trades_is_wrong_input_that_says_what_it_gives_and_what_is_needed() -> None:
    with vendor_with(STARTER) as vendor, pytest.raises(WrongInput) as refused:
        choose(KEY, vendor.hosts)
    said = str(refused.value)
    assert "streams minute bars (delayed) but no trades" in said
    assert "You don't have access to this channel" in said
    assert "Developer plan (delayed) or Advanced (real time)" in said
    assert "--feed sim" in said


def test_a_plan_without_any_stream_is_told_in_the_vendors_words() -> None:
    with vendor_with(BASIC) as vendor, pytest.raises(WrongInput) as refused:
        choose(KEY, vendor.hosts)
    said = str(refused.value)
    assert "no trade stream" in said
    assert "Your plan doesn't include websocket access" in said
    assert "Developer plan" in said


def test_a_wrong_key_is_told_from_a_small_plan_and_is_not_printed() -> None:
    with vendor_with(ADVANCED) as vendor, pytest.raises(WrongInput) as refused:
        choose("pk_mistyped", vendor.hosts)
    said = str(refused.value)
    assert "does not know this key (Unknown API Key)" in said
    assert "pk_mistyped" not in said
    assert "plan" not in said.replace("--feed", "")


def test_a_stream_that_cannot_be_reached_is_no_wrong_input_and_no_reason_to_take_the_delayed_one(nobody: str) -> None:
    with vendor_with(ADVANCED) as vendor:
        hosts = VendorHosts(f"ws://{nobody}/stocks", vendor.hosts.delayed, vendor.hosts.rest)
        with pytest.raises(SourceUnavailable, match=nobody):
            choose(KEY, hosts)
        assert vendor.opened == []


def test_a_delayed_stream_that_cannot_be_reached_is_named(nobody: str) -> None:
    with vendor_with(DEVELOPER) as vendor:
        hosts = VendorHosts(vendor.hosts.real_time, f"ws://{nobody}/stocks", vendor.hosts.rest)
        with pytest.raises(SourceUnavailable, match=nobody):
            choose(KEY, hosts)


def test_a_key_whose_connection_is_taken_is_told_so() -> None:
    with vendor_with(ADVANCED) as vendor:
        vendor.instead[REAL_TIME] = ("max_connections", "Maximum number of connections exceeded.")
        with pytest.raises(SourceUnavailable, match=r"already uses the key \(Maximum number"):
            choose(KEY, vendor.hosts)
        assert vendor.opened == [REAL_TIME]


def test_a_vendor_that_says_nothing_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_dev.cli.stream_probe.OPEN_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/stocks"
        found = probe(KEY, VendorHosts(url, url, "http://127.0.0.1:1"))
    assert (found.real_time.access, found.real_time.said) == (Access.UNKNOWN, "no answer in time")


def test_foreign_words_are_one_short_line_without_the_key() -> None:
    assert words("no\x1b[31m access\nfor abc", "abc") == "no [31m access for ***"
    assert len(words("long " * 1000, "abc")) <= 200


def test_up_with_a_key_that_has_no_trades_ends_with_2_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with vendor_with(BASIC) as vendor:
        monkeypatch.setenv("MASSIVE_API_KEY", KEY)
        monkeypatch.setenv("POLYGON_SOCKET_URL", vendor.hosts.real_time)
        monkeypatch.setenv("POLYGON_DELAYED_SOCKET_URL", vendor.hosts.delayed)
        monkeypatch.setenv("POLYGON_REST_URL", vendor.hosts.rest)
        assert main(["up", "--feed", "polygon", "--port", "0", "--state", str(tmp_path / "state")]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "Developer plan" in said.err
    assert not (tmp_path / "state").exists()
