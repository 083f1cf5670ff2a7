"""Alerts after an unclean stop: the file's items are those of the table, and make it again."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local_dev.runtime import alerts_file
from local_dev.runtime.alerts_file import FILE, AlertsFile


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr(alerts_file, "EVERY_SECONDS", 0.01)
    with mock_aws():
        client = boto3.client("dynamodb", "us-east-1")
        for table in ("before", "after"):
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            )
        yield client


def item(number: int) -> dict[str, Any]:
    return {"pk": {"S": "rule#me"}, "sk": {"S": f"{number}"}, "version": {"N": "1"}, "rule": {"S": "naïve"}}


def until_kept(file: Path, text: str) -> None:
    deadline = time.monotonic() + 20
    while not (file.exists() and text in file.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_the_table_held_is_put_back_into_a_new_one(dynamodb: Any, tmp_path: Path) -> None:
    kept = AlertsFile(tmp_path)
    assert kept.restore(dynamodb, "after") == 0, "nothing was kept yet"
    kept.start(dynamodb, "before")
    for number in (1, 2):
        dynamodb.put_item(TableName="before", Item=item(number))
        until_kept(tmp_path / FILE, f'"{number}"')
    kept.stop()
    kept.stop()
    assert AlertsFile(tmp_path).restore(dynamodb, "after") == 2
    found = dynamodb.scan(TableName="after")["Items"]
    assert sorted(found, key=str) == [item(1), item(2)]


def test_a_table_that_is_away_for_a_while_is_copied_when_it_is_back(dynamodb: Any, tmp_path: Path) -> None:
    kept = AlertsFile(tmp_path)
    kept.start(dynamodb, "later")
    time.sleep(0.05)
    assert not (tmp_path / FILE).exists()
    dynamodb.create_table(
        TableName="later",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    dynamodb.put_item(TableName="later", Item=item(7))
    until_kept(tmp_path / FILE, '"7"')
    kept.stop()
