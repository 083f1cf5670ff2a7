"""Units of work: what one call, or a few that follow one another, are to bring; and what they brought."""

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

from shared.errors import SourceUnavailable
from shared.models.daily import DailyBar, Dividend, Split, Ticker

Kind = Literal["grouped", "range", "flat", "splits", "dividends", "tickers", "delisted", "ticker"]
WHOLE_MARKET = "*"


class ShortAnswer(SourceUnavailable):
    """The answer is whole but holds suspiciously little: it may come late, and may be accepted on request."""


class Unit(NamedTuple):
    """Trade dates [start, end], both included, of a symbol or of the whole market.

    `asked`: the date of asking, where the answer to the same question changes from day to day (reference data). The
    vendor's calls are counted by `calls`, its bytes guessed by `size`.
    """

    kind: Kind
    sym: str = WHOLE_MARKET
    start: date | None = None
    end: date | None = None
    asked: date | None = None
    calls: int = 1
    size: int = 0

    @property
    def id(self) -> str:
        """The same for the same question, so that it need not be asked twice.

        >>> Unit("range", "AAPL", date(2024, 1, 2), date(2024, 3, 28)).id
        'range/AAPL/2024-01-02..2024-03-28'
        """
        first, last = (day.isoformat() if day else "" for day in (self.start, self.end))
        span = first if first == last else f"{first}..{last}"
        return "/".join(part for part in (self.kind, self.sym, span, self.asked and str(self.asked)) if part)


class Refused(NamedTuple):
    """A row that breaks a rule, for the quarantine: its bytes, a fixed word to count, a message to read."""

    row: bytes
    reason: str
    message: str


class Fetched(NamedTuple):
    """What a unit brought; only one kind of row is there."""

    bars: Sequence[DailyBar] = ()
    splits: Sequence[Split] = ()
    dividends: Sequence[Dividend] = ()
    tickers: Sequence[Ticker] = ()
    refused: Sequence[Refused] = ()
