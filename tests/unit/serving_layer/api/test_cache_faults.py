"""The API over a real cache that is killed, stalled, emptied, full or read-only: right answers in time, and recovery.

Fault numbers are those of the catalogue of faults (F48 to F53). Every test asserts that its fault happened.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.models.trade import Trade
from shared.polygon.trade_answers import row_of
from shared.stores.breaker import OPEN_S
from shared.stores.cache import Cache
from shared.stores.valkey import Valkey, connect
from tests.fakes.valkey import ValkeyServer
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of

DAY = "/v2/aggs/ticker/SPY/range/1/minute/2013-10-08/2013-10-08"
LAST = "/v2/last/trade/SPY"
SNAPSHOTS = "/v2/snapshot/locale/us/markets/stocks/tickers"
OLD = DAY.replace("-08", "-07")
"""Of a session that is over: kept for a minute."""
URLS = (DAY, OLD, LAST, SNAPSHOTS)
DAY_MS = 86_400_000
BUDGET_S = 0.2
BUSY_MACHINE_S = 0.5
"""What a request may take beyond the cache's budget when the machine does other things too."""


class Clock:
    """Of the breaker: moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Platform:
    """The API over a cache and tables in memory that hold the same: with the cache or without, answers are equal."""

    def __init__(self, server: ValkeyServer) -> None:
        self.server, self.clock = server, Clock()
        self.valkey = Valkey(connect(server.endpoint), self.clock)
        self.cache = Cache(self.valkey)
        control = Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": T0}], ["SPY"])
        self.api = Api(forming=self.cache, control=control, valkey=self.valkey)
        for n in range(3):
            self.api.rows.put_base("SPY", T0 + n * MINUTE, self.minute(n), NOW_S)
            self.api.rows.put_base("SPY", T0 - DAY_MS + n * MINUTE, self.minute(n - 1_440), NOW_S)
        trade = Trade("SPY", T0 + 150_000, 9, 12, 0, "9", 167_420_000_000, 210_000_000, (14,), 2)
        self.cache.put_last([trade])
        self.api.ticks.add("SPY", row_of(trade))
        self.right = {url: self.body(url) for url in URLS}

    @staticmethod
    def minute(n: int, count: int = 2) -> Any:
        return minute_of(T0 + n * MINUTE, first=16_742, last=16_750, high=16_800, low=16_700, count=count)

    def scripts_run(self) -> int:
        """Writes that the server has applied or refused."""
        return int(self.server.client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0))

    def body(self, url: str) -> Any:
        return json.loads(self.api.send(url)["body"])

    def answers_are_right_within(self, seconds: float) -> None:
        begin = time.perf_counter()
        found = {url: self.body(url) for url in URLS}
        assert time.perf_counter() - begin < seconds
        assert found == self.right

    def is_used_again(self) -> None:
        """After the breaker's pause, and nothing else: an answer is kept, and read back from where it is kept."""
        self.clock.now += OPEN_S
        assert self.cache.is_alive()
        self.answers_are_right_within(BUDGET_S + BUSY_MACHINE_S)
        assert self.server.client.keys("ans:*")
        reads = self.api.rows.reads
        assert self.body(OLD) == self.right[OLD]
        assert self.api.rows.reads == reads, "it came from the cache"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def platform(server: ValkeyServer) -> Platform:
    return Platform(server)


@pytest.mark.fault("F48")
def test_f48_a_cache_that_was_killed_is_gone_without_and_used_again_when_it_is_back(platform: Platform) -> None:
    platform.server.kill()
    with pytest.raises(redis.ConnectionError):
        platform.server.client.ping()
    platform.answers_are_right_within(BUDGET_S + BUSY_MACHINE_S)
    platform.answers_are_right_within(BUSY_MACHINE_S)
    platform.server.restart()
    platform.is_used_again()


@pytest.mark.fault("F49")
def test_f49_a_cache_that_hangs_costs_its_budget_once(platform: Platform) -> None:
    with platform.server.stopped():
        probe = connect(platform.server.endpoint)
        with pytest.raises(redis.TimeoutError):
            probe.ping()
        platform.answers_are_right_within(BUDGET_S + BUSY_MACHINE_S)
        begin = time.perf_counter()
        assert not platform.cache.is_alive()
        assert time.perf_counter() - begin < 0.05, "the breaker is open"
        platform.clock.now += OPEN_S
        platform.answers_are_right_within(BUDGET_S + BUSY_MACHINE_S)
    platform.is_used_again()


@pytest.mark.fault("F50")
def test_f50_a_write_that_a_hanging_cache_applies_later_makes_nothing_older(platform: Platform) -> None:
    newer = Trade("SPY", T0 + 200_000, 10, 12, 0, "10", 168_000_000_000, 10**6, (), 0)
    held, more = platform.cache.last_trade("SPY"), platform.minute(0, count=2)
    assert held is not None
    assert platform.cache.put_last([newer])
    assert platform.cache.put_minutes({("SPY", T0): more})
    before = platform.scripts_run()
    with platform.server.stopped():
        assert not platform.cache.put_last([held]), "nobody heard of it"
        platform.clock.now += OPEN_S
        assert not platform.cache.put_minutes({("SPY", T0): platform.minute(0, count=1)})
    platform.clock.now += OPEN_S
    while platform.scripts_run() < before + 2:  # the fault: what had timed out is applied
        time.sleep(0.01)
    assert platform.cache.last_trade("SPY") == newer
    assert platform.cache.unstored_minutes("SPY", T0, T0 + 1) == {T0: more}
    assert platform.body(DAY)["results"] == platform.right[DAY]["results"], "a minute with fewer trades is not shown"


