"""Items written 25 a call: what a table does not take comes again, and no longer than the budget."""

from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.stores.batch_write import PAUSES_S, write_all


class Table:
    """Takes the first `takes(n)` items of call number n and leaves the rest; refuses what AWS refuses."""

    def __init__(self, *takes: int) -> None:
        self.takes = takes
        self.calls: list[int] = []
        self.items: dict[int, str] = {}

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 -- boto3's names
        (name,) = RequestItems
        puts = [request["PutRequest"]["Item"] for request in RequestItems[name]]
        assert 1 <= len(puts) <= 25
        takes = self.takes[len(self.calls)] if len(self.calls) < len(self.takes) else 25
        self.calls.append(len(puts))
        self.items |= {item["key"]: item["value"] for item in puts[:takes]}
        left = RequestItems[name][takes:]
        return {"UnprocessedItems": {name: left} if left else {}}


def write(table: Table, count: int) -> list[float]:
    """Write items 0 to count - 1; the pauses made."""
    pauses: list[float] = []
    write_all(table, "ticks", ({"key": n, "value": str(n)} for n in range(count)), pauses.append)
    return pauses


@pytest.mark.parametrize(("count", "calls"), [(0, []), (1, [1]), (25, [25]), (26, [25, 1]), (60, [25, 25, 10])])
def test_a_call_has_25_items_at_most(count: int, calls: list[int]) -> None:
    table = Table()
    assert write(table, count) == []
    assert table.calls == calls
    assert table.items == {n: str(n) for n in range(count)}


def test_what_a_call_leaves_goes_again_after_a_pause_and_before_what_follows() -> None:
    table = Table(20, 0, 5, 25)
    assert write(table, 30) == list(PAUSES_S[:2])
    assert table.calls == [25, 5, 5, 5]
    assert len(table.items) == 30


def test_a_table_that_keeps_leaving_items_uses_up_one_budget_for_all_calls() -> None:
    table = Table(24, 1, *[0] * 99)
    with pytest.raises(StoreUnavailable, match="25 items"):
        write(table, 75)
    assert len(table.calls) == len(PAUSES_S) + 2, "the first call, its repetition, then calls until the pauses are used"
    assert len(table.items) == 25
