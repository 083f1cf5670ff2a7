"""Conditions of success and failure: Lambda developer guide, "Configuring partial batch response with Kinesis"."""

import pytest

from local_dev.runtime.batch_response import handled_of
from tests.unit.local_dev.runtime.simulated_shard import error, record, report, success

BATCH = [record(number) for number in (7, 8, 9)]
EIGHT = BATCH[1].sequence


@pytest.mark.parametrize(
    "payload",
    ["", "null", "{}", '{"batchItemFailures": null}', '{"batchItemFailures": []}', '{"statusCode": 200}'],
)
def test_an_empty_or_null_answer_or_list_is_a_complete_success(payload: str) -> None:
    assert handled_of(success(payload.encode()), BATCH, report_item_failures=True) == 3


@pytest.mark.parametrize(
    "payload",
    [
        '{"batchItemFailures": [{"itemIdentifier": ""}]}',
        '{"batchItemFailures": [{"itemIdentifier": null}]}',
        '{"batchItemFailures": [{"itemIdentifier": 7}]}',
        '{"batchItemFailures": [{"id": "EIGHT"}]}',
        '{"batchItemFailures": [{}]}',
        '{"batchItemFailures": ["EIGHT"]}',
        '{"batchItemFailures": [{"itemIdentifier": "99"}]}',
        '{"batchItemFailures": [{"itemIdentifier": "EIGHT"}, {"itemIdentifier": ""}]}',
        '{"batchItemFailures": {"itemIdentifier": "EIGHT"}}',
        '{"batchItemFailures": "EIGHT"}',
        '{"batchItemFailures": ""}',
        '{"batchItemFailures": {}}',
        '{"batchItemFailures": false}',
        "[]",
        '"ok"',
        "12",
        "not JSON",
    ],
)
def test_an_odd_identifier_or_shape_is_a_complete_failure(payload: str) -> None:
    answer = success(payload.replace("EIGHT", EIGHT).encode())
    assert handled_of(answer, BATCH, report_item_failures=True) == 0


@pytest.mark.parametrize(("reported", "handled"), [((9,), 2), ((9, 8), 1), ((8, 9), 1), ((8, 8), 1), ((9, 7), 0)])
def test_the_lowest_reported_record_is_where_to_go_on(reported: tuple[int, ...], handled: int) -> None:
    assert handled_of(report(*reported), BATCH, report_item_failures=True) == handled


def test_lowest_means_lowest_in_the_shard_not_in_the_alphabet() -> None:
    batch = [record(number) for number in (99, 100)]
    assert handled_of(report(100), batch, report_item_failures=True) == 1


def test_an_error_is_a_complete_failure_with_and_without_reports() -> None:
    assert [handled_of(error(), BATCH, report_item_failures=flag) for flag in (True, False)] == [0, 0]


def test_without_reports_the_answer_does_not_matter() -> None:
    assert handled_of(report(7), BATCH, report_item_failures=False) == 3
    assert handled_of(success(b"not JSON"), BATCH, report_item_failures=False) == 3
