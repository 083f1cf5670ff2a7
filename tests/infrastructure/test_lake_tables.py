"""The lake for SQL: tables that say of each file what its writer says, and whose partitions are computed."""

import types
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import boto3
import msgspec
import polars as pl
import pytest
from moto import mock_aws

from batch_layer.lake import daily_file, minutes, reference
from batch_layer.lake.daily import DailyLake
from batch_layer.lake.minutes import MinuteLake
from batch_layer.lake.reference import ReferenceLake
from shared.frames import Part, TradeRow
from shared.stores.lake import RAW
from tests.infrastructure.templates import Templates

SCHEMAS = {
    "bars_1m": minutes.SCHEMA,
    "bars_1d": daily_file.SCHEMA,
    "splits": reference.SPLITS,
    "dividends": reference.DIVIDENDS,
    "tickers": reference.TICKERS,
}
WHEN = datetime(2026, 3, 3, tzinfo=UTC)
DAY = WHEN.date()


@pytest.fixture
def tables(templates: Templates) -> dict[str, Mapping[str, Any]]:
    return {
        t.properties["TableInput"]["Name"]: t.properties["TableInput"] for t in templates.resources("AWS::Glue::Table")
    }


def of_polars(kind: pl.DataType) -> str:
    match kind:
        case pl.Decimal(precision=precision, scale=scale):
            return f"decimal({precision},{scale})"
        case pl.Datetime():
            return "timestamp"
    return {pl.String(): "string", pl.Date(): "date", pl.Int64(): "bigint", pl.Boolean(): "boolean"}[kind]


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_table_of_parquet_has_the_columns_of_its_files(tables: Mapping[str, Any], table: str) -> None:
    storage = tables[table]["StorageDescriptor"]
    columns = {column["Name"]: column["Type"] for column in storage["Columns"]}
    assert columns == {name: of_polars(kind) for name, kind in SCHEMAS[table].items()}
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")


def of_wire(kind: Any) -> str:
    """A type of a part on the wire; an array of arrays of mixed types is one of text."""
    if get_origin(kind) in {types.UnionType, Union}:
        (kind,) = [one for one in get_args(kind) if one is not type(None)]
    if get_origin(kind) is list:
        (inner,) = get_args(kind)
        return f"array<{'string' if inner is TradeRow else of_wire(inner)}>"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"struct<{','.join(f'{name}:{of_wire(held)}' for name, held in get_type_hints(kind).items())}>"
    return {int: "bigint", str: "string", bytes: "string"}[kind]


def test_the_table_of_trades_has_the_fields_of_a_part(tables: Mapping[str, Any]) -> None:
    storage = tables["trades"]["StorageDescriptor"]
    columns = {column["Name"]: column["Type"] for column in storage["Columns"]}
    assert columns == {name: of_wire(kind) for name, kind in get_type_hints(Part).items()}
    assert storage["SerdeInfo"]["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"


def test_partitions_are_computed_from_their_dates(tables: Mapping[str, Any]) -> None:
    for name, table in tables.items():
        parameters = table["Parameters"]
        assert parameters["projection.enabled"] == "true"
        assert (parameters["projection.date.type"], parameters["projection.date.format"]) == ("date", "yyyy-MM-dd")
        keys = ["date", "hour"] if name == "trades" else ["date"]
        assert [key["Name"] for key in table["PartitionKeys"]] == keys
        bucket, *rest = parameters["storage.location.template"]["Fn::Join"][1][1:]
        assert "LakeBucket" in str(bucket)
        (path,) = rest
        assert path.endswith("/".join(["", *(f"{key}=${{{key}}}" for key in keys), ""]))


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Keys of an empty date of every kind of file."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="lake")
        told: dict[str, Any] = {"source": "test", "known_at": WHEN}
        DailyLake(s3, "lake", "test").write(DAY, [], **told)
        MinuteLake(s3, "lake", "test").write(DAY, [], **told)
        references = ReferenceLake(s3, "lake", "test")
        references.write_splits(DAY, [], **told)
        references.write_dividends(DAY, [], **told)
        references.write_tickers(DAY, [], **told)
        return {entry["Key"] for entry in s3.list_objects_v2(Bucket="lake")["Contents"]}


def test_a_table_is_where_its_writer_puts_its_files(tables: Mapping[str, Any], written: set[str]) -> None:
    for name, table in tables.items():
        path = table["Parameters"]["storage.location.template"]["Fn::Join"][1][-1].removeprefix("/")
        if name == "trades":
            assert path == f"{RAW}/date=${{date}}/hour=${{hour}}/"
        else:
            assert f"{path.replace('${date}', str(DAY))}part.parquet" in written, name
