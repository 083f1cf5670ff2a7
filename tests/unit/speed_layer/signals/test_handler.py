"""The signals function as Lambda calls it."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.clients.aws import client
from shared.errors import PermanentError
from shared.frames import encode
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.signals import SignalStore
from speed_layer.signals import handler
from speed_layer.signals.config import configured
from tests.fakes.valkey import LOOPBACK, free_port
from tests.unit.speed_layer.feed import T0
from tests.unit.speed_layer.records import lambda_event
from tests.unit.speed_layer.signals.test_service import MINUTE, bar, partial

STRATEGIES = '[{"strategy": "volume_spike", "timeframes": ["1m"], "params": {"bars": 2}}]'
KEYS = {"bars": {"sym": "S", "t": "N"}, "control": {"pk": "S", "sk": "S"}, "signals": {"sym": "S", "bar": "S"}}


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The tables on AWS as moto has it, and a cache that is not there."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        **{f"{table.upper()}_TABLE": table for table in KEYS},
        "LAKE_BUCKET": "lake",
        "CACHE_ENDPOINT": f"{LOOPBACK}:{free_port()}",
        "STRATEGIES": STRATEGIES,
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client.cache_clear()
        handler.wire.cache_clear()
        dynamodb = boto3.client("dynamodb")
        for table, keys in KEYS.items():
            roles = zip(keys, ("HASH", "RANGE"), strict=True)
            dynamodb.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": name, "KeyType": role} for name, role in roles],
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in keys.items()],
            )
        yield dynamodb
        handler.wire.cache_clear()
        client.cache_clear()


def test_signals_are_stored_without_a_cache_and_a_batch_that_comes_again_changes_nothing(dynamodb: Any) -> None:
    BarStore(dynamodb, "bars").put_base("SPY", T0, partial(0), 2 * 10**9)
    control = ControlStore(dynamodb, "control")
    control.put_through("persist", "9")
    event = lambda_event(*(encode([bar(n, partial(n, 900 if n == 3 else 100))]) for n in range(1, 4)), first=7)
    for _ in range(2):
        assert handler.lambda_handler(event, None) == {"batchItemFailures": []}
        (stored,) = SignalStore(dynamodb, "signals").of_symbol("SPY", 0, 10**13)
        assert (stored.t, stored.side, stored.status, stored.record) == (T0 + 3 * MINUTE, "buy", "active", "9")
        assert control.progress("signals")[::2] == ("9", 1)
    assert control.signal_counts() == {"stored": 1}


def test_a_table_that_is_away_makes_the_batch_come_again_from_its_first_record(dynamodb: Any) -> None:
    ControlStore(dynamodb, "control").put_through("persist", "9")
    dynamodb.delete_table(TableName="signals")
    event = lambda_event(*(encode([bar(n, partial(n, 900 if n == 3 else 100))]) for n in range(4)), first=5)
    assert handler.lambda_handler(event, None) == {"batchItemFailures": [{"itemIdentifier": "5"}]}


@pytest.mark.usefixtures("dynamodb")
@pytest.mark.parametrize(
    ("name", "value", "said"), [("STRATEGIES", "[{}]", "strategy"), ("SESSIONS", "MOON", "SESSIONS must be one of")]
)
def test_a_wrong_setting_is_named_at_the_first_call(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(PermanentError, match=said):
        handler.lambda_handler(lambda_event(b"[]"), None)


def test_rings_hold_the_longest_window_and_the_bars_judged_again_and_a_session_of_hours() -> None:
    assert handler.kept_bars(configured()) == {"1m": 37, "5m": 354, "15m": 354, "1h": 354}, "nobody judges 30 minutes"
    assert handler.kept_bars(configured(STRATEGIES)) == {"1m": 19, "1h": 24}
    assert handler.kept_bars(()) == {"1h": 24}


def test_importing_the_function_needs_neither_settings_nor_credentials_nor_numpy() -> None:
    code = "import sys, speed_layer.signals.handler, speed_layer.notify.handler; print('numpy' in sys.modules)"
    run = subprocess.run(  # noqa: S603  (our own interpreter)
        [sys.executable, "-c", code], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "False"
