"""The recorded source's own minute bars, out of our platform: trades rewritten so that they must follow.

One of the three symbols, on one day unless all is wanted. The others, which have most of the trades, are compared with
the reference (tests/parity/test_reference.py), as the platform is (test_recorded.py).
"""

from datetime import date
from pathlib import Path

import pytest

from tests.effort import at_most
from tests.end_to_end.observe import Run, day_targets, run
from tests.end_to_end.rest import aggregates
from tests.parity import rewrite
from tests.parity.published import compare, minutes_of

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]

SYMBOLS = ("AIG",)
DAYS = at_most((date(2013, 10, 7), date(2013, 10, 8), date(2013, 10, 9)), (date(2013, 10, 8),))
MINUTES = [target for target in day_targets(SYMBOLS, DAYS) if "/1/minute/" in target]


@pytest.fixture(scope="module")
def rewritten(recorded_trades: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("published")
    files = [
        file for file in recorded_trades if file.name.startswith(SYMBOLS) and any(str(day) in file.name for day in DAYS)
    ]
    rewrite.published(files, folder / "trades")
    return run(folder / "state", folder / "trades", MINUTES)


def test_published_minutes_are_equal_in_all_five_fields(rewritten: Run, recorded: Path) -> None:
    rows, equal, different = 0, 0, []
    for sym in SYMBOLS:
        for day in DAYS:
            ours = rewritten.bars(aggregates(sym, 1, "minute", day, day, limit=50_000))
            result = compare(ours, minutes_of(recorded / f"minute/{sym}_{day}.csv.gz"))
            rows, equal = rows + result.rows, equal + result.equal
            different += [(sym, minute) for minute in result.different]
    assert rows == at_most(1_275, 424)
    assert equal / rows >= 0.999, different


def test_the_rewritten_feed_loses_nothing(rewritten: Run) -> None:
    assert rewritten.count("trades_in") == rewritten.raw.trades > at_most(120_000, 43_000)
    assert rewritten.count("lost") == rewritten.count("quarantined") == rewritten.count("duplicates") == 0
