"""The reference itself, against bars worked out by hand: an oracle nobody checked would prove nothing."""

import ast
import json
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.parity import freeze_conditions, generate, reference, rewrite
from tests.parity.published import compare, minutes_of
from tests.parity.reference import FROZEN_CONDITIONS, HOUR_MS, MINUTE_MS, Bar, Reference, new_york_ms

DAY = date(2013, 10, 8)
NOON = new_york_ms(DAY, time(12))
NIGHT = new_york_ms(DAY, time(5))
PRODUCT = {"shared", "speed_layer", "serving_layer", "batch_layer", "local_dev", "stacks"}


def reference_of(tmp_path: Path, trades: Iterable[dict[str, Any] | str]) -> Reference:
    """The reference over one file with these trades; fields not given are an ordinary trade's."""
    usual = {"ev": "T", "sym": "A", "x": 4, "z": 1, "p": 10, "s": 100, "t": NOON}
    lines = []
    for number, trade in enumerate(trades, 1):
        full = trade if isinstance(trade, str) else json.dumps({**usual, "i": str(number), "q": number, **trade})
        lines.append(full)
    file = tmp_path / "A.jsonl.gz"
    generate.write_lines(file, lines)
    return Reference([file])


def minute(tmp_path: Path, *trades: dict[str, Any] | str) -> list[Bar]:
    return reference_of(tmp_path, trades).bars("A", MINUTE_MS)


def test_a_bar_is_the_first_greatest_least_and_last_price_with_summed_sizes(tmp_path: Path) -> None:
    trades: list[dict[str, Any]] = [
        {"p": 10.5},
        {"p": 11.25, "t": NOON + 10},
        {"p": 9.75, "t": NOON + 20, "s": 200},
        {"p": 10, "t": NOON + 59_999},
    ]
    # notional = 1050 + 1125 + 1950 + 1000 = 5125 over 500 shares
    want = {
        "o": Decimal("10.5"),
        "h": Decimal("11.25"),
        "l": Decimal("9.75"),
        "c": 10,
        "v": 500,
        "n": 4,
        "t": NOON,
        "vw": Decimal("10.25"),
    }
    assert minute(tmp_path, *trades) == [want]


def test_open_and_close_follow_time_then_sequence_then_price_not_file_order(tmp_path: Path) -> None:
    bars = minute(
        tmp_path, {"p": 1, "q": 7}, {"p": 2, "q": 5}, {"p": 3, "q": 9}, {"p": 4, "q": 9, "x": 5}, {"p": 5, "q": 8}
    )
    assert (bars[0]["o"], bars[0]["c"]) == (2, 4)


def test_a_window_includes_its_start_and_excludes_its_end(tmp_path: Path) -> None:
    bars = minute(tmp_path, {"t": NOON - 1}, {"t": NOON}, {"t": NOON + 59_999}, {"t": NOON + 60_000})
    assert [(bar["t"], bar["n"]) for bar in bars] == [(NOON - MINUTE_MS, 1), (NOON, 2), (NOON + MINUTE_MS, 1)]


def test_vwap_rounds_half_to_even_at_the_fourth_decimal(tmp_path: Path) -> None:
    def vwap(*trades: dict[str, Any]) -> Any:
        return minute(tmp_path, *trades)[0]["vw"]

    assert vwap({"p": 1.00005, "s": 1}) == Decimal("1.0000")
    assert vwap({"p": 1.00015, "s": 1}) == Decimal("1.0002")
    assert vwap({"p": 1.000050001, "s": 1}) == Decimal("1.0001")
    assert vwap({"p": 1, "s": 1}, {"p": 2, "s": 2}) == Decimal("1.6667")


def test_numbers_keep_digits_that_a_double_would_lose(tmp_path: Path) -> None:
    line = f'{{"ev":"T","sym":"A","x":1,"i":"\\"p\\":5,","p":734500123.123456789,"s":0.000001,"t":{NOON},"q":1}}'
    bar = minute(tmp_path, line)[0]
    assert (bar["o"], bar["v"]) == (Decimal("734500123.123456789"), Decimal("0.000001"))


def test_the_decimal_size_wins_over_the_whole_one(tmp_path: Path) -> None:
    assert minute(tmp_path, {"s": 1, "ds": "1.75"})[0]["v"] == Decimal("1.75")


def test_the_first_copy_of_a_trade_counts_whatever_its_price(tmp_path: Path) -> None:
    same = {"i": "7", "x": 4, "trfi": 201}
    bars = minute(tmp_path, {**same, "p": 1}, {**same, "p": 2}, {**same, "trfi": 202, "p": 3}, {**same, "x": 5, "p": 4})
    assert (bars[0]["n"], bars[0]["l"], bars[0]["h"]) == (3, 1, 4)


