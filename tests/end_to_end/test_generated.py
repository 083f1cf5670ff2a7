"""Generated trades with broken input among them: `up --once`, then served from its state with `up --feed none`.

Needs no recorded data: half days, daylight-saving switches, late trades, odd sizes and prices, paging, anchoring.
"""

import json
import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import pytest

from tests.end_to_end.dirt import Dirt, soil
from tests.end_to_end.local_platform import LocalPlatform, free_port, run_to_end, running
from tests.end_to_end.observe import raw_totals
from tests.end_to_end.rest import aggregates
from tests.parity.generate import Feed, generate
from tests.parity.reference import Reference, new_york_ms

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]

DAYS = (date(2013, 3, 8), date(2013, 3, 11), date(2013, 11, 29), date(2026, 10, 30), date(2026, 11, 2))
SEED = 41


class Once(NamedTuple):
    """A finished `up --once`: the clean feed and its reference, the dirt put in, what was printed, the state left."""

    feed: Feed
    reference: Reference
    dirt: Dirt
    done: CompletedProcess[str]
    state: Path


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    folder = tmp_path_factory.mktemp("generated")
    feed = generate(folder / "trades", SEED, days=DAYS, bursts=25)
    reference = Reference(feed.files)
    dirt = soil(next(file for file in feed.files if file.name == f"NRM_{DAYS[1]}.jsonl.gz"))
    state = folder / "state"
    arguments = ["--feed", str(folder / "trades"), "--speed", "max", "--state", str(state), "--port", str(free_port())]
    return Once(feed, reference, dirt, run_to_end("up", *arguments, "--once", "--fresh", timeout_s=600), state)


@pytest.fixture(scope="module")
def served(once: Once) -> Iterator[LocalPlatform]:
    assert once.done.returncode == 0, once.done
    with running(once.state, feed="none", fresh=False) as platform:
        yield platform


def test_each_trade_date_is_settled(once: Once, served: LocalPlatform) -> None:
    assert [day for day in DAYS if f"{day}: settled, " not in once.done.stdout] == []
    (page,) = served.rest.pages(f"/v1/completeness?from={DAYS[0]}&to={DAYS[2]}")
    settled = [row["date"] for row in page["results"] if "settled" in row]
    assert settled == [str(day) for day in DAYS[:3]]


def printed(once: Once, name: str) -> int:
    """A count of the closing summary: its name, then its number."""
    found = re.search(rf"^\W*{name}\W+([\d,]+)", once.done.stdout, re.MULTILINE)
    assert found, (name, once.done.stdout)
    return int(found[1].replace(",", ""))


def test_a_feed_with_broken_input_ends_well_and_says_so(once: Once) -> None:
    assert once.done.returncode == 0, once.done
    assert printed(once, "trades in") == once.feed.lines + len(once.dirt.bad)
    assert printed(once, "duplicates") == once.feed.repeats
    assert printed(once, "quarantined") == len(once.dirt.bad)
    assert printed(once, "lost") == 0
    assert printed(once, "late") >= 0
    assert min(printed(once, name) for name in ("frames", "parts", "bars")) > 0


def test_the_raw_totals_holds_what_was_not_dropped(once: Once) -> None:
    raw = raw_totals(once.state)
    assert raw.trades == raw.identities == once.reference.trades()
    assert raw.volume == once.reference.volume()


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize(
    ("multiplier", "timespan"),
    [
        (1, "minute"),
        (5, "minute"),
        (15, "minute"),
        (30, "minute"),
        (1, "hour"),
        (7, "minute"),
        (330, "minute"),
        (2, "hour"),
    ],
)
def test_bars_equal_the_reference(served: LocalPlatform, once: Once, day: date, multiplier: int, timespan: str) -> None:
    for sym in once.reference.symbols():
        want = once.reference.day(sym, multiplier, timespan, day)
        assert len(want) > 2
        assert served.rest.bars(sym, multiplier, timespan, day, day, limit=50_000) == want, sym


@pytest.mark.parametrize(("multiplier", "timespan"), [(1, "minute"), (7, "minute"), (90, "minute"), (3, "hour")])
def test_windows_count_from_the_snapped_start(
    served: LocalPlatform, once: Once, multiplier: int, timespan: str
) -> None:
    since = new_york_ms(DAYS[2], time(4, 17)) + 31_007
    until = new_york_ms(DAYS[2], time(13, 3)) + 59_999
    want = once.reference.requested("NRM", multiplier, timespan, since, until)
    assert len(want) > 2
    assert served.rest.bars("NRM", multiplier, timespan, since, until) == want


def test_a_range_over_many_days_is_their_bars_in_order(served: LocalPlatform, once: Once) -> None:
    want = [bar for day in DAYS[:3] for bar in once.reference.day("BRK.A", 1, "hour", day)]
    assert served.rest.bars("BRK.A", 1, "hour", DAYS[0], DAYS[2], limit=50_000) == want


@pytest.mark.parametrize(
    ("multiplier", "timespan", "limit"),
    [(1, "minute", 60), (1, "minute", 1_000), (5, "minute", 7), (1, "hour", 130), (1, "hour", 1)],
)
def test_pages_of_any_size_hold_every_bar_once(
    served: LocalPlatform, once: Once, multiplier: int, timespan: str, limit: int
) -> None:
    want = once.reference.day("TINY", multiplier, timespan, DAYS[0])
    for sort, expected in (("asc", want), ("desc", want[::-1])):
        target = aggregates("TINY", multiplier, timespan, DAYS[0], DAYS[0], limit=limit, sort=sort)
        pages = served.rest.pages(target)
        assert [bar for page in pages for bar in page.get("results", [])] == expected
        assert len(pages) > 1 or limit > len(want)


def test_the_official_client_reads_the_same(served: LocalPlatform, once: Once) -> None:
    client = served.client()
    for sym in once.reference.symbols():
        listed = list(client.list_aggs(sym, 1, "minute", DAYS[1], DAYS[1] + timedelta(days=1), limit=100))
        got = [(b.timestamp, b.open, b.high, b.low, b.close, b.volume, b.vwap, b.transactions) for b in listed]
        want = [
            (bar["t"], *(None if f not in bar else float(bar[f]) for f in ("o", "h", "l", "c", "v", "vw")), bar["n"])
            for bar in once.reference.day(sym, 1, "minute", DAYS[1])
        ]
        assert got == want, sym


def test_a_day_without_trades_is_an_empty_answer(served: LocalPlatform) -> None:
    for sym in ("NRM", "NOBODY", "nrm"):
        status, body = served.rest.get(aggregates(sym, 1, "minute", "2013-07-01", "2013-07-01"))
        answer = json.loads(body)
        assert (status, answer["resultsCount"], "next_url" in answer, answer.get("results", [])) == (200, 0, False, [])


def test_the_served_state_reports_the_feed_as_it_ended(served: LocalPlatform, once: Once) -> None:
    health = served.health()
    assert health["feed"]["trades_in"] == once.feed.lines + len(once.dirt.bad)
    assert (health["counts"]["lost"], health["counts"]["quarantined"]) == (0, len(once.dirt.bad))


def test_broken_input_is_counted_by_reason_and_unknown_events_by_kind(served: LocalPlatform, once: Once) -> None:
    health = served.health()
    reasons = health["quarantined_by_reason"]
    assert sum(reasons.values()) == len(once.dirt.bad)
    assert (reasons["future"], reasons["conflict"], reasons["symbol"]) == (1, 1, 1)
    assert {"frame", "shape", "price", "size"} <= set(reasons)
    assert health["ignored"] == once.dirt.ignored
