"""The process itself, over an AWS emulator: it starts, pushes, stops when told, and says why where it cannot start."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from local_dev.runtime.deploy import CREDENTIALS
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.servers import free_port, start_emulator
from serving_layer.auth.keys import mint, record_of
from shared.clients.kinesis import PutRecords
from shared.frames import encode
from shared.models.signal import Signal
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.signals import SignalStore
from tests.unit.serving_layer.push.support import (
    MINUTE,
    S0,
    T0,
    Running,
    closing,
    heartbeat,
    minute,
    part,
    partial_of,
    row,
    user,
)

ROOT = Path(__file__).parents[4]
PATIENCE_S = 60.0
SHARDS = 2
TABLES: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "bars": (("sym", "S"), ("t", "N")),
    "control": (("pk", "S"), ("sk", "S")),
    "signals": (("sym", "S"), ("bar", "S")),
}


class Aws(NamedTuple):
    """An emulator with our streams and tables, and what speaks to it."""

    environment: dict[str, str]
    kinesis: Any
    dynamodb: Any


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    home = tmp_path_factory.mktemp("aws")
    supervisor = Supervisor(home / "logs")
    try:
        url = start_emulator(supervisor, home).url
        session = boto3.session.Session("test", "test", region_name=CREDENTIALS["AWS_DEFAULT_REGION"])
        kinesis, dynamodb = (session.client(name, endpoint_url=url) for name in ("kinesis", "dynamodb"))
        for stream, shards in (("trades", SHARDS), ("bars", 1)):
            kinesis.create_stream(StreamName=stream, ShardCount=shards)
        for table, keys in TABLES.items():
            _create_table(dynamodb, table, *keys)
        yield Aws({**CREDENTIALS, "AWS_ENDPOINT_URL": url}, kinesis, dynamodb)
    finally:
        supervisor.stop()


def _create_table(dynamodb: Any, table: str, pk: tuple[str, str], sk: tuple[str, str]) -> None:
    definitions, more = [pk, sk], {}
    if table == "signals":
        definitions += [("day", "S"), ("known", "S")]
        index = {"IndexName": "known", "KeySchema": _key("day", "known"), "Projection": {"ProjectionType": "ALL"}}
        more = {"GlobalSecondaryIndexes": [index]}
    dynamodb.create_table(
        TableName=table,
        KeySchema=_key(pk[0], sk[0]),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in definitions],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


def _key(pk: str, sk: str) -> list[dict[str, str]]:
    return [{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}]


def settings(aws: Aws, port: int) -> dict[str, str]:
    names = {"TRADES_STREAM": "trades", "BARS_STREAM": "bars", "BARS_TABLE": "bars", "CONTROL_TABLE": "control"}
    tables = {"SIGNALS_TABLE": "signals", "ALERTS_TABLE": "alerts"}
    more = {**tables, "HOST": "127.0.0.1", "PORT": str(port), "POLL_SECONDS": "0.1"}
    return os.environ | aws.environment | names | more


def run(environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # our own interpreter and module
        [sys.executable, "-m", "serving_layer.push"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_listening(process: "subprocess.Popen[str]") -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if '"listening"' in line:
            return
    raise AssertionError(f"it ended with {process.wait()}")


def test_the_process_pushes_from_streams_and_tables_and_a_stop_closes_with_1012(aws: Aws) -> None:
    port, (key_id, key) = free_port(), mint(["live:read"])
    control, store = ControlStore(aws.dynamodb, "control"), BarStore(aws.dynamodb, "bars")
    control.put_key(key_id, record_of(key, ["live:read"]))
    store.put_base("SPY", T0, partial_of([row(1, p="166")]), int(time.time()))
    put_trades = PutRecords(aws.kinesis, "trades", SHARDS)
    put_trades([(0, encode([part("1-0-1", [row(0)])]))])  # before its beginning
    process = run(settings(aws, port))
    try:
        until_listening(process)
        asyncio.run(_use(aws, port, key, lambda: process.send_signal(signal.SIGTERM)))
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


async def _use(aws: Aws, port: int, key: str, stop: Callable[[], None]) -> None:
    running = Running(port, asyncio.create_task(asyncio.sleep(0)))
    put_trades, put_bars = PutRecords(aws.kinesis, "trades", SHARDS), PutRecords(aws.kinesis, "bars", 1)
    t = T0 + MINUTE
    rows = [row(2, t, "168"), row(3, t + 1, "168")]
    async with asyncio.timeout(PATIENCE_S), user(running, "T.*,AM.SPY,S.*", key) as one:
        for lane in range(4):  # every lane, so every shard
            frame = encode([part(f"1-{lane}-2", [row(10 + lane)]), heartbeat(f"1-{lane}-2", S0)])
            put_trades([(lane, frame), (lane, frame)])
        trades = await one.events(4)
        assert sorted(event["q"] for event in trades) == [10, 11, 12, 13]
        put_bars([(0, encode([minute("SPY", t, rows)]))])
        ControlStore(aws.dynamodb, "control").put_through("persist", "9" * 56)
        signal_ = Signal("a", "ema", "{}", "SPY", "5m", T0, "buy", "168")
        SignalStore(aws.dynamodb, "signals").insert(signal_, time.time_ns() // 10**6, "1")
        by_kind = {event["ev"]: event for event in await one.events(2)}
        assert (by_kind["S"]["id"], by_kind["S"]["p"]) == ("a", 168)
        bar = by_kind["AM"]
        assert (bar["v"], bar["av"], bar["op"], bar["a"]) == (200, 300, 166, 167.3333)
        stop()
        (told,), code = await closing(one)
        assert (told["message"], code) == ("the server restarts", 1012)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"TRADES_STREAM": None}, 2, "trades_stream"),
        ({"PORT": "many"}, 2, "port"),
        ({"SESSIONS": "NOWHERE"}, 2, "SESSIONS"),
        ({"TRADES_STREAM": "absent"}, 1, "absent"),
        ({"HOST": "192.0.2.1"}, 1, "the port cannot be used"),
    ],
)
def test_what_keeps_it_from_starting_is_said_in_one_line(
    aws: Aws, changes: dict[str, str | None], code: int, said: str
) -> None:
    environment = settings(aws, free_port())
    environment = {name: value for name, value in (environment | changes).items() if value is not None}
    process = run(environment)
    try:
        _, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code
    assert len(errors.splitlines()) == 1, errors
    assert said in errors
