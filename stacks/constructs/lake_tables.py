"""The lake for SQL: a Glue database with one table for each kind of file, whose partitions are computed, not kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.target import TargetedStack

_EDGES = "first:string,last:string,high:string,low:string"
_PRICES = "open decimal(18,9), high decimal(18,9), low decimal(18,9), close decimal(18,9)"


@dataclass(frozen=True, slots=True)
class LakeTable:
    """`columns` as in SQL; `since`: the first date there can be; `hours`: whether dates are divided further.

    Parquet, or JSON lines with `json`. The schemas are those of the writers (batch_layer/lake, shared/frames.py).
    """

    prefix: str
    columns: str
    since: str = "1998-01-01"
    hours: bool = False
    json: bool = False
    keys: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", ("date", "hour") if self.hours else ("date",))


TABLES = {
    "trades": LakeTable(
        "raw/trades",
        # A trade is an array of mixed types: text here, taken apart by json_extract.
        "v bigint, f string, sym string, sec bigint, "
        f"bar struct<volume:string,notional:string,count:bigint,{_EDGES},day:struct<{_EDGES}>>, "
        "late bigint, trades array<string>, "
        "quarantine array<struct<reason:string,size:bigint,data:string>>, gap bigint",
        hours=True,
        json=True,
    ),
    "bars_1m": LakeTable(
        "bars/timeframe=1m",
        f"sym string, t timestamp, {_PRICES}, volume decimal(38,6), vwap decimal(18,4), count bigint, partial string",
    ),
    "bars_1d": LakeTable(
        "bars/timeframe=1d",
        f"sym string, day date, {_PRICES}, volume decimal(18,6), vwap decimal(18,4), count bigint",
    ),
    "splits": LakeTable(
        "reference/splits",
        "sym string, day date, split_from decimal(38,12), split_to decimal(38,12), id string",
    ),
    "dividends": LakeTable(
        "reference/dividends",
        "sym string, day date, cash decimal(38,12), id string, currency string, kind string, frequency bigint, "
        "declared date, recorded date, paid date",
    ),
    "tickers": LakeTable(
        "reference/tickers",
        "sym string, name string, market string, locale string, exchange string, kind string, active boolean, "
        "currency string, cik string, composite_figi string, share_class_figi string, updated timestamp, "
        "delisted timestamp, details string",
    ),
}
"""By the name that queries use."""
_PARQUET = (
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
)
_JSON = (
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "org.openx.data.jsonserde.JsonSerDe",
)


class LakeTables(Construct):
    """Costs nothing until somebody asks: no crawler, no partition is ever registered, and a query names its dates."""

    def __init__(self, scope: TargetedStack, id_: str, *, name: str, bucket: s3.IBucket) -> None:
        super().__init__(scope, id_)
        self._bucket = bucket
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=scope.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=name, description="Trades, bars and what the vendor says of companies, as files of the lake."
            ),
        )
        for table, held in TABLES.items():
            made = glue.CfnTable(
                self,
                table.title().replace("_", ""),
                catalog_id=scope.account,
                database_name=name,
                table_input=self._table(table, held),
            )
            made.add_resource_dependency(database)

    def _table(self, name: str, held: LakeTable) -> glue.CfnTable.TableInputProperty:
        input_format, output_format, serializer = _JSON if held.json else _PARQUET
        location = self._bucket.s3_url_for_object(f"{held.prefix}/")
        below = "/".join(f"{key}=${{{key}}}" for key in held.keys)
        return glue.CfnTable.TableInputProperty(
            name=name,
            table_type="EXTERNAL_TABLE",
            parameters={
                "EXTERNAL": "TRUE",
                "classification": "json" if held.json else "parquet",
                "projection.enabled": "true",
                "projection.date.type": "date",
                "projection.date.format": "yyyy-MM-dd",
                "projection.date.range": f"{held.since},NOW",
                **(
                    {"projection.hour.type": "integer", "projection.hour.range": "0,23", "projection.hour.digits": "2"}
                    if held.hours
                    else {}
                ),
                "storage.location.template": f"{location}{below}/",
            },
            partition_keys=[glue.CfnTable.ColumnProperty(name=key, type="string") for key in held.keys],
            storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                columns=[glue.CfnTable.ColumnProperty(name=column, type=kind) for column, kind in columns(held)],
                location=location,
                input_format=input_format,
                output_format=output_format,
                serde_info=glue.CfnTable.SerdeInfoProperty(
                    serialization_library=serializer, parameters={"serialization.format": "1"}
                ),
            ),
        )


def columns(table: LakeTable) -> list[tuple[str, str]]:
    """Name and type of each column. A comma inside a type is followed by no space."""
    return [(name, kind) for name, _, kind in (column.partition(" ") for column in table.columns.split(", "))]
