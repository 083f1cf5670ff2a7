"""Trades in Polygon's answers: JSON text with exact numbers, times in Unix nanoseconds, and no key without a value.

Text is ASCII whatever an id holds, so that the size of an answer is known before it is written.
"""

import json
from collections.abc import Sequence

import msgspec

from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS, format_scaled
from shared.frames import TradeRow
from shared.models.trade import Trade

NS_ZEROS = "000000"
"""What turns milliseconds into nanoseconds, as text."""


def row_of(trade: Trade) -> TradeRow:
    """The wire's row of a trade."""
    price, size = format_scaled(trade.price, PRICE_DIGITS), format_scaled(trade.size, SIZE_DIGITS)
    return TradeRow(trade.t, trade.q, trade.x, trade.trfi, trade.i, price, size, trade.conditions, trade.tape)


def trade_text(row: TradeRow) -> str:
    """One element of `results` of `GET /v3/trades/{ticker}`.

    >>> trade_text(TradeRow(1_381_239_000_000, 7, 4, 202, "5", "167.42", "0.5", (14, 37), 2)) == (
    ...     '{"conditions":[14,37],"exchange":4,"id":"5","price":167.42,"sequence_number":7,'
    ...     '"sip_timestamp":1381239000000000000,"size":0.5,"tape":2,"trf_id":202,"decimal_size":"0.5"}')
    True
    """
    conditions = f'"conditions":[{",".join(map(str, row.c))}],' if row.c else ""
    tape = f',"tape":{row.z}' if row.z else ""
    trf = f',"trf_id":{row.trfi}' if row.trfi else ""
    fraction = f',"decimal_size":"{row.s}"' if "." in row.s else ""
    return (
        f'{{{conditions}"exchange":{row.x},"id":{_quoted(row.i)},"price":{row.p},"sequence_number":{row.q},'
        f'"sip_timestamp":{row.t}{NS_ZEROS},"size":{row.s}{tape}{trf}{fraction}}}'
    )


def last_trade_text(sym: str, row: TradeRow) -> str:
    """`results` of `GET /v2/last/trade/{ticker}`."""
    conditions = f'"c":[{",".join(map(str, row.c))}],' if row.c else ""
    tape = f',"z":{row.z}' if row.z else ""
    trf = f',"r":{row.trfi}' if row.trfi else ""
    fraction = f',"ds":"{row.s}"' if "." in row.s else ""
    return (
        f'{{"T":"{sym}",{conditions}"i":{_quoted(row.i)},"p":{row.p},"q":{row.q},"s":{row.s},'
        f'"t":{row.t}{NS_ZEROS},"x":{row.x}{tape}{trf}{fraction}}}'
    )


def snapshot_trade_text(row: TradeRow) -> str:
    """`lastTrade` of a snapshot."""
    conditions = f'"c":[{",".join(map(str, row.c))}],' if row.c else ""
    fraction = f',"ds":"{row.s}"' if "." in row.s else ""
    return f'{{{conditions}"i":{_quoted(row.i)},"p":{row.p},"s":{row.s},"t":{row.t}{NS_ZEROS},"x":{row.x}{fraction}}}'


def size_in_answer(text: str) -> int:
    """Bytes that an element takes in a function's answer, which is JSON as text inside JSON, with its comma."""
    return len(text) + text.count('"') + text.count("\\") + 1


def trades(texts: Sequence[str], *, request_id: str, next_url: str | None) -> bytes:
    """The envelope of a page of trades."""
    tail: dict[str, str] = {"status": "OK", "request_id": request_id}
    if next_url is not None:
        tail["next_url"] = next_url
    return f'{{"results":[{",".join(texts)}],'.encode() + msgspec.json.encode(tail)[1:]


def last_trade(text: str, *, request_id: str) -> bytes:
    """The envelope of one trade."""
    return f'{{"results":{text},'.encode() + msgspec.json.encode({"status": "OK", "request_id": request_id})[1:]


def _quoted(text: str) -> str:
    return f'"{text}"' if text.isascii() and text.isalnum() else json.dumps(text)
