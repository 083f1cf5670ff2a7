"""The minute bars that the recorded source itself published, and how ours compare with them."""

import csv
import gzip
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tests.parity.reference import NEW_YORK

MOVED_AUCTIONS = frozenset({time(9, 30), time(9, 31), time(15, 59), time(16, 0), time(16, 1)})
"""Minutes into or out of which the source moves the auctions (data/README.md, rule 4)."""

FIELDS = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}


class Comparison(NamedTuple):
    """Published rows outside the auctions, how many are equal in all five fields, and the start times of the others."""

    rows: int
    equal: int
    different: list[datetime]


def minutes_of(file: Path) -> dict[int, dict[str, Decimal]]:
    """Start of the minute (Unix ms) -> `o h l c v`, without the minutes of the auctions."""
    with gzip.open(file, "rt", newline="") as stream:
        rows = [(int(row["window_start"]) // 10**6, row) for row in csv.DictReader(stream)]
    return {
        t: {field: Decimal(row[column]) for field, column in FIELDS.items()}
        for t, row in rows
        if _new_york(t).time() not in MOVED_AUCTIONS
    }


def compare(ours: Iterable[Mapping[str, Any]], published: Mapping[int, Mapping[str, Decimal]]) -> Comparison:
    """Which published rows our bars equal in all five fields; a minute that we do not have is different."""
    by_time = {bar["t"]: bar for bar in ours}
    different = [t for t, row in published.items() if any(by_time.get(t, {}).get(f) != row[f] for f in FIELDS)]
    return Comparison(len(published), len(published) - len(different), [_new_york(t) for t in different])


def _new_york(t_ms: int) -> datetime:
    return datetime.fromtimestamp(t_ms / 1000, UTC).astimezone(NEW_YORK)