@pytest.mark.fault("F51")
def test_f51_an_emptied_cache_is_filled_again_by_those_who_ask(platform: Platform) -> None:
    platform.body(DAY)
    assert platform.server.client.dbsize() > 0
    platform.server.client.flushall()
    assert platform.server.client.dbsize() == 0
    platform.answers_are_right_within(BUDGET_S + BUSY_MACHINE_S)
    assert platform.server.client.keys("ans:*")


@pytest.mark.fault("F52")
@pytest.mark.parametrize(
    ("refuse", "allow"),
    [
        (("CONFIG", "SET", "min-replicas-to-write", 1), ("CONFIG", "SET", "min-replicas-to-write", 0)),
        (("ACL", "SETUSER", "default", "-@write"), ("ACL", "SETUSER", "default", "+@all")),
    ],
    ids=["F52 no replica to write to", "F52 no right to write"],
)
def test_a_cache_that_refuses_writes_serves_reads_and_takes_writes_again_by_itself(
    platform: Platform, refuse: tuple[str | int, ...], allow: tuple[str | int, ...]
) -> None:
    admin = platform.server.client
    admin.execute_command("ACL", "SETUSER", "admin", "on", "nopass", "~*", "&*", "+@all")
    admin.execute_command(*refuse)
    with pytest.raises(redis.ResponseError):
        admin.set("probe", 1)
    assert not platform.cache.put_minutes({("SPY", T0): platform.minute(0)}), "our writes are refused too"
    platform.clock.now += OPEN_S
    platform.answers_are_right_within(BUDGET_S + BUSY_MACHINE_S)
    platform.answers_are_right_within(BUDGET_S + BUSY_MACHINE_S)
    platform.clock.now += OPEN_S
    platform.answers_are_right_within(BUDGET_S + BUSY_MACHINE_S)
    admin.execute_command("AUTH", "admin", "any")
    admin.execute_command(*allow)
    platform.is_used_again()


@pytest.mark.fault("F53")
def test_f53_a_full_cache_refuses_writes_and_no_answer_fails(platform: Platform) -> None:
    admin = platform.server.client
    admin.config_set("maxmemory-policy", "noeviction")
    admin.config_set("maxmemory", 1)
    with pytest.raises(redis.ResponseError, match="maxmemory"):
        admin.set("probe", 1)
    assert not platform.cache.put_minutes({("SPY", T0): platform.minute(0)})
    platform.clock.now += OPEN_S
    platform.answers_are_right_within(BUDGET_S + BUSY_MACHINE_S)
    admin.config_set("maxmemory", 0)
    platform.is_used_again()


@pytest.mark.fault("F52")
def test_connections_that_the_server_resets_are_replaced(platform: Platform) -> None:
    platform.body(DAY)
    killed = platform.server.client.execute_command("CLIENT KILL TYPE normal SKIPME yes")
    assert killed >= 1
    platform.answers_are_right_within(BUDGET_S + BUSY_MACHINE_S)


def test_a_kept_answer_is_given_for_the_host_it_is_asked_at(platform: Platform) -> None:
    platform.body(f"{OLD}?limit=1")
    reads = platform.api.rows.reads
    body = json.loads(platform.api.send(f"{OLD}?limit=1&unknown=1", headers={"Host": "other.example.com"})["body"])
    assert platform.api.rows.reads == reads, "it came from the cache"
    assert body["next_url"].startswith("https://other.example.com/v2/aggs/")


def test_requests_that_ask_for_other_bars_are_kept_apart(platform: Platform) -> None:
    for query, expected in (("sort=asc", [0, 1, 2]), ("sort=desc", [2, 1, 0]), ("limit=1", [0])):
        for _ in range(2):
            body = platform.body(f"{OLD}?{query}")
            assert [(bar["t"] - T0 + DAY_MS) // MINUTE for bar in body["results"]] == expected


def test_while_a_recording_is_replayed_no_answer_is_kept(server: ValkeyServer) -> None:
    """It is read in full as soon as it has ended."""
    platform = Platform(server)
    control = Control({"source": "trades/", "state": "running"}, [{"last_trade_ms": T0}], ["SPY"])
    api = Api(forming=platform.cache, control=control, valkey=platform.valkey)
    api.rows.put_base("SPY", T0 - DAY_MS, platform.minute(-1_440), NOW_S)
    server.client.flushall()
    assert "results" not in api.get(OLD.replace("SPY", "BAC")), "an empty answer is one too"
    assert len(api.get(OLD)["results"]) == 1
    api.rows.put_base("SPY", T0 - DAY_MS + MINUTE, platform.minute(-1_439), NOW_S)
    assert len(api.get(OLD)["results"]) == 2
    assert server.client.keys("ans:*") == []
