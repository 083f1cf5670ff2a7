"""The cache against a real server: what it keeps, and what a reader feels when it fails."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from shared.models.bar import Edges, Partial
from shared.models.trade import Trade
from shared.stores.breaker import OPEN_S
from shared.stores.cache import KEPT_MINUTES, LAST_TTL_S, TTL_S, Cache
from shared.stores.valkey import IamToken, Valkey, connect
from tests.fakes.valkey import LOOPBACK, ValkeyServer, free_port

T0 = 1_381_239_000_000
MINUTE = 60_000
BUSY_MACHINE_S = 0.3
"""What a call may take beyond its budget of 200 ms when the machine does other things too."""


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    yield server
    server.kill()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(server: ValkeyServer, clock: Clock) -> Cache:
    server.client.flushall()
    return Cache(Valkey(connect(server.endpoint), clock))


def partial(count: int) -> Partial:
    key = f"{T0:013d}{count:012d}{167 * 10**9:018d}"
    return Partial(key, key, 167 * 10**9, 167 * 10**9, count * 10**8, count * 167 * 10**17, count)


def trade(t: int, q: int, sym: str = "SPY") -> Trade:
    return Trade(sym, t, q, 12, 0, "62879146994", 167_420_000_000, 100_000_000, (14, 41), 2)


def test_minutes_come_back_as_they_were_put_with_their_day_fields(cache: Cache) -> None:
    day = partial(3)._replace(day=Edges(None, None, 168 * 10**9, 167 * 10**9))
    assert cache.put_minutes({("SPY", T0): day, ("SPY", T0 + MINUTE): partial(1), ("BRK.A", T0): partial(2)})
    assert cache.unstored_minutes("SPY", T0, T0 + 10 * MINUTE) == {T0: day, T0 + MINUTE: partial(1)}
    assert cache.unstored_minutes("BRK.A", T0, T0 + 1) == {T0: partial(2)}


def test_a_range_includes_its_start_and_excludes_its_end(cache: Cache) -> None:
    cache.put_minutes({("SPY", T0 + i * MINUTE): partial(i) for i in range(4)})
    assert list(cache.unstored_minutes("SPY", T0 + MINUTE, T0 + 3 * MINUTE)) == [T0 + MINUTE, T0 + 2 * MINUTE]


def test_a_minute_is_replaced_by_an_equal_or_larger_count_and_never_by_a_smaller(cache: Cache) -> None:
    cache.put_minutes({("SPY", T0): partial(10)})
    cache.put_minutes({("SPY", T0): partial(9)})
    assert cache.unstored_minutes("SPY", T0, T0 + 1)[T0].count == 10
    other = partial(10)._replace(high=169 * 10**9)
    cache.put_minutes({("SPY", T0): other})
    assert cache.unstored_minutes("SPY", T0, T0 + 1)[T0] == other
    cache.put_minutes({("SPY", T0): partial(100)})
    assert cache.unstored_minutes("SPY", T0, T0 + 1)[T0].count == 100


@pytest.mark.fault("F54")
def test_writers_that_overtake_one_another_leave_the_largest(server: ValkeyServer, cache: Cache) -> None:
    def write(counts: range) -> None:
        own = Cache(Valkey(connect(server.endpoint), time.monotonic))
        for count in counts:
            assert own.put_minutes({("SPY", T0): partial(count)})
            assert own.put_last([trade(T0 + count, 1)])

    writers = [threading.Thread(target=write, args=(range(first, 300, 3),)) for first in (1, 2, 3)]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        minutes = cache.unstored_minutes("SPY", T0, T0 + 1)
        seen += [minutes[T0].count] if minutes else []
    for writer in writers:
        writer.join()
    assert seen == sorted(seen)
    assert cache.unstored_minutes("SPY", T0, T0 + 1)[T0].count == 299
    assert cache.last_trade("SPY") == trade(T0 + 299, 1)


@pytest.mark.fault("F54")
def test_the_last_trade_is_the_greatest_by_time_then_sequence(cache: Cache) -> None:
    assert cache.last_trade("SPY") is None
    cache.put_last([trade(T0, 5), trade(T0, 90), trade(T0, 7), trade(T0 + 1, 1, "BAC")])
    assert cache.last_trade("SPY") == trade(T0, 90)
    assert cache.last_trade("BAC") == trade(T0 + 1, 1, "BAC")
    cache.put_last([trade(T0 - 1, 1_000), trade(T0, 89)])
    assert cache.last_trade("SPY") == trade(T0, 90)
    cache.put_last([trade(T0 + 1, 1)])
    assert cache.last_trade("SPY") == trade(T0 + 1, 1)


def test_last_trades_of_many_symbols_come_at_once_and_only_those_that_are_there(
    server: ValkeyServer, cache: Cache
) -> None:
    cache.put_last([trade(T0, 5), trade(T0 + 1, 1, "BAC")])
    server.client.set("last:{AIG}", "what is this")
    assert cache.last_trades(["BAC", "AIG", "ZZZZQ", "SPY"]) == {"SPY": trade(T0, 5), "BAC": trade(T0 + 1, 1, "BAC")}
    assert cache.last_trades([]) == {}
    with server.stopped():
        assert _seconds(lambda: cache.last_trades(["SPY", "BAC"]), {}) < 0.2 + BUSY_MACHINE_S


def test_every_key_expires(server: ValkeyServer, cache: Cache) -> None:
    cache.put_minutes({("SPY", T0): partial(1)})
    cache.put_last([trade(T0, 1)])
    keys = server.client.keys("*")
    assert len(keys) == 2
    assert all(0 < server.client.ttl(key) <= TTL_S for key in keys)


def test_a_last_trade_is_gone_two_minutes_after_it_was_put_while_minutes_stay(
    server: ValkeyServer, cache: Cache
) -> None:
    """A writer that is cut off leaves nothing that readers would take for the last trade for long."""
    cache.put_minutes({("SPY", T0): partial(1)})
    cache.put_last([trade(T0, 1)])
    assert (LAST_TTL_S, TTL_S) == (120, 900)
    assert 115 < server.client.ttl("last:{SPY}") <= 120
    assert 890 < server.client.ttl("min:{SPY}") <= 900


def test_a_symbol_keeps_its_newest_minutes_only(server: ValkeyServer, cache: Cache) -> None:
    for i in range(3 * KEPT_MINUTES):
        cache.put_minutes({("SPY", T0 + i * MINUTE): partial(1)})
    kept = sorted(cache.unstored_minutes("SPY", T0, T0 + 10**9))
    assert KEPT_MINUTES <= len(kept) <= 2 * KEPT_MINUTES
    assert kept[-1] == T0 + (3 * KEPT_MINUTES - 1) * MINUTE
    assert kept == list(range(kept[0], kept[-1] + 1, MINUTE))


def test_nothing_to_put_is_put_without_asking_the_server(clock: Clock) -> None:
    assert Cache(Valkey(connect(f"{LOOPBACK}:{free_port()}"), clock)).put_minutes({})


def test_a_value_that_cannot_be_read_is_left_out(server: ValkeyServer, cache: Cache) -> None:
    cache.put_minutes({("SPY", T0): partial(1)})
    server.client.hset("min:{SPY}", str(T0 + MINUTE), '7|{"volume":"NaN"}')
    server.client.set("last:{SPY}", "what is this")
    assert cache.unstored_minutes("SPY", T0, T0 + 10 * MINUTE) == {T0: partial(1)}
    assert cache.last_trade("SPY") is None


@pytest.mark.fault("F49")
def test_a_server_that_hangs_costs_its_budget_once_and_then_nothing(
    server: ValkeyServer, cache: Cache, clock: Clock
) -> None:
    cache.put_minutes({("SPY", T0): partial(1)})
    with server.stopped():
        assert _seconds(lambda: cache.unstored_minutes("SPY", T0, T0 + 1), {}) < 0.2 + BUSY_MACHINE_S
        assert _seconds(lambda: cache.unstored_minutes("SPY", T0, T0 + 1), {}) < 0.05
        assert _seconds(lambda: cache.put_minutes({("SPY", T0): partial(2)}), answer=False) < 0.05
        clock.now += OPEN_S  # the breaker lets one try through, on a new connection
        assert _seconds(lambda: cache.put_last([trade(T0, 1)]), answer=False) < 0.2 + BUSY_MACHINE_S
        assert not cache.is_alive()
    assert cache.unstored_minutes("SPY", T0, T0 + 1) == {}, "the breaker is still open"
    clock.now += OPEN_S - 0.001
    assert cache.unstored_minutes("SPY", T0, T0 + 1) == {}
    clock.now += 0.001
    assert cache.unstored_minutes("SPY", T0, T0 + 1) == {T0: partial(1)}
    assert cache.is_alive()


@pytest.mark.fault("F48")
def test_a_killed_server_is_gone_without_it_and_used_again_when_it_is_back(tmp_path: Path, clock: Clock) -> None:
    server = ValkeyServer(tmp_path)
    try:
        cache = Cache(Valkey(connect(server.endpoint), clock))
        assert cache.put_minutes({("SPY", T0): partial(1)})
        server.kill()
        assert _seconds(lambda: cache.unstored_minutes("SPY", T0, T0 + 1), {}) < 0.2 + BUSY_MACHINE_S
        server.restart()
        assert not cache.put_minutes({("SPY", T0): partial(1)}), "the breaker is still open"
        clock.now += OPEN_S
        assert cache.put_minutes({("SPY", T0): partial(3)}), "scripts are loaded again"
        assert cache.unstored_minutes("SPY", T0, T0 + 1) == {T0: partial(3)}
    finally:
        server.kill()


def test_a_connection_that_the_server_closed_in_the_meantime_is_replaced_in_silence(
    server: ValkeyServer, cache: Cache
) -> None:
    assert cache.put_minutes({("SPY", T0): partial(1)})
    server.client.execute_command("CLIENT KILL TYPE normal SKIPME yes")
    assert cache.unstored_minutes("SPY", T0, T0 + 1) == {T0: partial(1)}


def test_on_aws_the_connection_is_encrypted_and_the_token_names_user_and_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not a secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    pool = connect(
        "condvest.serverless.use1.cache.amazonaws.com:6379", "condvest-dev-api", "condvest-dev"
    ).connection_pool
    assert pool.connection_class is redis.SSLConnection
    provider = pool.connection_kwargs["credential_provider"]
    assert isinstance(provider, IamToken)
    user, token = provider.get_credentials()
    assert user == "condvest-dev-api"
    assert token.startswith("condvest-dev/?Action=connect&User=condvest-dev-api&ResourceType=ServerlessCache")
    assert "X-Amz-Expires=900" in token
    assert "X-Amz-Signature=" in token
    assert "not a secret" not in token


def test_without_aws_credentials_a_reader_goes_without_the_cache(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    provider = connect("127.0.0.1:6379", "condvest-dev-api", "condvest-dev").connection_pool.connection_kwargs[
        "credential_provider"
    ]
    with pytest.raises(redis.AuthenticationError):
        provider.get_credentials()


def test_stream_functions_do_not_import_the_cache_client() -> None:
    stores = "shared.stores.bars, shared.stores.control, shared.stores.history"
    code = f"import sys, {stores}; assert 'redis' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)  # noqa: S603  (our own interpreter)


def _seconds(call: Callable[[], object], answer: object) -> float:
    begin = time.perf_counter()
    assert call() == answer
    return time.perf_counter() - begin
