"""How much of a batch a function's answer says is done."""

import json
from collections.abc import Sequence
from typing import Any

from local_dev.runtime.invocation import InvocationResult
from local_dev.runtime.stream_record import StreamRecord


def handled_of(result: InvocationResult, records: Sequence[StreamRecord], *, report_item_failures: bool) -> int:
    """Number of leading records that need no second attempt: all, some (a partial failure), or none.

    Lambda's rules: without ReportBatchItemFailures the answer is not looked at. With it, an empty or null answer and
    an empty or null list are a complete success; the lowest reported sequence number is where to go on; an identifier
    that is empty, null, misnamed or not of this batch, and any other shape, is a complete failure.
    """
    if result.error is not None:
        return 0
    if not report_item_failures or not result.payload:
        return len(records)
    try:
        answer = json.loads(result.payload)
    except ValueError:
        return 0
    if answer is None:
        return len(records)
    if not isinstance(answer, dict):
        return 0
    return _lowest_reported(answer.get("batchItemFailures"), records)


def _lowest_reported(failures: Any, records: Sequence[StreamRecord]) -> int:
    if failures is None or failures == []:
        return len(records)
    if not isinstance(failures, list):
        return 0
    places = {record.sequence: place for place, record in enumerate(records)}
    reported = []
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in places:
            return 0
        reported.append(places[identifier])
    return min(reported)
