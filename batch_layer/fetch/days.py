"""Daily bars from the vendor's REST API: one symbol's range, or the whole market's day. Never adjusted.

An answer that is suspiciously short fails: a half-written day looks like a market where few symbols traded.
"""

from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Literal, NamedTuple
from urllib.parse import quote

import msgspec

from batch_layer.fetch.rest import VendorRest
from batch_layer.fetch.rows import Row, Texts, believed, daily_bar
from batch_layer.fetch.units import Fetched, ShortAnswer, Unit
from shared.bars.sessions import SessionTable
from shared.bars.windows import new_york_date
from shared.errors import InvalidRecord, SourceUnavailable
from shared.models.daily import DailyBar

BASE_BARS = 50_000
"""Base bars that one call reads at most: for daily bars, days."""
LEAST_SHARE = 98
"""Percent of the symbols of the session before that a day must have."""


_NONE = msgspec.Raw()


class _Bar(msgspec.Struct, gc=False):
    """A row; numbers as their bytes."""

    o: msgspec.Raw
    h: msgspec.Raw
    l: msgspec.Raw  # noqa: E741  # the vendor's name
    c: msgspec.Raw
    v: msgspec.Raw
    t: int
    T: str = ""
    vw: msgspec.Raw = _NONE
    n: msgspec.Raw = _NONE


class _Bars(msgspec.Struct, gc=False):
    """An answer. Nothing found is said by a count of 0, so one without a count is broken."""

    status: Literal["OK", "DELAYED"]
    resultsCount: int  # noqa: N815  # the vendor's name
    results: list[msgspec.Raw] = []
    next_url: str | None = None


class BarPage(NamedTuple):
    rows: list[msgspec.Raw]
    following: str | None


_page = msgspec.json.Decoder(_Bars)
_bar = msgspec.json.Decoder(_Bar)


def decode_bars(body: bytes) -> BarPage:
    """An answer with bars. Raises InvalidRecord `page`."""
    try:
        answer = _page.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:  # text that is not UTF-8 is no DecodeError
        raise InvalidRecord("page", f"broken body: {error}") from error
    if answer.resultsCount != len(answer.results):
        raise InvalidRecord("page", f"{len(answer.results)} results where the count says {answer.resultsCount}")
    return BarPage(answer.results, answer.next_url)


class Completeness:
    """Whether a day of the whole market is as large as the session before lets expect.

    `known`: how many symbols of a day are stored already, None if nobody knows. `accept_short`: what comes is taken.
    """

    def __init__(
        self, sessions: SessionTable, known: Callable[[date], int | None], *, accept_short: bool = False
    ) -> None:
        self._sessions, self._known, self._accept_short = sessions, known, accept_short
        self._seen: dict[date, int] = {}

    def check(self, day: date, symbols: int) -> None:
        """Raises ShortAnswer."""
        before = self._sessions.before(day)
        expected = self._seen.get(before) or self._known(before) if before else None
        if not self._accept_short:
            if symbols == 0:
                raise ShortAnswer(f"the vendor has no bar of {day}, which is a trade date")
            if expected and symbols * 100 < expected * LEAST_SHARE:
                raise ShortAnswer(f"{day} has {symbols} symbols, fewer than {LEAST_SHARE} % of {expected} on {before}")
        self._seen[day] = symbols

    def check_symbol(self, unit: Unit, bars: int) -> None:
        """Raises ShortAnswer where a symbol has nothing at all."""
        if bars == 0 and not self._accept_short:
            raise ShortAnswer(f"the vendor has no bar of {unit.sym} from {unit.start} to {unit.end}")


def fetch_range(rest: VendorRest, unit: Unit, sessions: SessionTable, complete: Completeness) -> Fetched:
    """One symbol's days. Raises SourceUnavailable, ShortAnswer, AccessRefused or InvalidRecord."""
    path = f"/v2/aggs/ticker/{quote(unit.sym, safe='')}/range/1/day/{unit.start}/{unit.end}"
    url = rest.url(path, adjusted="false", sort="asc", limit=BASE_BARS)
    raws = [raw for page in rest.pages(url, decode_bars) for raw in page.rows]
    bars, refused = believed(_row(raw, unit, sessions) for raw in raws)
    if any(earlier.day > later.day for earlier, later in pairwise(bars)):
        raise SourceUnavailable(f"the vendor's pages of {unit.sym} do not follow one another")
    complete.check_symbol(unit, len(raws))
    return Fetched(bars=bars, refused=refused)


def fetch_grouped(rest: VendorRest, unit: Unit, sessions: SessionTable, complete: Completeness) -> Fetched:
    """The whole market's day. Raises the same."""
    day = _day(unit)
    path = f"/v2/aggs/grouped/locale/us/market/stocks/{day}"
    page = rest.read(rest.url(path, adjusted="false", include_otc="false"), decode_bars)
    bars, refused = believed(_row(raw, unit, sessions) for raw in page.rows)
    complete.check(day, len(bars))
    return Fetched(bars=bars, refused=refused)


def _day(unit: Unit) -> date:
    if unit.start is None or unit.start != unit.end:
        raise InvalidRecord("unit", f"must be of one day, was {unit.id}")
    return unit.start


def _row(raw: msgspec.Raw, unit: Unit, sessions: SessionTable) -> Row:
    return Row(bytes(raw), lambda: _bar_of(raw, unit, sessions))


def _bar_of(raw: msgspec.Raw, unit: Unit, sessions: SessionTable) -> DailyBar:
    """Raises InvalidRecord `shape`, `day`, `no_session` or what `daily_bar` raises."""
    row = read_row(raw)
    day = day_of_row(row)
    if unit.start is None or unit.end is None or not unit.start <= day <= unit.end:
        raise InvalidRecord("day", f"must be from {unit.start} to {unit.end}, was {day}")
    if sessions.day(day) is None:
        raise InvalidRecord("no_session", f"{day} is no trade date")
    return daily_bar(row.sym if unit.kind == "grouped" else unit.sym, day, row.texts)


class ReadRow(NamedTuple):
    """A row of bars: its symbol where it has one, the time it gives (Unix ms), and its numbers."""

    sym: str
    t: int
    texts: Texts


def read_row(raw: msgspec.Raw) -> ReadRow:
    """Raises InvalidRecord `shape`."""
    try:
        row = _bar.decode(raw)
        prices = (_text(row.o), _text(row.h), _text(row.l), _text(row.c))
        texts = Texts(*prices, volume=_text(row.v), vwap=_optional(row.vw), count=_optional(row.n))
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InvalidRecord("shape", str(error)) from error
    return ReadRow(row.T, row.t, texts)


def day_of_row(row: ReadRow) -> date:
    """The New York date of its time. Raises InvalidRecord `shape`."""
    try:
        return new_york_date(row.t)
    except (OverflowError, ValueError, OSError) as error:
        raise InvalidRecord("shape", str(error)) from error


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode()


def _optional(raw: msgspec.Raw) -> str | None:
    return None if bytes(raw) in {b"", b"null"} else _text(raw)
