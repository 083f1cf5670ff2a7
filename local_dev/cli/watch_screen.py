"""What `watch` shows: a table that changes in place for a person, lines for a log."""

from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from local_dev.cli.board import Board, Row
from shared.bars.windows import NEW_YORK

TABLE_SECONDS: Final = 0.25
LINES_SECONDS: Final = 1.0
CENT: Final = Decimal("0.01")
AROUND: Final = 6  # rows of the terminal that the table needs besides its symbols
ALL: Final = ("symbol", "last", "size", "change", "%", "day volume", "minute", "signal", "at")
LEFT_OUT: Final = ((124, frozenset({"minute", "size"})), (96, frozenset({"day volume"})))
"""What a terminal narrower than so many columns has no room for."""
WHOLE_MINUTE: Final = 150
"""From so many columns on a minute bar is shown with all its prices, below that with its close."""


class WatchScreen:
    """A context; what is not a price goes to `errors` when nobody watches, so that the lines of prices stay alone."""

    def __init__(self, board: Board, out: TextIO, errors: TextIO) -> None:
        self._board = board
        self._console = Console(file=out, highlight=False, soft_wrap=True)
        self._errors = errors
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._connection = self._trouble = ""
        self.title = ""

    @property
    def seconds(self) -> float:
        """How often to call `show`."""
        return LINES_SECONDS if self._live is None else TABLE_SECONDS

    def __enter__(self) -> "WatchScreen":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self.show()
            self._live.stop()

    def connection(self, text: str) -> None:
        """How the connection stands; stays in sight until the next."""
        self._connection = text
        self._say(text)

    def trouble(self, text: str) -> None:
        """What is wrong besides, empty when nothing is. Said once, however often it is found."""
        if text and text != self._trouble:
            self._say(text)
        self._trouble = text

    def _say(self, text: str) -> None:
        if self._live is None:
            print(text, file=self._errors, flush=True)

    def show(self) -> None:
        if self._live is not None:
            self._live.update(self._table(), refresh=True)
            return
        for row in self._board.changed():
            self._console.print(line(row))

    def _table(self) -> Table:
        rows = self._board.rows()
        shown = rows[: max(1, self._console.height - AROUND)]
        more = f"{len(rows) - len(shown)} more symbols below" if len(shown) < len(rows) else ""
        unread = f"{self._board.unreadable} events not understood" if self._board.unreadable else ""
        below = (self._connection, self._trouble, more, unread, "Ctrl-C ends")
        width = self._console.width
        table = Table(title=self.title or None, caption=" | ".join(part for part in below if part), box=SIMPLE_HEAD)
        names = [name for name in ALL if not any(width < least and name in left for least, left in LEFT_OUT)]
        for name in names:
            table.add_column(name, justify="left" if name in {"symbol", "minute", "signal"} else "right", no_wrap=True)
        for row in shown:
            cells = _cells(row, whole_minute=width >= WHOLE_MINUTE)
            table.add_row(*(cells[name] for name in names))
        return table


def line(row: Row) -> str:
    """One row as a line of a log; what is not known yet is left out."""
    last = f" {_price(row.price)} x {_text(row.size)}" if row.price is not None else ""
    trade = f"{_clock(row.traded[0], '%H:%M:%S')} {row.sym}{last}"
    change = f"{_signed(row.change)} ({_signed(_rounded(row.percent))}%)" if row.change is not None else ""
    day = f"day {_shares(row.volume)}" if row.volume is not None else ""
    return " | ".join(part for part in (trade, change, day, _minute(row), _signal(row)) if part)


def _cells(row: Row, *, whole_minute: bool) -> dict[str, Text]:
    colour = "" if not row.change else "green" if row.change > 0 else "red"
    return {
        "symbol": Text(row.sym, "bold"),
        "last": Text(_price(row.price), colour),
        "size": Text(_text(row.size)),
        "change": Text(_signed(row.change), colour),
        "%": Text(_signed(_rounded(row.percent)), colour),
        "day volume": Text(_shares(row.volume)),
        "minute": Text(_minute(row, "ohlc" if whole_minute else "c")),
        "signal": Text(_signal(row)),
        "at": Text(_clock(row.traded[0], "%H:%M:%S")),
    }


def _minute(row: Row, prices: str = "ohlc") -> str:
    if row.minute is None:
        return ""
    chosen = " ".join(_price(row.minute.get(name)) for name in prices)
    return f"{_clock(row.minute['s'], '%H:%M')} {chosen} v {_shares(row.minute.get('v'))}"


def _signal(row: Row) -> str:
    if row.signal is None:
        return ""
    said = row.signal
    withdrawn = " withdrawn" if said.get("status") == "withdrawn" else ""
    timeframe = said.get("tf", said.get("timeframe", ""))  # the socket's name, and REST's
    return f"{said.get('side', '')} {said.get('strategy', '')} {timeframe} {_clock(said['t'], '%H:%M')}{withdrawn}"


def _clock(t_ms: int, form: str) -> str:
    """New York time."""
    return datetime.fromtimestamp(t_ms / 1000, UTC).astimezone(NEW_YORK).strftime(form) if t_ms else "waiting"


def _price(number: Any) -> str:
    """With cents at least, and every digit beyond."""
    return "" if number is None else f"{_with_cents(Decimal(number)):f}"


def _with_cents(number: Decimal) -> Decimal:
    return number if number != number.quantize(CENT) else number.quantize(CENT)


def _text(number: Any) -> str:
    return "" if number is None else f"{Decimal(number):f}"


def _shares(number: Any) -> str:
    """Fractions of a share only where they tell something."""
    return "" if number is None else f"{Decimal(number):,.0f}" if Decimal(number) >= 1_000 else _text(number)


def _rounded(number: Decimal | None) -> Decimal | None:
    return None if number is None else number.quantize(CENT)


def _signed(number: Decimal | None) -> str:
    return "" if number is None else f"{_with_cents(number):+f}"
