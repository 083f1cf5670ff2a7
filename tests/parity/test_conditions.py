"""The truth table of sale conditions: every id, in and out of the session, against the independent reference.

Each case has two minutes of its own. In the first a plain trade stands between two trades under test, the earlier
dearer and the later cheaper: its bar shows each effect (open, high, low, close, volume, count). In the second the trade
under test is alone: its bar shows whether there is one, and whether it has a VWAP.
"""

import json
from collections.abc import Iterator
from datetime import date, time
from typing import Any

import pytest

from tests.parity import ours
from tests.parity.generate import condition_lists, write_lines
from tests.parity.reference import MINUTE_MS, Bar, Reference, new_york_ms

FULL_DAY, HALF_DAY = date(2013, 11, 27), date(2013, 11, 29)
STARTS = {
    "regular": new_york_ms(FULL_DAY, time(9, 30)),
    "before": new_york_ms(FULL_DAY, time(4)),
    "after": new_york_ms(FULL_DAY, time(16)),
    "regular, half day": new_york_ms(HALF_DAY, time(9, 30)),
    "after, half day": new_york_ms(HALF_DAY, time(13)),
}
LISTS: list[list[int] | None] = [None, [], *condition_lists(), [14, 12, 41, 37], [13, 12, 15], [12, 4711]]
CASES = [(when, listed) for when in STARTS for listed in LISTS]


def minute_of(when: str, listed: list[int] | None) -> int:
    return STARTS[when] + 2 * LISTS.index(listed) * MINUTE_MS


def _trades() -> Iterator[str]:
    for number, (when, listed) in enumerate(CASES):
        minute = minute_of(when, listed)
        tested = {} if listed is None else {"c": listed}
        trades: list[dict[str, Any]] = [
            {"t": minute, "p": 12, "s": 1, **tested},
            {"t": minute + 30_000, "p": 10, "s": 10, "c": [0]},
            {"t": minute + 59_999, "p": 8, "s": 100, **tested},
            {"t": minute + MINUTE_MS, "p": 11, "s": 1000, **tested},
        ]
        for q, trade in enumerate(trades, 4 * number):
            yield json.dumps({"ev": "T", "sym": "A", "x": 4, "i": str(q), "z": 1, "q": q, **trade})


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[Any, Bar], dict[Any, Bar]]:
    """(ours, the reference's): the bars by start."""
    file = tmp_path_factory.mktemp("conditions") / "cases.jsonl.gz"
    write_lines(file, _trades())
    got, want = ours.bars(ours.minutes_of([file])["A"]), Reference([file]).bars("A", MINUTE_MS)
    return {bar["t"]: bar for bar in got}, {bar["t"]: bar for bar in want}


def test_the_table_holds_every_published_id_and_ids_nobody_published() -> None:
    alone = {listed[0] for listed in LISTS if listed is not None and len(listed) == 1}
    assert len(alone) == 71 + 4
    assert len({minute_of(when, listed) for when, listed in CASES}) == len(CASES)
    assert minute_of("regular, half day", LISTS[-1]) < STARTS["after, half day"] - MINUTE_MS


@pytest.mark.fault("F18")
@pytest.mark.parametrize(("when", "listed"), CASES, ids=[f"{when} {listed}" for when, listed in CASES])
def test_a_condition_list_updates_what_the_reference_says(
    when: str, listed: list[int] | None, tables: tuple[dict[Any, Bar], dict[Any, Bar]]
) -> None:
    got, want = tables
    minute = minute_of(when, listed)
    assert minute in want, "the plain trade always makes a bar"
    for t in (minute, minute + MINUTE_MS):
        assert got.get(t) == want.get(t)
