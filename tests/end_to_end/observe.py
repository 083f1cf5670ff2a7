"""What one run of the platform showed to the outside, kept so that tests can compare runs that are over."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from tests.end_to_end.local_platform import LocalPlatform, alive, descendants, running
from tests.end_to_end.rest import aggregates
from tests.parity.reference import Bar, Reference

TIMEFRAMES = ((1, "minute"), (5, "minute"), (15, "minute"), (30, "minute"), (1, "hour"))
DAY_MS = 86_400_000


class Run(NamedTuple):
    """Health after the feed ended, answers by request, trades of the raw log, how it stopped."""

    health: dict[str, Any]
    answers: dict[str, bytes]
    raw_trades: int
    raw_identities: int
    raw_volume: dict[str, Decimal]
    exit_code: int
    left_behind: list[int]
    printed: str

    def count(self, name: str) -> int:
        """`trades_in`, or one of the counts of /v1/health."""
        return int(self.health["feed" if name == "trades_in" else "counts"][name])

    def bars(self, target: str) -> list[Bar]:
        """The bars of an answer that was read whole, numbers exact."""
        answer = json.loads(self.answers[target], parse_float=Decimal)
        assert "next_url" not in answer, target
        bars: list[Bar] = answer.get("results", [])
        return bars


def day_targets(symbols: Iterable[str], days: Iterable[date]) -> list[str]:
    """Requests for every stream timeframe of every symbol and day, each answered in one page."""
    days = list(days)
    return [
        aggregates(sym, multiplier, timespan, day, day, limit=50_000)
        for sym in symbols
        for day in days
        for multiplier, timespan in TIMEFRAMES
    ]


def raw_log(state: Path) -> list[dict[str, Any]]:
    """The parts of the raw log, from its objects as the emulator keeps them: files below the state folder.

    Parts may be written again by a repeated delivery, so each (frame, symbol, second) counts once.
    """
    parts = {}
    for file in sorted(state.rglob("raw/trades/date=*/hour=*/*.jsonl.gz")):
        with gzip.open(file, "rb") as lines:
            for part in map(json.loads, lines):
                parts[part["f"], part["sym"], part["sec"]] = part
    return [part for part in parts.values() if part["sym"]]


def observe(platform: LocalPlatform, targets: Sequence[str], *, within_s: float) -> Run:
    """Wait for the end of the feed, read everything, stop the platform."""
    health = platform.wait_until_ended(within_s)
    answers = {target: platform.rest.stable(target) for target in targets}
    started = descendants(platform.process.pid)
    exit_code = platform.stop()
    left_behind = alive(started)
    parts = raw_log(platform.state)
    trades = [(part["sym"], trade) for part in parts for trade in part["trades"]]
    volume: dict[str, Decimal] = defaultdict(Decimal)
    for part in parts:
        volume[part["sym"]] += Decimal(part["bar"]["volume"])
    return Run(
        health=health,
        answers=answers,
        raw_trades=len(trades),
        raw_identities=len({(sym, trade[0] // DAY_MS, *trade[2:5]) for sym, trade in trades}),
        raw_volume=dict(volume),
        exit_code=exit_code,
        left_behind=left_behind,
        printed=platform.printed(),
    )


def run(
    state: Path, feed: Path, targets: Sequence[str], *arguments: str, speed: str = "max", within_s: float = 150
) -> Run:
    """One whole run over a feed."""
    with running(state, *arguments, feed=feed, speed=speed) as platform:
        return observe(platform, targets, within_s=within_s)


def differences(run: Run, reference: Reference, targets: Iterable[str]) -> list[str]:
    """Where answers differ from the reference, in words: the first bar of each answer that does."""
    found = []
    for target in targets:
        _, sym, _, multiplier, timespan, day, _ = target.partition("?")[0].removeprefix("/v2/aggs/").split("/")
        got = run.bars(target)
        want = reference.day(sym, int(multiplier), timespan, date.fromisoformat(day))
        if got != want:
            pair = next((g, w) for g, w in zip_longest(got, want) if g != w)
            found.append(f"{target}: {len(got)} bars for {len(want)}; got {pair[0]}, want {pair[1]}")
    return found
