"""Input that breaks rules, put into a good feed: what must be quarantined, what must be ignored, and how much of it."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.parity.generate import write_lines
from tests.parity.rewrite import time_of

STEADY_LINES = 8
STEADY_MS = 1_500


class Dirt(NamedTuple):
    """Lines to put in: bad ones must be quarantined one by one, unknown events must be counted by kind."""

    bad: list[str]
    ignored: dict[str, int]


def soil(file: Path) -> Dirt:
    """Put every kind of bad input into the middle of a generated file, between trades of one and the same moment."""
    with gzip.open(file, "rt") as stream:
        lines = [line.rstrip("\n") for line in stream]
    place = _steady_place([time_of(line) for line in lines])
    good = json.loads(lines[place])
    bad = bad_lines(good)
    unknown = [json.dumps({"ev": kind, "sym": good["sym"], "t": good["t"]}) for kind in ("XT", "XT", "LULD")]
    write_lines(file, [*lines[: place + 1], *bad, *unknown, '"not an object"', *lines[place + 1 :]])
    return Dirt(bad, {"XT": 2, "LULD": 1, "not_an_object": 1})


def _steady_place(times: Sequence[int]) -> int:
    """A line after the first third whose followers are of the same moment: what then leaps ahead is wrong."""
    for place in range(len(times) // 3, len(times) - STEADY_LINES):
        if all(0 <= t - times[place] <= STEADY_MS for t in times[place + 1 : place + STEADY_LINES]):
            return place
    raise AssertionError("no steady place in the file")


def bad_lines(good: dict[str, object]) -> list[str]:
    """One line for each rule, made of a good trade (a new identity each, except for the conflict)."""

    def trade(**changes: object) -> str:
        return json.dumps({**good, "x": 19, "i": f"bad{sorted(changes)}", **changes})

    t = good["t"]
    assert isinstance(t, int)
    return [
        trade()[:40],  # cut short
        trade(p=float("nan")),
        trade(p=float("inf")),
        trade(p=0),
        trade(p=-1.5),
        trade(p="10"),
        trade(p=0.0000000001),  # more decimals than 10^-9 USD
        trade(s=-100),
        trade(i=""),
        trade(sym="no such symbol!"),
        trade(t=t // 1000),  # seconds for milliseconds
        trade(t=t * 1_000_000),  # nanoseconds
        trade(t=t + 10_000),  # alone, 10 s ahead
        trade(c=[]).replace("[]", "[" * 100_000 + "]" * 100_000),
        trade(q=0).replace('"q": 0', '"q": ' + "9" * 5_000),
        json.dumps({**good, "p": 12.5}),  # the same trade with another price
    ]
