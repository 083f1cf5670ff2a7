"""What `watch` shows: a table that changes in place for a person, lines for a log."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, TextIO

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
COLUMNS: Final = ("symbol", "last", "size", "change", "%", "day volume", "minute", "signal", "at")


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
        table = Table(title=self.title or None, caption=" | ".join(part for part in below if part))
        for name in COLUMNS:
            table.add_column(name, justify="left" if name in {"symbol", "minute", "signal"} else "right", no_wrap=True)
        for row in shown:
            table.add_row(*_cells(row))
        return table


def line(row: Row) -> str:
    """One row as a line of a log; what is not known yet is left out."""
    last = f" {_price(row.price)} x {_text(row.size)}" if row.price is not None else ""
    trade = f"{_clock(row.traded[0], '%H:%M:%S')} {row.sym}{last}"
    change = f"{_signed(row.change)} ({_signed(_rounded(row.percent))}%)" if row.change is not None else ""
    day = f"day {_shares(row.volume)}" if row.volume is not None else ""
    return " | ".join(part for part in (trade, change, day, _minute(row), _signal(row)) if part)


def _cells(row: Row) -> Iterable[Text]:
    colour = "" if not row.change else "green" if row.change > 0 else "red"
    percent = _signed(_rounded(row.percent))
    return (
        Text(row.sym, "bold"),
        Text(_price(row.price), colour),
        Text(_text(row.size)),
        Text(_signed(row.change), colour),
        Text(percent, colour),
        Text(_shares(row.volume)),
        Text(_minute(row)),
        Text(_signal(row)),
        Text(_clock(row.traded[0], "%H:%M:%S")),
    )


def _minute(row: Row) -> str:
    if row.minute is None:
        return ""
    prices = " ".join(_price(row.minute.get(name)) for name in ("o", "h", "l", "c"))
    return f"{_clock(row.minute['s'], '%H:%M')} {prices} v {_shares(row.minute.get('v'))}"


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
