"""The rules of "Control which events Lambda sends to your function", for exact values."""

import pytest

from local_dev.runtime.mapping_settings import UnsupportedMapping
from local_dev.runtime.record_filter import RecordFilter

RECORD = {"eventName": "INSERT", "dynamodb": {"NewImage": {"status": {"S": "active"}}}}


@pytest.mark.parametrize(
    ("patterns", "passes"),
    [
        ([], True),
        (['{"eventName":["INSERT"]}'], True),
        (['{"eventName":["MODIFY","INSERT"]}'], True),
        (['{"eventName":["REMOVE"]}'], False),
        (['{"eventName":["REMOVE"]}', '{"eventName":["INSERT"]}'], True),
        (['{"dynamodb":{"NewImage":{"status":{"S":["active"]}}}}'], True),
        (['{"eventName":["INSERT"],"dynamodb":{"NewImage":{"status":{"S":["withdrawn"]}}}}'], False),
        (['{"dynamodb":{"OldImage":{"status":{"S":["active"]}}}}'], False),
        (['{"eventName":{"S":["INSERT"]}}'], False),
    ],
)
def test_a_record_passes_if_any_pattern_fits_it_whole(patterns: list[str], passes: bool) -> None:
    assert RecordFilter(patterns).passes(RECORD) is passes


@pytest.mark.parametrize("pattern", ["[]", "{}", '{"eventName":[{"prefix":"IN"}]}', '{"a":{"b":"c"}}'])
def test_patterns_that_ask_for_more_are_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedMapping, match="filter pattern"):
        RecordFilter([pattern])
