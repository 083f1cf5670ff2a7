"""Recorded trade files, rewritten: so that the published bars must follow, or so that a feed is at its worst.

Every function writes files of the same names into `out` and returns them; the trades themselves stay as recorded.
"""

import gzip
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.parity.generate import REPEAT_WITHIN_MS, write_lines

_TIME = re.compile(r'"t":(\d+)')
_CONDITIONS = re.compile(r'"c":\[([\d,]*)\],?')
OFFICIAL_MARKS = frozenset({15, 16})
EXTENDED_HOURS = frozenset({12, 13})


def published(files: Sequence[Path], out: Path) -> list[Path]:
    """Trades from which, by the plain rules, the recorded source's own minute bars follow (data/README.md, rule 1):
    marks are dropped, what sets prices loses its conditions, the rest becomes odd lots (volume only)."""
    return [_write(out / file.name, (t for t in map(_published, _lines(file)) if t is not None)) for file in files]


def _published(line: str) -> str | None:
    found = _CONDITIONS.search(line)
    ids = frozenset(int(id_) for id_ in found[1].split(",") if id_) if found else frozenset[int]()
    if ids & OFFICIAL_MARKS:
        return None
    return _CONDITIONS.sub("" if sets_price(ids) else '"c":[37],', line)


def sets_price(ids: frozenset[int]) -> bool:
    """data/README.md, "How the published bars follow from the trades", rule 1."""
    if ids & OFFICIAL_MARKS:
        return False
    if ids & EXTENDED_HOURS:
        return True
    return bool(ids & {0, 7, 20}) if 41 in ids else not ids & {14, 17, 19}


def disturbed(
    files: Sequence[Path], out: Path, seed: int, *, repeats: float = 0.05, disorder_ms: int = 2_000
) -> list[Path]:
    """The same trades with some repeated up to 20 minutes later, all fields kept, and out of order within 2 s."""
    return [_write(out / file.name, _disturbed(file, seed, repeats, disorder_ms)) for file in files]


def _disturbed(file: Path, seed: int, repeats: float, disorder_ms: int) -> Iterator[str]:
    draw = random.Random(f"{seed} {file.name}")
    arrivals: list[tuple[int, str]] = []
    for line in _lines(file):
        arrival = time_of(line) + (draw.randrange(disorder_ms) if draw.random() < 0.3 else 0)
        arrivals.append((arrival, line))
        if draw.random() < repeats:
            arrivals.append((arrival + draw.randrange(REPEAT_WITHIN_MS), line))
    arrivals.sort(key=lambda pair: pair[0])
    return (line for _, line in arrivals)


def cut(files: Sequence[Path], out: Path, since: int, until: int) -> list[Path]:
    """The trades of [since, until), Unix ms."""
    return [_write(out / file.name, (t for t in _lines(file) if since <= time_of(t) < until)) for file in files]


def time_of(line: str) -> int:
    """Event time of a trade's line, Unix ms."""
    found = _TIME.search(line)
    assert found, line
    return int(found[1])


def _lines(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt") as stream:
        yield from (line.rstrip("\n") for line in stream)


def _write(file: Path, lines: Iterator[str]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_lines(file, lines)
    return file
