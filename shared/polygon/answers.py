"""Answers on Polygon's wire: JSON text built straight from scaled integers, since a page holds up to 50,000 bars.

Numbers are plain decimals, never exponents (some parsers of integers break on `1.029145e+06`). `results` and `next_url`
are left out rather than null: the official client fails on null.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from shared.bars.scale import SIZE_DIGITS, SIZE_SCALE, format_scaled
from shared.models.bar import Bar
from shared.polygon.numbers import price_text

BODY_LIMIT = 6 * 1024 * 1024 - 16_384
"""Bytes of the results: a function's answer may have 6 MiB as JSON text, with room for envelope and headers."""
_QUOTES = 17
"""What a bar costs beyond its text: a backslash for each of its 16 quotes once the answer is JSON itself, a comma."""
_FRACTIONS = tuple(f".{units:04d}".rstrip("0").rstrip(".") for units in range(10_000))
"""Text of n / 10^4 after the point, for VWAPs."""


def bar_text(bar: Bar) -> str:
    """One element of `results`: v vw o c h l t n, without vw where the volume is 0.

    >>> bar_text(Bar(60_000, 167_420_000_000, 168 * 10**9, 167 * 10**9, 167_500_000_000, 210_000_000, 1_674_200, 3))
    '{"v":210,"vw":167.42,"o":167.42,"c":167.5,"h":168,"l":167,"t":60000,"n":3}'
    """
    t, first, high, low, last, volume, vwap, count = bar
    shares, rest = divmod(volume, SIZE_SCALE)
    v = format_scaled(volume, SIZE_DIGITS) if rest else shares
    prices = f'"o":{price_text(first)},"c":{price_text(last)},"h":{price_text(high)},"l":{price_text(low)}'
    if vwap is None:
        return f'{{"v":{v},{prices},"t":{t},"n":{count}}}'
    dollars, units = divmod(vwap, 10_000)
    return f'{{"v":{v},"vw":{dollars}{_FRACTIONS[units]},{prices},"t":{t},"n":{count}}}'


def how_many_fit(texts: Sequence[str], limit: int = BODY_LIMIT) -> int:
    """How many of these bars, from the first, one answer can carry; at least 1."""
    size = sum(map(len, texts)) + _QUOTES * len(texts)
    kept = len(texts)
    while size > limit and kept > 1:
        kept -= 1
        size -= len(texts[kept]) + _QUOTES
    return kept


def aggregates(
    ticker: str, texts: Iterable[str], *, query_count: int, adjusted: bool, request_id: str, next_url: str | None
) -> bytes:
    """The envelope of custom bars; `query_count` = base bars used.

    Without bars there is no `results`, except on a page that others follow: the official client stops at its absence.
    """
    texts = list(texts)
    head = {"ticker": ticker, "queryCount": query_count, "resultsCount": len(texts), "adjusted": adjusted}
    tail = {"status": "OK", "request_id": request_id, "count": len(texts)}
    results = ""
    if next_url is not None:
        tail["next_url"] = next_url
    if texts or next_url is not None:
        results = f'"results":[{",".join(texts)}],'
    return msgspec.json.encode(head)[:-1] + b"," + results.encode() + msgspec.json.encode(tail)[1:]


def open_close(ticker: str, day: date, bar: Bar, extended: Mapping[str, int], *, request_id: str) -> bytes:
    """The flat answer of open-close: a day's bar, and prices outside the regular session by name (10^-9 USD)."""
    prices = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, **extended}
    texts = [f'"{name}":{price_text(price)}' for name, price in prices.items()]
    texts.append(f'"volume":{format_scaled(bar.volume, SIZE_DIGITS)}')
    head = msgspec.json.encode({"status": "OK", "request_id": request_id, "from": day.isoformat(), "symbol": ticker})
    return head[:-1] + f",{','.join(texts)}}}".encode()


def error(status: str, text: str, request_id: str) -> bytes:
    """The envelope of a refusal. Polygon puts the text in `error` or in `message` by status code; clients read one."""
    return msgspec.json.encode({"status": status, "request_id": request_id, "error": text, "message": text})
