import socket
from pathlib import Path

import pytest

from local_dev.cli.errors import WrongInput
from local_dev.cli.options import bind, source_of, symbols_of
from local_dev.runtime.state import Source
from local_dev.vendor.errors import WrongInputError


def test_symbols_are_the_same_selection_in_any_order() -> None:
    assert symbols_of("SPY,AIG,SPY") == symbols_of("AIG, SPY") == "AIG,SPY"
    assert symbols_of("*") == "*"


def test_symbols_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("SPY\nBRK.A, AIG\n")
    assert symbols_of(f"@{tmp_path / 'list'}") == "AIG,BRK.A,SPY"


@pytest.mark.parametrize("text", ["", ",", "@nowhere", "not a symbol!"])
def test_symbols_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(WrongInput, match="--symbols"):
        symbols_of(text)


def test_a_simulated_feed_at_another_pace_is_another_feed() -> None:
    assert source_of("sim", "*") == source_of("sim", "*", "1.0") == Source("sim")
    assert source_of("sim", "SPY", "10") == Source("sim", "SPY", "10x")
    assert source_of("polygon", "*") == Source("polygon")


def test_a_feed_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    assert source_of("a.jsonl", "SPY") == Source(str(tmp_path / "a.jsonl"), "SPY")
    assert source_of("none", "SPY") == Source("none")


def test_a_path_that_is_not_there_or_holds_no_trades_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(WrongInputError, match=str(path)):
            source_of(str(path), "*")


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WrongInput, match=f"port {port} cannot be used"):
            bind(port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(WrongInput, match="0 to 65535"):
        bind(port)


def test_port_0_is_a_free_one_on_loopback() -> None:
    with bind(0) as listening:
        host, port = listening.getsockname()
        assert (host, port > 0) == ("127.0.0.1", True)
