"""What `up` was asked for, before anything is started."""

import argparse
from pathlib import Path

import pytest

from local_dev.cli import feed_choice
from local_dev.cli.errors import WrongInput
from local_dev.cli.feed_choice import Choice, chosen
from local_dev.cli.up import add_arguments
from local_dev.cli.vendor_hosts import Hosts
from local_dev.runtime.sources import Endpoints, Recorded, Simulated, Vendor
from local_dev.runtime.state import Source, WrongState, open_state


def choice(*arguments: str) -> Choice:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return chosen(parser.parse_args(arguments))


def test_without_a_word_it_is_the_simulated_market() -> None:
    assert choice() == (Source("sim"), Simulated("1"))
    assert choice("--symbols", "SPY,AAPL").source == Source("sim", "AAPL,SPY")
    assert choice("--speed", "10") == (Source("sim", pace="10x"), Simulated("10"))


def test_a_path_is_recorded_trades(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    assert choice("--feed", str(tmp_path), "--speed", "max") == (Source(str(tmp_path)), Recorded(tmp_path, "max"))


def test_none_is_no_feed() -> None:
    assert choice("--feed", "none") == (Source("none"), None)


@pytest.mark.parametrize("delayed", [False, True])
def test_the_vendors_feed_comes_from_where_the_key_may_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, delayed: bool
) -> None:
    asked: list[str] = []

    def choose(key: str) -> Hosts:
        asked.append(key)
        return Hosts("wss://stream/stocks", "https://rest", delayed)

    monkeypatch.setattr(feed_choice, "vendor_key", lambda: "secret")
    monkeypatch.setattr(feed_choice, "choose", choose)
    endpoints = Endpoints("wss://stream/stocks", "https://rest", "secret")
    assert choice("--feed", "polygon", "--state", str(tmp_path)) == (Source("polygon"), Vendor(endpoints))
    assert asked == ["secret"]


def test_the_vendor_is_not_asked_while_a_feed_runs_on_the_same_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(feed_choice, "vendor_key", lambda: "secret")
    monkeypatch.setattr(feed_choice, "choose", pytest.fail)
    running = open_state(tmp_path / "state", Source("polygon"), fresh=False)
    with pytest.raises(WrongState, match="in use"):
        choice("--feed", "polygon", "--state", str(running.path))
    running.close()


def test_the_vendor_is_not_asked_for_what_is_wrong_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_choice, "choose", pytest.fail)
    for wrong in (["--once"], ["--speed", "2"]):
        with pytest.raises(WrongInput):
            choice("--feed", "polygon", *wrong)
