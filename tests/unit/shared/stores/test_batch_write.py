"""Items written 25 a call: what a table does not take comes again, and not for ever."""

from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.stores.batch_write import PAUSES_S, put_all


class Table:
    """Takes the first `takes(n)` items of call number n and leaves the rest; refuses what AWS refuses."""

    def __init__(self, *takes: int) -> None:
        self.takes = takes
        self.calls: list[int] = []
        self.items: dict[int, str] = {}

    def write(self, request: dict[str, Any]) -> dict[str, Any]:
        ((name, requests),) = request["RequestItems"].items()
        puts = [one["PutRequest"]["Item"] for one in requests]
        assert 1 <= len(puts) <= 25
        assert len({item["key"] for item in puts}) == len(puts), "Provided list of item keys contains duplicates"
        takes = self.takes[len(self.calls)] if len(self.calls) < len(self.takes) else 25
        self.calls.append(len(puts))
        self.items |= {item["key"]: item["value"] for item in puts[:takes]}
        left = requests[takes:]
        return {"UnprocessedItems": {name: left} if left else {}}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses made, none of them in real time."""
    made: list[float] = []
    monkeypatch.setattr("shared.stores.batch_write.time.sleep", made.append)
    return made


def write(table: Table, count: int) -> None:
    """Write items 0 to count - 1."""
    put_all(table.write, "ticks", ("key",), ({"key": n, "value": str(n)} for n in range(count)))


@pytest.mark.parametrize(("count", "calls"), [(0, []), (1, [1]), (25, [25]), (26, [25, 1]), (60, [25, 25, 10])])
def test_a_call_has_25_items_at_most(count: int, calls: list[int], pauses: list[float]) -> None:
    table = Table()
    write(table, count)
    assert table.calls == calls
    assert table.items == {n: str(n) for n in range(count)}
    assert pauses == []


@pytest.mark.fault("F40")
def test_what_a_call_leaves_goes_again_after_a_pause_and_before_what_follows(pauses: list[float]) -> None:
    table = Table(20, 0, 5, 25)
    write(table, 30)
    assert table.calls == [25, 5, 5, 5]
    assert len(table.items) == 30
    assert pauses == list(PAUSES_S[:2])


@pytest.mark.fault("F40")
def test_a_table_that_keeps_leaving_items_is_given_up(pauses: list[float]) -> None:
    table = Table(24, *[0] * 99)
    with pytest.raises(StoreUnavailable, match="1 items"):
        write(table, 75)
    assert len(table.calls) == len(PAUSES_S)
    assert len(table.items) == 24


@pytest.mark.fault("F43")
def test_of_items_with_one_key_the_last_stands(pauses: list[float]) -> None:
    table = Table()
    put_all(table.write, "ticks", ("key",), [{"key": n % 3, "value": str(n)} for n in range(30)])
    assert table.items == {0: "27", 1: "28", 2: "29"}
    assert table.calls == [3, 3]
