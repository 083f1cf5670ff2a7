"""Items of the `control` table, keyed (pk, sk): how they are read, put whole and changed under a condition.

Every store that keeps its items there is made of one of these (control.py, settled.py, runs.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import StoreUnavailable

Attributes = dict[str, Any]
"""Of an item, as Python's own values: text, whole numbers, floats, flags, lists, maps."""


class ControlItems:
    """Reads are consistent. Raises StoreUnavailable when DynamoDB does not answer in time or throttles."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get(self, pk: str, sk: str) -> Attributes | None:
        answer = self._call("get_item", Key=_key(pk, sk), ConsistentRead=True)
        return _read(answer["Item"]) if "Item" in answer else None

    def put(self, pk: str, sk: str, value: Mapping[str, Any]) -> None:
        self._call("put_item", Item=_key(pk, sk) | {name: attribute(field) for name, field in value.items()})

    def query(self, pk: str, first: str | None = None, last: str | None = None) -> Iterator[Attributes]:
        """All items of a pk, or those whose sk is in [first, last], both included; by sk."""
        ranged = first is not None and last is not None
        request: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last" if ranged else "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}}
            | ({":first": {"S": first}, ":last": {"S": last}} if ranged else {}),
            "ConsistentRead": True,
        }
        while True:
            page = self._call("query", **request)
            yield from map(_read, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def last(self, pk: str) -> Attributes | None:
        """The item of a pk with the greatest sk."""
        answer = self._call(
            "query",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        return next(map(_read, answer["Items"]), None)

    def update(
        self, pk: str, sk: str, *, expression: str, condition: str, values: Mapping[str, Any], names: Mapping[str, str]
    ) -> Attributes | None:
        """Change an item where the condition holds: all of it as it is then. None where the condition does not hold."""
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(pk, sk),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={name: attribute(value) for name, value in values.items()},
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise StoreUnavailable(f"control table: {error}") from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"control table: {error}") from error
        return _read(answer["Attributes"])

    def _call(self, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._dynamodb, operation)(TableName=self._table, **request)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"control table: {error}") from error


def attribute(value: Any) -> dict[str, Any]:
    """A value as DynamoDB writes it; a float is a time in seconds, to the millisecond."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, float):
        return {"N": f"{value:.3f}"}
    if isinstance(value, Mapping):
        return {"M": {name: attribute(field) for name, field in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [attribute(element) for element in value]}
    return {"S": str(value)}


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _read(item: Mapping[str, Any]) -> Attributes:
    return {name: _value(field) for name, field in item.items()}


def _value(field: Mapping[str, Any]) -> Any:
    ((kind, value),) = field.items()
    if kind == "N":
        return int(value) if value.lstrip("-").isdigit() else float(value)
    if kind == "M":
        return _read(value)
    return [_value(element) for element in value] if kind == "L" else value
