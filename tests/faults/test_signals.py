"""A recorded morning twice: at full speed, and paced with repeats and disorder while what makes signals is killed.

The final set of signals is the same, and is what SQL makes of the reference's bars.
"""

import json
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from tests.end_to_end.local_platform import LocalPlatform, running
from tests.faults.kills import Kill, carry_out, plan
from tests.parity import rewrite
from tests.parity.reference import WIDTHS_MS, Reference, new_york_ms

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]

SEED = 34
DAY = date(2013, 10, 8)
SINCE, UNTIL = new_york_ms(DAY, time(9, 20)), new_york_ms(DAY, time(11, 30))
SPEED = 200
RUN_S = (UNTIL - SINCE) / 1000 / SPEED
SYMBOLS = ("AIG", "BAC", "SPY")
MAKERS = ("signals", "valkey", "persist", "notify", "signals")
KILLS = 15
FACTOR = 2
STRATEGIES: list[dict[str, Any]] = [
    {"strategy": "volume_spike", "timeframes": ["1m", "5m"], "params": {"factor": FACTOR}},
    {"strategy": "macd_cross", "timeframes": ["1m"], "params": {"fast": 5, "slow": 12, "signal": 4}},
    {"strategy": "rsi_reversal", "timeframes": ["1m"], "params": {"period": 7}},
]

Told = tuple[str, str, int, str, Decimal]
"""Symbol, timeframe, start of the bar, side, price."""


class Twice(NamedTuple):
    replayed: dict[str, set[Told]]
    paced: dict[str, set[Told]]
    kills: list[Kill]
    repeats: int
    counted: tuple[int, int]
    reference: Reference


@pytest.fixture(scope="module")
def twice(recorded_trades: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Twice:
    folder = tmp_path_factory.mktemp("signals")
    cut = rewrite.cut([file for file in recorded_trades if str(DAY) in file.name], folder / "cut", SINCE, UNTIL)
    rewrite.disturbed(cut, folder / "trades", SEED)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STRATEGIES", json.dumps(STRATEGIES))
        with running(folder / "replayed", feed=folder / "cut") as platform:
            health = platform.wait_until_ended(within_s=500)
            replayed = signals(platform)
        with running(folder / "paced", feed=folder / "trades", speed=str(SPEED)) as platform:
            kills = carry_out(platform, plan(SEED, KILLS, 1.0, RUN_S - 3, MAKERS))
            after = platform.wait_until_ended(within_s=500)
            paced = signals(platform)
    stored = (health["counts"]["signals"], sum(map(len, replayed.values())))
    return Twice(replayed, paced, kills, after["counts"]["duplicates"], stored, Reference(cut))


def signals(platform: LocalPlatform) -> dict[str, set[Told]]:
    """Active signals by strategy, as the API tells them."""
    found: dict[str, set[Told]] = {}
    for sym in SYMBOLS:
        for page in platform.rest.pages(f"/v1/signals?ticker={sym}&status=active&limit=100"):
            for one in page.get("results", []):
                told = (sym, one["timeframe"], one["t"], one["side"], Decimal(one["price"]))
                found.setdefault(one["strategy"], set()).add(told)
    return found


def volume_spikes(reference: Reference) -> set[Told]:
    """Bars of at least FACTOR times the mean volume of the twenty before them, that do not close where they opened."""
    bars: list[tuple[Any, ...]] = [
        (sym, tf, bar["t"], bar["o"], bar["c"], bar["v"])
        for sym in SYMBOLS
        for tf in ("1m", "5m")
        for bar in reference.bars(sym, WIDTHS_MS[tf])
    ]
    database = duckdb.connect()
    database.execute(
        "CREATE TABLE bars (sym VARCHAR, tf VARCHAR, t BIGINT, o DECIMAL(18, 6), c DECIMAL(18, 6), v DECIMAL(24, 6))"
    )
    database.executemany("INSERT INTO bars VALUES (?, ?, ?, ?, ?, ?)", bars)
    rows = database.execute(
        "SELECT sym, tf, t, CASE WHEN c > o THEN 'buy' ELSE 'sell' END, c FROM "
        "(SELECT *, sum(v) OVER before AS total, count(*) OVER before AS known FROM bars WINDOW before AS "
        "(PARTITION BY sym, tf ORDER BY t ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING)) "
        "WHERE known = 20 AND v * 20 >= ? * total AND total > 0 AND c <> o",
        [FACTOR],
    ).fetchall()
    return {(sym, tf, t, side, price) for sym, tf, t, side, price in rows}


def test_a_replay_gives_the_signals_that_sql_gives(twice: Twice) -> None:
    want = volume_spikes(twice.reference)
    assert len(want) > 10
    assert twice.replayed["volume_spike"] == want


def test_a_paced_run_with_kills_repeats_and_disorder_gives_the_same_signals(twice: Twice) -> None:
    assert twice.repeats > 1_000
    assert twice.replayed.keys() == {rule["strategy"] for rule in STRATEGIES}
    assert twice.paced == twice.replayed, twice.kills


def test_each_kill_hit_a_live_process_while_the_feed_ran(twice: Twice) -> None:
    assert len({kill.pid for kill in twice.kills}) == KILLS
    assert {kill.role for kill in twice.kills} == set(MAKERS)
    assert sum(kill.feed == "running" for kill in twice.kills) >= 10, twice.kills


def test_health_counts_the_stored_signals(twice: Twice) -> None:
    counted, listed = twice.counted
    assert counted == listed
