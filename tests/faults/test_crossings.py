"""What the kills' check of alerts finds: it must not be content with anything."""

from decimal import Decimal

import pytest

from tests.faults.crossings import Watched, impossible

LEVEL = Decimal(10)
TRADES = [
    (1, Decimal("9.90")),
    (2, Decimal("10.00")),
    (3, Decimal("10.10")),
    (4, Decimal("9.99")),
    (5, Decimal("10.01")),
    (6, Decimal("9.98")),
    (7, Decimal("10.02")),
]
SEEN = Watched({"SPY": TRADES}, {"SPY": LEVEL})


def told(*at: tuple[int, str]) -> list[str]:
    return impossible([{"ticker": "SPY", "t": t, "value": value} for t, value in at], SEEN)


def test_each_rise_told_once_is_possible() -> None:
    assert told((2, "10"), (7, "10.02")) == []


@pytest.mark.parametrize(
    ("crossings", "word"),
    [
        ([(2, "10"), (3, "10.1")], "never below 9.99 since"),
        ([(2, "10"), (2, "10")], "never below 9.99 since"),
        ([(2, "10"), (5, "10.01")], "never below 9.99 since"),
        ([(2, "10.05")], "no trade at 10.05"),
        ([(4, "9.99")], "no trade at 9.99"),
    ],
    ids=[
        "a rise told again",
        "a crossing told twice",
        "a fall of exactly the hysteresis",
        "a price that never was",
        "under the level",
    ],
)
def test_what_no_single_telling_gives_is_found(crossings: list[tuple[int, str]], word: str) -> None:
    (found,) = told(*crossings)
    assert found.endswith(word)
