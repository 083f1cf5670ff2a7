"""Loads: what is refused, how they grow, and the shards that a peak takes."""

import pytest

from local_dev.cost.load import Load


def test_shards_are_what_the_peak_takes() -> None:
    """20,000 x 85 B = 1.7 MB a second, of 0.66 and 0.9 MB a shard."""
    assert (Load().shards("full"), Load().shards("lean")) == (3, 2)
    assert Load(peak_trades_a_second=6_600, peak_bytes_a_trade=100).shards("full") == 1
    assert Load(peak_trades_a_second=6_601, peak_bytes_a_trade=100).shards("full") == 2


def test_a_load_of_fewer_symbols_or_trades_has_a_lower_peak() -> None:
    assert Load().scaled(symbols=50) == Load(symbols=50, trades_a_day=4_000_000, peak_trades_a_second=2_000)
    assert Load().scaled(trades=80_000_000) == Load(trades_a_day=80_000_000, peak_trades_a_second=40_000)
    assert Load().scaled() == Load()


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("trades_a_day", "many", "whole number"),
        ("trades_a_day", "1.5", "whole number"),
        ("night_hours", "nan", "number"),
        ("night_hours", "-1", "negative"),
        ("symbols", "0", "at least 1"),
        ("extended_share", "1.5", "at most 1"),
    ],
)
def test_a_value_that_can_be_no_load_is_refused(name: str, text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Load().given(name, text)


def test_a_value_has_the_kind_of_its_field() -> None:
    assert Load().given("trades_a_day", "10_000_000").trades_a_day == 10_000_000
    assert Load().given("night_hours", "2").night_hours == 2.0
