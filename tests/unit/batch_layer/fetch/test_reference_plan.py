"""Which questions bring the reference data."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from batch_layer.fetch.reference_plan import plan_reference

FIRST, ASKED = date(2023, 1, 2), date(2024, 12, 31)


@given(st.dates(date(2000, 1, 1), date(2026, 1, 1)), st.integers(-5, 900))
def test_every_date_of_the_market_is_asked_for_once_and_what_is_announced_too(first: date, days: int) -> None:
    asked = first + timedelta(days=days)
    for kind in ("splits", "dividends"):
        spans = [(unit.start, unit.end) for unit in plan_reference(None, first, asked) if unit.kind == kind]
        assert spans[0][0] == first
        assert spans[-1][1] is None
        for (_, end), (start, _) in pairwise(spans):
            assert end is not None
            assert start == end + timedelta(days=1)


def test_a_few_symbols_are_asked_for_one_by_one() -> None:
    ids = [unit.id for unit in plan_reference(["B", "A", "A"], FIRST, ASKED)]
    assert ids == [
        "splits/A/2023-01-02../2024-12-31",
        "splits/B/2023-01-02../2024-12-31",
        "dividends/A/2023-01-02../2024-12-31",
        "dividends/B/2023-01-02../2024-12-31",
        "ticker/A/2024-12-31",
        "ticker/B/2024-12-31",
    ]


def test_many_symbols_are_asked_for_all_at_once_where_that_takes_fewer_calls() -> None:
    units = plan_reference([f"S{number}" for number in range(50)], FIRST, ASKED)
    kinds = [unit.kind for unit in units]
    assert {unit.sym for unit in units if unit.kind == "splits"} == {"*"}
    assert kinds.count("splits") == 5  # 729 days, 180 a page
    assert kinds.count("dividends") == 50  # 105 weeks would be more
    assert kinds.count("ticker") == 50


def test_the_same_question_on_another_day_is_another_unit() -> None:
    today = {unit.id for unit in plan_reference(["A"], FIRST, ASKED)}
    tomorrow = {unit.id for unit in plan_reference(["A"], FIRST, ASKED + timedelta(days=1))}
    assert not today & tomorrow