def test_the_same_id_on_another_trade_date_is_another_trade(tmp_path: Path) -> None:
    late_evening = new_york_ms(DAY, time(19, 59))
    bars = minute(tmp_path, {"i": "7", "t": late_evening}, {"i": "7", "t": late_evening + 12 * HOUR_MS})
    assert len(bars) == 2


def test_each_flag_rules_its_own_fields(tmp_path: Path) -> None:
    trades = [
        {"p": 10, "c": [0]},
        {"p": 99, "s": 1, "c": [15]},  # nothing
        {"p": 50, "s": 2, "c": [32]},  # high, low and volume
        {"p": 1, "s": 4, "c": [37]},  # volume
        {"p": 5, "s": 8, "c": [38], "t": NOON + 1},  # prices, no volume
    ]
    bar = minute(tmp_path, *trades)[0]
    assert (bar["o"], bar["h"], bar["l"], bar["c"], bar["v"], bar["n"]) == (10, 50, 5, 5, 106, 3)


def test_a_minute_without_an_opening_trade_is_not_shown(tmp_path: Path) -> None:
    assert minute(tmp_path, {"c": [37]}, {"c": [32]}) == []


def test_a_bar_without_volume_has_no_vwap(tmp_path: Path) -> None:
    bar = minute(tmp_path, {"c": [38]})[0]
    assert (bar["v"], bar["n"], "vw" in bar) == (0, 0, False)


@pytest.mark.parametrize(
    ("at", "day", "shown"),
    [
        (time(9, 29, 59), DAY, True),
        (time(9, 30), DAY, False),
        (time(15, 59, 59), DAY, False),
        (time(16, 0), DAY, True),
        (time(12, 59, 59), date(2013, 11, 29), False),
        (time(13, 0), date(2013, 11, 29), True),
        (time(9, 29, 59), date(2013, 3, 11), True),
        (time(9, 30), date(2026, 11, 2), False),
    ],
)
def test_extended_hours_trades_set_prices_outside_the_regular_session_only(
    tmp_path: Path, at: time, day: date, shown: bool
) -> None:
    assert bool(minute(tmp_path, {"t": new_york_ms(day, at), "c": [12]})) is shown


def test_an_unknown_id_vetoes_prices_also_outside_the_session(tmp_path: Path) -> None:
    bars = minute(tmp_path, {"t": NIGHT}, {"t": NIGHT, "p": 99, "c": [12, 4711]}, {"t": NIGHT, "p": 98, "c": [57]})
    assert (bars[0]["h"], bars[0]["n"]) == (10, 3)


def test_windows_of_a_request_count_from_its_snapped_start(tmp_path: Path) -> None:
    start = new_york_ms(DAY, time(4)) + 90_000  # 04:01:30 snaps to 04:01
    trades = [{"t": start - 30_001}, {"t": start}, {"t": start + 7 * MINUTE_MS}, {"t": start + 13 * MINUTE_MS}]
    bars = reference_of(tmp_path, trades).requested("A", 7, "minute", start, start + 8 * MINUTE_MS)
    assert [(bar["t"], bar["n"]) for bar in bars] == [(start - 30_000, 1), (start - 30_000 + 7 * MINUTE_MS, 2)]


def test_windows_of_a_day_tile_it_whole(tmp_path: Path) -> None:
    start = new_york_ms(DAY)
    trades = [{"t": start - 1}, {"t": start}, {"t": start + 24 * HOUR_MS - 1}, {"t": start + 24 * HOUR_MS}]
    bars = reference_of(tmp_path, trades).day("A", 1, "hour", DAY)
    assert [bar["t"] for bar in bars] == [start, start + 23 * HOUR_MS]


@pytest.mark.parametrize("module", [reference, generate, rewrite, freeze_conditions])
def test_the_reference_imports_nothing_of_the_product(module: Any) -> None:
    nodes = list(ast.walk(ast.parse(Path(module.__file__).read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert names
    assert not {name.partition(".")[0] for name in names} & PRODUCT


def test_the_frozen_conditions_are_the_published_ones(published_conditions: Path) -> None:
    assert FROZEN_CONDITIONS.read_text() == freeze_conditions.text(freeze_conditions.frozen(published_conditions))


def test_the_recorded_sources_own_minutes_follow_from_its_trades(recorded: Path, tmp_path: Path) -> None:
    """data/README.md, rules 1 and 2, one symbol-day: rewriting and reference agree with somebody else's bars."""
    name = "SPY_2013-10-08"
    ours = Reference(rewrite.published([recorded / f"trades/{name}.jsonl.gz"], tmp_path)).bars("SPY", MINUTE_MS)
    result = compare(ours, minutes_of(recorded / f"minute/{name}.csv.gz"))
    assert result.rows > 800
    assert result.equal / result.rows >= 0.999, result.different
