"""Answers on Polygon's wire: JSON text built straight from scaled integers, since a page holds up to 50,000 bars.

Numbers are plain decimals, never exponents (some parsers of integers break on `1.029145e+06`). `results` and `next_url`
are left out rather than null: the official client fails on null.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from shared.bars.scale import SIZE_DIGITS, SIZE_SCALE, format_scaled
from shared.models.bar import Bar
from shared.models.daily import DailyBar
from shared.polygon.numbers import price_text

BODY_LIMIT = 6 * 1024 * 1024 - 16_384
"""Bytes of the results: a function's answer may have 6 MiB as JSON text, with room for envelope and headers."""
_MOST_QUOTES = 19
"""What a bar costs beyond its text, at most: a backslash for each of its quotes once the answer is JSON itself, and a
comma."""
_FRACTIONS = tuple(f".{units:04d}".rstrip("0").rstrip(".") for units in range(10_000))
"""Text of n / 10^4 after the point, for VWAPs."""

Values = tuple[int, int, int, int, int, int | None, int | None]
"""Open, high, low, close, volume, VWAP and count, in the units of `Bar`."""


def bar_text(bar: Bar) -> str:
    """One element of `results`: v vw o c h l t n, without vw where the volume is 0.

    >>> bar_text(Bar(60_000, 167_420_000_000, 168 * 10**9, 167 * 10**9, 167_500_000_000, 210_000_000, 1_674_200, 3))
    '{"v":210,"vw":167.42,"o":167.42,"c":167.5,"h":168,"l":167,"t":60000,"n":3}'
    """
    return window_text(bar.t, bar[1:])


def window_text(t: int, shown: Values, sym: str = "") -> str:
    """As `bar_text`, also without n where the source does not count trades, and with T where a symbol is given."""
    first, high, low, last, volume, vwap, count = shown
    shares, rest = divmod(volume, SIZE_SCALE)
    v = format_scaled(volume, SIZE_DIGITS) if rest else shares
    prices = f'"o":{price_text(first)},"c":{price_text(last)},"h":{price_text(high)},"l":{price_text(low)}'
    name = f'"T":"{sym}",' if sym else ""
    n = "" if count is None else f',"n":{count}'
    if vwap is None:
        return f'{{{name}"v":{v},{prices},"t":{t}{n}}}'
    dollars, units = divmod(vwap, 10_000)
    return f'{{{name}"v":{v},"vw":{dollars}{_FRACTIONS[units]},{prices},"t":{t}{n}}}'


def day_text(t: int, day: DailyBar, sym: str = "") -> str | None:
    """A daily bar as an element of `results`; None where no trade has set a price."""
    _, _, first, high, low, last, volume, vwap, count = day
    if first is None or high is None or low is None or last is None:
        return None
    return window_text(t, (first, high, low, last, volume, vwap, count), sym)


def incomplete(text: str) -> str:
    """The same bar, of which trades may be missing. A bar that is complete does not say so, and is Polygon's own.

    >>> incomplete('{"v":210,"t":60000,"n":3}')
    '{"v":210,"t":60000,"n":3,"complete":false}'
    """
    return f'{text[:-1]},"complete":false}}'


def how_many_fit(texts: Sequence[str], limit: int = BODY_LIMIT) -> int:
    """How many of these bars, from the first, one answer can carry; at least 1."""
    kept = len(texts)
    if sum(map(len, texts)) + _MOST_QUOTES * kept <= limit:
        return kept
    size = sum(map(_cost, texts))
    while size > limit and kept > 1:
        kept -= 1
        size -= _cost(texts[kept])
    return kept


def _cost(text: str) -> int:
    return len(text) + text.count('"') + 1


def aggregates(
    ticker: str | None, texts: Iterable[str], *, query_count: int, adjusted: bool, request_id: str, next_url: str | None
) -> bytes:
    """The envelope of custom bars, or of bars of many tickers (`ticker` None); `query_count` = base bars used.

    Without bars there is no `results`, except on a page that others follow: the official client stops at its absence.
    """
    texts = list(texts)
    head: dict[str, object] = {} if ticker is None else {"ticker": ticker}
    head |= {"queryCount": query_count, "resultsCount": len(texts), "adjusted": adjusted}
    tail = {"status": "OK", "request_id": request_id, "count": len(texts)}
    results = ""
    if next_url is not None:
        tail["next_url"] = next_url
    if texts or next_url is not None:
        results = f'"results":[{",".join(texts)}],'
    return msgspec.json.encode(head)[:-1] + b"," + results.encode() + msgspec.json.encode(tail)[1:]


def open_close(bar: DailyBar, extended: Mapping[str, int], *, request_id: str) -> bytes:
    """The flat answer of open-close: a day's bar, and prices outside the regular session by name (10^-9 USD)."""
    prices = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, **extended}
    texts = [f'"{name}":{price_text(price)}' for name, price in prices.items() if price is not None]
    texts.append(f'"volume":{format_scaled(bar.volume, SIZE_DIGITS)}')
    head = msgspec.json.encode(
        {"status": "OK", "request_id": request_id, "from": bar.day.isoformat(), "symbol": bar.sym}
    )
    return head[:-1] + f",{','.join(texts)}}}".encode()


def error(status: str, text: str, request_id: str) -> bytes:
    """The envelope of a refusal. Polygon puts the text in `error` or in `message` by status code; clients read one."""
    return msgspec.json.encode({"status": status, "request_id": request_id, "error": text, "message": text})
