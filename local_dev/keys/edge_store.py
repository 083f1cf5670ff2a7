"""CloudFront's key-value store: what the edge knows of keys. Its requests are signed for all regions (SigV4A)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import StoreUnavailable

MOST_AT_ONCE = 50
"""Keys that one request may change."""
TRIES = 4
"""Somebody else may change the store between our look at its version and our change."""


class EdgeStore:
    """`store`: a client of cloudfront-keyvaluestore. Raises StoreUnavailable."""

    def __init__(self, store: Any, arn: str) -> None:
        self._store, self._arn = store, arn

    def known(self) -> dict[str, str]:
        found: dict[str, str] = {}
        request: dict[str, Any] = {"KvsARN": self._arn}
        while True:
            page = self._call("list_keys", **request)
            found |= {item["Key"]: item["Value"] for item in page.get("Items", ())}
            if not page.get("NextToken"):
                return found
            request["NextToken"] = page["NextToken"]

    def change(self, puts: Mapping[str, str], deletes: Sequence[str]) -> None:
        for some_puts, some_deletes in _slices(puts, deletes):
            self._change(some_puts, some_deletes)

    def _change(self, puts: list[dict[str, str]], deletes: list[dict[str, str]]) -> None:
        request = {"KvsARN": self._arn, **({"Puts": puts} if puts else {}), **({"Deletes": deletes} if deletes else {})}
        for left in reversed(range(TRIES)):
            version = self._call("describe_key_value_store", KvsARN=self._arn)["ETag"]
            try:
                self._store.update_keys(**request, IfMatch=version)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConflictException" or not left:
                    raise StoreUnavailable(f"keys of the edge: {error}") from error
            except BotoCoreError as error:
                raise StoreUnavailable(f"keys of the edge: {error}") from error
            else:
                return

    def _call(self, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._store, operation)(**request)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"keys of the edge: {error}") from error


def _slices(
    puts: Mapping[str, str], deletes: Sequence[str]
) -> Iterator[tuple[list[dict[str, str]], list[dict[str, str]]]]:
    changes: list[tuple[str, str | None]] = [*puts.items(), *((key, None) for key in deletes)]
    for first in range(0, len(changes), MOST_AT_ONCE):
        some = changes[first : first + MOST_AT_ONCE]
        yield (
            [{"Key": key, "Value": value} for key, value in some if value is not None],
            [{"Key": key} for key, value in some if value is None],
        )
