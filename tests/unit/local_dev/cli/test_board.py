from decimal import Decimal
from typing import Any

import pytest

from local_dev.cli.board import Board, Row
from local_dev.cli.watch_screen import line

AT_MS = 1_381_239_001_000  # 2013-10-08 09:30:01 in New York


def trade(q: int, p: str, t: int = AT_MS, **more: Any) -> dict[str, Any]:
    return {"ev": "T", "sym": "AIG", "p": Decimal(p), "s": 100, "t": t, "q": q, **more}


def minute(s: int, c: str, av: int) -> dict[str, Any]:
    return {"ev": "AM", "sym": "AIG", "s": s, "e": s + 60_000, "c": Decimal(c), "v": 5, "av": av}


def row_after(*events: dict[str, Any]) -> Row:
    board = Board(["AIG"])
    board.take(events)
    return board.rows()[0]


def test_an_older_trade_does_not_undo_a_newer_one() -> None:
    assert row_after(trade(2, "10.2"), trade(1, "10.1")).price == Decimal("10.2")
    assert row_after(trade(9, "10.1"), trade(1, "10.2", t=AT_MS + 1)).price == Decimal("10.2")


def test_a_fractional_size_keeps_its_digits() -> None:
    assert row_after(trade(1, "10", s=Decimal("0.1"), ds="0.100001")).size == Decimal("0.100001")


def test_a_minute_that_is_sent_again_replaces_itself_and_an_older_one_does_not() -> None:
    revised = row_after(minute(60_000, "10.1", 5), minute(60_000, "10.2", 5), minute(0, "9", 3))
    assert revised.minute is not None
    assert revised.minute["c"] == Decimal("10.2")
    assert revised.volume == 5


def test_the_volume_of_the_day_is_the_latest_told_wherever_from() -> None:
    board = Board([])
    board.take_snapshots([{"ticker": "AIG", "updated": 100_000 * 10**6, "day": {"v": 7}}])
    assert board.rows()[0].volume == 7
    board.take([minute(0, "9", 3)])
    assert board.rows()[0].volume == 7, "the minute ended before the snapshot"
    board.take([minute(60_000, "9", 9)])
    board.take_snapshots([{"ticker": "AIG", "updated": 100_000 * 10**6, "day": {"v": 8}}])
    assert board.rows()[0].volume == 9


def test_change_is_against_the_close_of_the_day_before() -> None:
    board = Board(["AIG"])
    assert (board.rows()[0].change, board.rows()[0].percent) == (None, None)
    board.take_snapshots([{"ticker": "AIG", "prevDay": {"c": Decimal(40)}}])
    board.take([trade(1, "39")])
    row = board.rows()[0]
    assert row.change == -1
    assert row.percent == Decimal("-2.5")
    assert "-1.00 (-2.50%)" in line(row)


def test_a_signal_of_an_earlier_bar_does_not_replace_one_of_a_later_and_a_withdrawal_is_said() -> None:
    late = {"ev": "S", "sym": "AIG", "id": "b", "strategy": "rsi", "tf": "5m", "t": AT_MS, "side": "sell"}
    row = row_after(late, {**late, "id": "a", "t": AT_MS - 300_000, "side": "buy"})
    assert line(row).endswith("sell rsi 5m 09:30")
    assert line(row_after(late, {**late, "status": "withdrawn"})).endswith("sell rsi 5m 09:30 withdrawn")


def test_signals_of_the_rest_api_and_of_the_socket_look_alike() -> None:
    board = Board([])
    board.take_signals([{"ticker": "AIG", "strategy": "rsi", "timeframe": "5m", "t": AT_MS, "side": "sell"}])
    assert line(board.rows()[0]).endswith("sell rsi 5m 09:30")


def test_symbols_without_news_are_not_named_again() -> None:
    board = Board(["AIG", "BAC"])
    board.take([trade(1, "10")])
    assert [row.sym for row in board.changed()] == ["AIG"]
    assert board.changed() == []
    board.take([trade(1, "10", sym="NEW")])
    assert [row.sym for row in board.changed()] == ["NEW"]
    snapshot = {"ticker": "BAC", "updated": 100_000 * 10**6, "prevDay": {"c": 9}, "day": {"v": 7}}
    signal = {"ticker": "AIG", "strategy": "rsi", "timeframe": "5m", "t": AT_MS, "side": "sell", "status": "active"}
    for news in (["AIG", "BAC"], []):
        board.take_snapshots([snapshot])
        board.take_signals([signal])
        assert [row.sym for row in board.changed()] == news, "the same answer again is no news"


@pytest.mark.parametrize(
    "event", [{"ev": "T"}, {"ev": "T", "sym": "AIG"}, {**trade(1, "1"), "t": "soon"}, {**trade(1, "1"), "p": "dear"}]
)
def test_an_event_that_cannot_be_understood_is_counted_and_the_rest_taken(event: dict[str, Any]) -> None:
    board = Board(["AIG"])
    board.take([trade(1, "10"), event, {"ev": "LULD", "T": "AIG"}, trade(2, "11")])
    assert board.unreadable == 1
    assert board.rows()[0].price == 11


def test_prices_have_cents_at_least_and_large_volumes_whole_shares() -> None:
    assert line(row_after(minute(60_000, "10", 5))).startswith("waiting AIG | day 5 | ")
    assert " 0.00012345 x 100" in line(row_after(trade(1, "0.00012345")))
    board = Board(["AIG"])
    board.take([{**minute(60_000, "10.5", 0), "dav": "12345678.25"}])
    assert "day 12,345,678 |" in line(board.rows()[0])
    assert " 10.50 " in line(board.rows()[0])
    board.take([{**minute(120_000, "10.5", 0), "dav": "12.5"}])
    assert "day 12.5 |" in line(board.rows()[0])
