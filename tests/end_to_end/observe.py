"""What one run of the platform showed to the outside, kept so that tests can compare runs that are over."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.end_to_end.local_platform import LocalPlatform, alive, descendants, running
from tests.end_to_end.rest import aggregates
from tests.parity.reference import Bar, Reference

TIMEFRAMES = ((1, "minute"), (5, "minute"), (15, "minute"), (30, "minute"), (1, "hour"))
DAY_S = 86_400


class Run(NamedTuple):
    """Health after the feed ended, answers by request, the raw log, how it stopped."""

    health: dict[str, Any]
    answers: dict[str, bytes]
    raw: "RawTotals"
    exit_code: int
    left_behind: list[int]

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


class RawTotals(NamedTuple):
    """What the raw log holds: trades, different identities among them, and shares by symbol as its parts sum them."""

    trades: int
    identities: int
    volume: dict[str, Decimal]


def raw_parts(state: Path) -> Iterator[dict[str, Any]]:
    """The parts of the raw log, read from its objects as the emulator keeps them: files below the state folder.

    Parts may be written again by a repeated delivery, so each (frame, symbol, second) comes once.
    """
    seen: set[tuple[str, str, int]] = set()
    for file in sorted(state.rglob("raw/trades/date=*/hour=*/*.jsonl.gz")):
        for line in gzip.decompress(file.read_bytes()).splitlines():
            part = msgspec.json.decode(line)
            name = (part["f"], part["sym"], part["sec"])
            if part["sym"] and name not in seen:
                seen.add(name)
                yield part


def raw_log(state: Path) -> list[dict[str, Any]]:
    """All parts at once: for small logs."""
    return list(raw_parts(state))


def raw_totals(state: Path) -> RawTotals:
    """What the parts of the raw log add up to."""
    trades, identities, volume = 0, set[str](), defaultdict[str, Decimal](Decimal)
    for part in raw_parts(state):
        sym, day = part["sym"], part["sec"] // DAY_S
        trades += len(part["trades"])
        identities.update(f"{sym} {day} {x} {trfi} {id_}" for _, _, x, trfi, id_, *_ in part["trades"])
        volume[sym] += Decimal(part["bar"]["volume"])
    return RawTotals(trades, len(identities), dict(volume))


def observe(platform: LocalPlatform, targets: Sequence[str], *, within_s: float) -> Run:
    """Wait for the end of the feed, read everything, stop the platform."""
    health = platform.wait_until_ended(within_s)
    answers = {target: platform.rest.stable(target) for target in targets}
    started = descendants(platform.process.pid)
    exit_code = platform.stop()
    return Run(health, answers, raw_totals(platform.state), exit_code, alive(started))


def run(
    state: Path, feed: Path, targets: Sequence[str], *arguments: str, speed: str = "max", within_s: float = 500
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
