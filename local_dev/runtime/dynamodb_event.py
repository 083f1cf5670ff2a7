"""Changes of a DynamoDB table as the event Lambda hands to a function."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from local_dev.runtime.stream_record import StreamRecord


def changes(answers: Iterable[Mapping[str, Any]], stream_arn: str) -> list[StreamRecord]:
    """From the records of `GetRecords` of DynamoDB Streams, in their order."""
    return [_record(answer, stream_arn) for answer in answers]


def _record(answer: Mapping[str, Any], stream_arn: str) -> StreamRecord:
    """Times become Unix seconds and bytes base64 text, as in Lambda's JSON."""
    change = dict(answer["dynamodb"])
    created = change["ApproximateCreationDateTime"].timestamp()
    entry = {
        **answer,
        "dynamodb": {**change, "ApproximateCreationDateTime": created},
        "eventSourceARN": stream_arn,
    }
    text = json.dumps(entry, separators=(",", ":"), default=_as_text)
    return StreamRecord(change["SequenceNumber"], created, text.encode())


def _as_text(value: object) -> str:
    """The bytes of a binary attribute. Raises TypeError for anything else that JSON does not know."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} in a change of a table")
