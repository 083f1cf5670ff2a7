from datetime import UTC, datetime
from typing import Any

import pytest

from local_dev.runtime.deployment import StreamMapping
from local_dev.runtime.mapping_settings import MappingSettings, UnsupportedMapping

LISTED: dict[str, Any] = {
    "UUID": "f89f8514-cdd9-4602-9e1f-01a5b77d449b",
    "BatchSize": 500,
    "MaximumBatchingWindowInSeconds": 1,
    "ParallelizationFactor": 1,
    "EventSourceArn": "arn:aws:kinesis:us-east-2:123456789012:stream/trades",
    "FunctionArn": "arn:aws:lambda:us-east-2:123456789012:function:live",
    "State": "Disabled",
    "StartingPosition": "TRIM_HORIZON",
    "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::failures"}},
    "MaximumRecordAgeInSeconds": 21600,
    "BisectBatchOnFunctionError": True,
    "MaximumRetryAttempts": 10,
    "TumblingWindowInSeconds": 0,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}
BARE = {key: LISTED[key] for key in ("UUID", "EventSourceArn", "FunctionArn", "StartingPosition")}


def test_every_setting_is_read_from_the_listing() -> None:
    assert MappingSettings.from_listing(LISTED) == MappingSettings(
        uuid="f89f8514-cdd9-4602-9e1f-01a5b77d449b",
        stream_arn="arn:aws:kinesis:us-east-2:123456789012:stream/trades",
        function_arn="arn:aws:lambda:us-east-2:123456789012:function:live",
        batch_size=500,
        window_seconds=1,
        starting_position="TRIM_HORIZON",
        max_retries=10,
        max_age_seconds=21600,
        bisect=True,
        report_item_failures=True,
        on_failure_arn="arn:aws:s3:::failures",
    )


def test_what_is_not_listed_has_lambdas_defaults() -> None:
    settings = MappingSettings.from_listing(BARE)
    assert (settings.batch_size, settings.window_seconds) == (100, 0)
    assert (settings.max_retries, settings.max_age_seconds) == (-1, -1)
    assert (settings.bisect, settings.report_item_failures, settings.on_failure_arn) == (False, False, None)


def test_an_empty_destination_is_none() -> None:
    listed = LISTED | {"DestinationConfig": {"OnFailure": {"Destination": ""}}}
    assert MappingSettings.from_listing(listed).on_failure_arn is None


def test_a_mapping_read_back_from_the_deployment_means_the_same() -> None:
    listed = MappingSettings.from_listing(LISTED)
    mapping = StreamMapping(
        uuid=listed.uuid,
        function="live",
        stream_arn=listed.stream_arn,
        batch_size=500,
        window_s=1,
        starting_position="TRIM_HORIZON",
        bisect=True,
        max_attempts=10,
        max_record_age_s=21600,
        report_item_failures=True,
        on_failure_arn="arn:aws:s3:::failures",
    )
    assert MappingSettings.of(mapping, function_arn=listed.function_arn) == listed


def test_filters_are_read_for_a_table_and_refused_for_kinesis() -> None:
    listed = LISTED | {"FilterCriteria": {"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}]}}
    table = listed | {"EventSourceArn": "arn:aws:dynamodb:us-east-2:123456789012:table/signals/stream/2026"}
    assert MappingSettings.from_listing(table).patterns == ('{"eventName":["INSERT"]}',)
    with pytest.raises(UnsupportedMapping, match="FilterCriteria"):
        MappingSettings.from_listing(listed)


def test_no_record_is_tried_for_longer_than_the_stream_keeps_it() -> None:
    assert MappingSettings.from_listing(LISTED).oldest_seconds == 21600
    assert MappingSettings.from_listing(LISTED, retention_seconds=3600).oldest_seconds == 3600
    assert MappingSettings.from_listing(BARE).oldest_seconds == 86400


def test_a_timestamp_goes_with_its_starting_position() -> None:
    at = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
    listed = BARE | {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": at}
    assert MappingSettings.from_listing(listed).starting_timestamp == at
    with pytest.raises(UnsupportedMapping, match="AT_TIMESTAMP"):
        MappingSettings.from_listing(BARE | {"StartingPosition": "AT_TIMESTAMP"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ParallelizationFactor", 2),
        ("TumblingWindowInSeconds", 60),
        ("BatchSize", 10_001),
        ("BatchSize", 0),
        ("MaximumBatchingWindowInSeconds", 301),
        ("MaximumRetryAttempts", 10_001),
        ("MaximumRecordAgeInSeconds", 59),
        ("StartingPosition", "EARLIEST"),
    ],
)
def test_what_is_not_supported_or_out_of_range_is_named(field: str, value: object) -> None:
    with pytest.raises(UnsupportedMapping, match=field):
        MappingSettings.from_listing(LISTED | {field: value})
