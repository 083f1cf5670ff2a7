"""Trades of the last days: the DynamoDB table `ticks`, in compressed chunks.

Key: `sym`, `chunk` = minute of the trades (Unix ms, 13 digits) # sequence number of the batch's first record (. number
where a chunk had to be split). A repeated batch writes the same items again. `data` = zlib of JSON lines, each a trade
as it stands in its frame. A trade may lie in several chunks: a reader takes each (x, trfi, i) of a minute once. A trade
that is sent again has the event time it had, so its repetitions meet in its minute.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import count, groupby
from operator import attrgetter
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from shared.bars.windows import END_OF_TIME_MS, MINUTE_MS
from shared.errors import StoreUnavailable
from shared.frames import Part, TradeRow
from shared.stores.batch_write import put_all

TTL_S = 72 * 3_600
CHUNK_BYTES = 350_000
"""Of `data` at most: an item takes 400 KB."""
LEVEL = 3
FIRST_PAGE, LONGER = 64, 4
"""Chunks asked for at first, and how many times more in each next question."""
NEWEST_PAGE = 4
"""Chunks asked for at first where one trade is all that is wanted: its minute has a few."""

Order = tuple[int, int, int, int, str]
"""(t, q, x, trfi, i): a total order of the trades of one symbol, by (t, q)."""
order_of: Callable[[TradeRow], Order] = attrgetter("t", "q", "x", "trfi", "i")

_encoder = msgspec.json.Encoder()
_rows = msgspec.json.Decoder(TradeRow)


class TickStore:
    """The `ticks` table. Raises StoreUnavailable when DynamoDB does not answer in time or throttles."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def put(self, parts: Iterable[Part], first_sequence: str, now_s: int) -> None:
        """Keep the trades of one batch of the trades stream, whose first record has this sequence number."""
        minutes: dict[tuple[str, int], list[bytes]] = {}
        for part in parts:
            if part.trades:
                minutes.setdefault((part.sym, part.minute), []).extend(map(_encoder.encode, part.trades))
        put_all(
            lambda request: self._call("batch_write_item", request),
            self._table,
            ("sym", "chunk"),
            (
                {
                    "sym": {"S": sym},
                    "chunk": {"S": _chunk_key(minute, first_sequence, number)},
                    "data": {"B": data},
                    "ttl": {"N": str(now_s + TTL_S)},
                }
                for (sym, minute), lines in minutes.items()
                for number, data in enumerate(_packed(lines))
            ),
        )

    def trades(self, sym: str, from_ms: int, to_ms: int, now_s: int, *, reverse: bool = False) -> Iterator[TradeRow]:
        """Trades of [from_ms, to_ms), Unix ms, in their order or against it; those of expired chunks are left out.

        Lazy: a reader that stops early stops the paging of the table.
        """
        yield from self._trades(sym, from_ms, to_ms, now_s, reverse=reverse, first_page=FIRST_PAGE)

    def newest(self, sym: str, now_s: int) -> TradeRow | None:
        """The last trade that is kept, by (t, q)."""
        return next(self._trades(sym, 0, END_OF_TIME_MS, now_s, reverse=True, first_page=NEWEST_PAGE), None)

    def _trades(
        self, sym: str, from_ms: int, to_ms: int, now_s: int, *, reverse: bool, first_page: int
    ) -> Iterator[TradeRow]:
        chunks = self._chunks(sym, from_ms, to_ms, reverse=reverse, first_page=first_page)
        for _, items in groupby(chunks, _minute_of):
            kept = sorted(
                (item for item in items if int(item["ttl"]["N"]) > now_s), key=lambda item: item["chunk"]["S"]
            )
            rows = _unique(row for item in kept for row in _unpacked(item["data"]["B"]))
            yield from (row for row in sorted(rows, key=order_of, reverse=reverse) if from_ms <= row.t < to_ms)

    def _chunks(
        self, sym: str, from_ms: int, to_ms: int, *, reverse: bool, first_page: int
    ) -> Iterator[dict[str, Any]]:
        first, last = max(from_ms, 0), min(to_ms, END_OF_TIME_MS) - 1
        if first > last:
            return
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#sym = :sym AND #chunk BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#sym": "sym", "#chunk": "chunk"},
            "ExpressionAttributeValues": {
                ":sym": {"S": sym},
                ":first": {"S": f"{first - first % MINUTE_MS:013d}#"},
                ":last": {"S": f"{last - last % MINUTE_MS:013d}~"},  # ~ comes after #
            },
            "ScanIndexForward": not reverse,
            "ConsistentRead": True,
        }
        for page in count():
            answer = self._call("query", {**request, "Limit": first_page * LONGER**page})
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _call(self, operation: str, request: dict[str, Any]) -> Any:
        try:
            return getattr(self._dynamodb, operation)(**request)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"ticks table: {error}") from error


def _chunk_key(minute: int, first_sequence: str, number: int) -> str:
    return f"{minute:013d}#{first_sequence}{f'.{number:03d}' if number else ''}"


def _minute_of(item: dict[str, Any]) -> str:
    minute: str = item["chunk"]["S"].partition("#")[0]
    return minute


def _packed(lines: list[bytes]) -> Iterator[bytes]:
    """The lines in as few chunks as it takes."""
    data = zlib.compress(b"\n".join(lines), LEVEL)
    if len(data) <= CHUNK_BYTES or len(lines) == 1:
        yield data
    else:
        yield from _packed(lines[: len(lines) // 2])
        yield from _packed(lines[len(lines) // 2 :])


def _unpacked(data: bytes) -> list[TradeRow]:
    return _rows.decode_lines(zlib.decompress(data))


def _unique(rows: Iterable[TradeRow]) -> Iterable[TradeRow]:
    """Each identity once, as it came first."""
    found: dict[tuple[int, int, str], TradeRow] = {}
    for row in rows:
        found.setdefault((row.x, row.trfi, row.i), row)
    return found.values()
