"""Generated trade files in Polygon's shape: everything a feed may do that the recorded days do not show.

Half days, both sides of daylight-saving switches, trades on every boundary, every sale condition, fractional sizes,
tiny and huge prices, odd trade ids, repeats up to 20 minutes apart, disorder within 2 s, and trades minutes too late.
Seeded: the same seed writes the same bytes.
"""

import gzip
import json
import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from tests.parity.reference import FROZEN_CONDITIONS, HALF_DAYS, HOUR_MS, MINUTE_MS, new_york_ms

DAYS = (
    *(date(2013, 3, 8), date(2013, 3, 11), date(2013, 11, 1), date(2013, 11, 4)),  # clocks change on the Sunday between
    date(2013, 11, 29),  # a half day
    *(date(2026, 3, 6), date(2026, 3, 9), date(2026, 10, 30), date(2026, 11, 2)),
)
PRICES = {"NRM": (2, 95_00), "TINY": (9, 120_000), "BRK.A": (6, 734_500_123_456), "BACpL": (4, 1_204_1000)}
"""Symbol -> (decimals, start in units of the last decimal). At most 15 digits: Polygon's prices are JSON numbers."""

ODD_IDS = ("0", "00017", "a-b c", 'quote"p":1', "back\\slash", "日本", "71697218263345", "x" * 40)
UNKNOWN_IDS = (61, 72, 99, 1000)
USUAL: tuple[list[int] | None, ...] = ([0], [0], None, [], [14, 41], [14], [37], [14, 37, 41])
LATE_BY_MS = (3_000, 70_000, 6 * MINUTE_MS, 17 * MINUTE_MS, 35 * MINUTE_MS, 100 * MINUTE_MS)
REPEAT_WITHIN_MS = 20 * MINUTE_MS


class Feed(NamedTuple):
    """What was written: the files, and how many of their lines repeat another line or come minutes late."""

    files: list[Path]
    lines: int
    repeats: int
    late: int


class Line(NamedTuple):
    """One event: its event time and its arrival (Unix ms), and its JSON text."""

    t: int
    arrival: int
    text: str


def generate(
    out: Path,
    seed: int,
    *,
    days: Sequence[date] = DAYS,
    symbols: Sequence[str] = tuple(PRICES),
    bursts: int = 40,
    hours: tuple[int, int] = (4, 20),
) -> Feed:
    """Write SYM_DATE.jsonl.gz files into `out`: about 16 trades a burst, `bursts` bursts a symbol and day.

    `hours`: New York hours between which there are trades, the end excluded.
    """
    out.mkdir(parents=True, exist_ok=True)
    conditions = cycle(condition_lists())
    files, lines, repeats, late = [], 0, 0, 0
    for day in days:
        for sym in symbols:
            draw = random.Random(f"{seed} {sym} {day}")
            trades = list(_trades(draw, sym, _times(draw, day, bursts, hours), conditions))
            in_order, late_ones = _arrivals(draw, trades)
            copies = _repeats(draw, in_order)
            files.append(out / f"{sym}_{day}.jsonl.gz")
            write_lines(files[-1], (line.text for line in sorted(in_order + copies, key=lambda line: line.arrival)))
            lines, repeats, late = lines + len(trades) + len(copies), repeats + len(copies), late + late_ones
    return Feed(files, lines, repeats, late)


def write_lines(file: Path, lines: Iterable[str]) -> None:
    """Gzip text lines, quickly and with the same bytes each time."""
    data = "".join(f"{line}\n" for line in lines).encode()
    file.write_bytes(gzip.compress(data, compresslevel=1, mtime=0))


def condition_lists() -> list[list[int]]:
    """Every id alone, ids that nobody has published, and pairs."""
    ids = [row["id"] for row in json.loads(FROZEN_CONDITIONS.read_text())["results"]]
    pairs = [[12, 14], [0, 15], [37, 41], [13, 32], [12, 13], [38, 41], [12, 57], [99, 38], [10, 2, 41], [14, 12, 41]]
    return [[id_] for id_ in (*ids, *UNKNOWN_IDS)] + pairs


