"""An event source mapping of a Kinesis stream or a table's stream, checked, in Lambda's own terms and defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local_dev.runtime.deployment import StreamMapping

DAY_SECONDS = 86_400.0
REPORT_ITEM_FAILURES = "ReportBatchItemFailures"
_POSITIONS = ("TRIM_HORIZON", "AT_TIMESTAMP", "LATEST")


class UnsupportedMapping(ValueError):
    """A mapping asks for something the poller does not do, or for a value Lambda refuses; names field and value."""


@dataclass(frozen=True, slots=True)
class MappingSettings:
    """Defaults and ranges: Lambda's "parameters for Kinesis event source mappings"; those for DynamoDB streams are the
    same. -1 is "until the record expires".

    `patterns` (JSON) are the mapping's filters, for the stream of a table only. `retention_seconds` is the stream's: no
    record is tried for longer than it lives.
    """

    uuid: str
    stream_arn: str
    function_arn: str
    batch_size: int = 100
    window_seconds: float = 0.0
    starting_position: str = "TRIM_HORIZON"
    starting_timestamp: datetime | None = None
    max_retries: int = -1
    max_age_seconds: float = -1.0
    bisect: bool = False
    report_item_failures: bool = False
    on_failure_arn: str | None = None
    patterns: tuple[str, ...] = ()
    retention_seconds: float = DAY_SECONDS

    def __post_init__(self) -> None:
        _within("BatchSize", self.batch_size, 1, 10_000)
        _within("MaximumBatchingWindowInSeconds", self.window_seconds, 0, 300)
        _within("MaximumRetryAttempts", self.max_retries, -1, 10_000)
        if self.max_age_seconds != -1:
            _within("MaximumRecordAgeInSeconds", self.max_age_seconds, 60, 604_800)
        if self.starting_position not in _POSITIONS:
            raise UnsupportedMapping(f"StartingPosition must be one of {_POSITIONS}, was {self.starting_position!r}")
        if (self.starting_position == "AT_TIMESTAMP") != (self.starting_timestamp is not None):
            raise UnsupportedMapping("StartingPositionTimestamp goes with StartingPosition AT_TIMESTAMP, and only so")

        if self.patterns and not self.is_table_stream:
            raise UnsupportedMapping(f"FilterCriteria is supported for tables only, was {self.patterns}")

    @property
    def oldest_seconds(self) -> float:
        """Age beyond which a record is given up."""
        return (
            min(self.max_age_seconds, self.retention_seconds) if self.max_age_seconds >= 0 else self.retention_seconds
        )

    @property
    def is_table_stream(self) -> bool:
        """A stream of a DynamoDB table's changes; otherwise it is one of Kinesis."""
        return self.stream_arn.split(":")[2] == "dynamodb"

    @classmethod
    def from_listing(cls, item: Mapping[str, Any], *, retention_seconds: float = DAY_SECONDS) -> "MappingSettings":
        """From an item of `ListEventSourceMappings`; whether it is enabled is not looked at.

        Raises UnsupportedMapping for parallelisation, tumbling windows, and values out of range.
        """
        if (item.get("ParallelizationFactor") or 1) != 1:
            raise UnsupportedMapping(f"ParallelizationFactor must be 1, was {item['ParallelizationFactor']}")
        if item.get("TumblingWindowInSeconds"):
            raise UnsupportedMapping(f"TumblingWindowInSeconds must be 0, was {item['TumblingWindowInSeconds']}")
        return cls(
            uuid=item["UUID"],
            stream_arn=item["EventSourceArn"],
            function_arn=item["FunctionArn"],
            batch_size=item.get("BatchSize", 100),
            window_seconds=item.get("MaximumBatchingWindowInSeconds") or 0,
            starting_position=item["StartingPosition"],
            starting_timestamp=item.get("StartingPositionTimestamp"),
            max_retries=item.get("MaximumRetryAttempts", -1),
            max_age_seconds=item.get("MaximumRecordAgeInSeconds", -1),
            bisect=bool(item.get("BisectBatchOnFunctionError")),
            report_item_failures=REPORT_ITEM_FAILURES in (item.get("FunctionResponseTypes") or ()),
            on_failure_arn=item.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") or None,
            patterns=patterns_of(item),
            retention_seconds=retention_seconds,
        )

    @classmethod
    def of(cls, mapping: StreamMapping, *, function_arn: str) -> "MappingSettings":
        """From a mapping as the deployment was read back."""
        return cls(
            uuid=mapping.uuid,
            stream_arn=mapping.stream_arn,
            function_arn=function_arn,
            batch_size=mapping.batch_size,
            window_seconds=mapping.window_s,
            starting_position=mapping.starting_position,
            max_retries=mapping.max_attempts,
            max_age_seconds=mapping.max_record_age_s,
            bisect=mapping.bisect,
            report_item_failures=mapping.report_item_failures,
            on_failure_arn=mapping.on_failure_arn,
            patterns=mapping.patterns,
        )


def patterns_of(item: Mapping[str, Any]) -> tuple[str, ...]:
    """The filters of an item of `ListEventSourceMappings`."""
    return tuple(one["Pattern"] for one in (item.get("FilterCriteria") or {}).get("Filters", ()))


def _within(field: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UnsupportedMapping(f"{field} must be {low} to {high}, was {value}")