def _trades(
    draw: random.Random, sym: str, times: Iterable[int], conditions: Iterator[list[int]]
) -> Iterator[tuple[int, str]]:
    """(t, JSON) of one symbol's day, in order of t."""
    decimals, price = PRICES[sym]
    q = 0
    for number, t in enumerate(sorted(times)):
        q += draw.randint(1, 5)
        price = max(1, price + draw.randint(-30, 30))
        listed = draw.choice(USUAL) if draw.random() < 0.6 else next(conditions)
        listing = "" if listed is None else f',"c":{json.dumps(listed, separators=(",", ":"))}'
        what = f'"p":{_decimal(price, decimals)},{_size(draw)}{listing},"t":{t},"q":{q}'
        yield t, f'{{"ev":"T","sym":"{sym}",{_identity(draw, number)},"z":{1 + number % 3},{what}}}'


def _times(draw: random.Random, day: date, bursts: int, hours: tuple[int, int]) -> Iterator[int]:
    """Bursts of trades, with some around each boundary that matters."""
    start, end = (new_york_ms(day, time(hour)) for hour in hours)
    session = [new_york_ms(day, time(9, 30)), new_york_ms(day, HALF_DAYS.get(day, time(16)))]
    hour = start + draw.randrange(1, hours[1] - hours[0]) * HOUR_MS
    five = start + draw.randrange(1, (end - start) // MINUTE_MS // 5) * 5 * MINUTE_MS
    for edge in (start, *session, hour, five, end - MINUTE_MS):
        if start <= edge < end:
            yield from (edge + offset for offset in (0, 0, 1, 999, 1000))
            if edge != start:
                yield from (edge - 1000, edge - 1)
    for _ in range(bursts):
        t = start + draw.randrange(end - start - 20_000)
        for _ in range(draw.randint(2, 30)):
            yield t
            t += draw.choice((0, 0, 1, 17, 250, 400))


def _identity(draw: random.Random, number: int) -> str:
    """Exchange, id and facility as the vendor writes them. Ids repeat across exchanges, never within one."""
    if draw.random() < 0.05:
        return f'"x":12,"i":{json.dumps(f"{draw.choice(ODD_IDS)}{number}", ensure_ascii=False)}'
    if number % 7 == 0:
        return f'"x":4,"i":"{number // 14}","trfi":{201 + number // 7 % 2}'
    return f'"x":{10 + number % 2},"i":"{number // 2}"'


def _size(draw: random.Random) -> str:
    kind = draw.random()
    if kind < 0.7:
        return f'"s":{draw.randint(1, 900)}'
    if kind < 0.9:
        return f'"s":{_decimal(draw.randint(1, 9_999_999), 6)}'
    if kind < 0.97:
        exact = draw.randint(1_000_000, 99_999_999)
        return f'"s":{exact // 10**6},"ds":"{_decimal(exact, 6)}"'
    return f'"s":{draw.randint(1, 50)}00000'


def _decimal(units: int, decimals: int) -> str:
    whole, fraction = divmod(units, 10**decimals)
    return f"{whole}.{fraction:0{decimals}d}".rstrip("0").rstrip(".")


def _arrivals(draw: random.Random, trades: list[tuple[int, str]]) -> tuple[list[Line], int]:
    """Arrival times: most at once, some within 2 s, some minutes late. A trade after a silence comes at once, and what
    follows it is not late: else a feed clock could not tell it from a wrong time stamp."""
    on_time, late = [], []
    before = 0
    for t, text in trades:
        after_silence, before = t - before > 2_000, t
        if not after_silence and draw.random() < 0.02:
            late.append((t, text))
        else:
            delay = draw.randrange(2_000) if not after_silence and draw.random() < 0.2 else 0
            on_time.append((Line(t, t + delay, text), after_silence))
    free = sorted(line.arrival for line, after_silence in on_time if not after_silence)
    lines = [line for line, _ in on_time]
    count = 0
    for t, text in late:
        slot = bisect_left(free, t + draw.choice(LATE_BY_MS))
        found = slot < len(free)
        lines.append(Line(t, free.pop(slot) if found else t, text))
        count += found
    return sorted(lines, key=lambda line: line.arrival), count


def _repeats(draw: random.Random, lines: list[Line]) -> list[Line]:
    """One line in twenty again, with all its fields, up to 20 minutes after the first."""
    chosen = [line for line in lines if draw.random() < 0.05]
    return [line._replace(arrival=line.arrival + draw.randrange(REPEAT_WITHIN_MS)) for line in chosen]
