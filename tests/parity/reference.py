"""The independent reference: bars in SQL over raw trade files. It imports nothing of the product.

What it decides by itself: exact numbers from the text of the files, trade dates and the regular session, which copy
of a trade counts, which trades update which field, windows, VWAP. The rules are in bars.sql, with their sources.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

ROOT = Path(__file__).parents[2]
SQL = Path(__file__).with_name("bars.sql")
FROZEN_CONDITIONS = ROOT / "tests/answers/conditions.json"
NEW_YORK = ZoneInfo("America/New_York")

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
WIDTHS_MS = {"1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "30m": 30 * MINUTE_MS, "1h": HOUR_MS}
END_OF_TIME_MS = 10**13

HALF_DAYS: Mapping[date, time] = dict.fromkeys(
    # "NYSE Holidays & Trading Hours" as published for each year: an early close at 1:00 p.m. Eastern on July 3, the
    # day after Thanksgiving and December 24 where those are trading days.
    [
        *(date(2013, 7, 3), date(2013, 11, 29), date(2013, 12, 24)),
        *(date(2014, 7, 3), date(2014, 11, 28), date(2014, 12, 24)),
        *(date(2026, 11, 27), date(2026, 12, 24)),
    ],
    time(13, 0),
)

Bar = dict[str, int | Decimal]
"""`t` (Unix ms) and `n` as int, `o h l c v` and `vw` as exact decimals; `vw` is left out when `v` is 0."""


def new_york_ms(day: date, at: time = time()) -> int:
    """Unix ms of a New York wall time."""
    return int(datetime.combine(day, at, NEW_YORK).timestamp()) * 1000


class Reference:
    """Trades of recorded files, read once, and every bar they must give."""

    def __init__(
        self,
        files: Sequence[Path],
        *,
        conditions: Path = FROZEN_CONDITIONS,
        half_days: Mapping[date, time] = HALF_DAYS,
    ) -> None:
        self._database = duckdb.connect()
        self._database.execute(
            "SET threads = 2; SET preserve_insertion_order = true; CREATE TABLE sessions "
            "(trade_date DATE, day_start BIGINT, regular_open BIGINT, regular_close BIGINT)"
        )
        columns = [list(column) for column in zip(*_sessions(half_days), strict=True)]
        self._database.execute("INSERT INTO sessions SELECT unnest(?), unnest(?), unnest(?), unnest(?)", columns)
        self._database.execute("SET VARIABLE files = ?", [[str(file) for file in files]])
        self._database.execute("SET VARIABLE conditions = ?", [str(conditions)])
        self._database.execute(SQL.read_text())

    def symbols(self) -> list[str]:
        return [row[0] for row in self._rows("SELECT DISTINCT sym FROM counted ORDER BY sym")]

    def dates(self) -> list[date]:
        return [row[0] for row in self._rows("SELECT DISTINCT trade_date FROM counted ORDER BY trade_date")]

    def lines(self) -> int:
        return int(self._rows("SELECT count(*) FROM lines")[0][0])

    def trades(self) -> int:
        """Trades after de-duplication, whether or not they update anything."""
        return int(self._rows("SELECT count(*) FROM counted")[0][0])

    def volume(self) -> dict[str, Decimal]:
        """Shares by symbol, over all accepted trades that update volume."""
        rows = self._rows("SELECT sym, sum(size) FILTER (volume)::HUGEINT FROM counted GROUP BY sym")
        return {sym: Decimal(int(shares)).scaleb(-6) for sym, shares in rows if shares is not None}

    def bars(
        self, sym: str, width_ms: int, *, since: int = 0, until: int = END_OF_TIME_MS, anchor: int = 0
    ) -> list[Bar]:
        """Bars of the trades in [since, until), in time order; windows are counted from `anchor` (Unix ms)."""
        return [_bar(row) for row in self._rows("FROM bars(?, ?, ?, ?, ?)", sym, width_ms, anchor, since, until)]

    def requested(self, sym: str, multiplier: int, timespan: str, since: int, until: int) -> list[Bar]:
        """What Polygon answers to `range/{multiplier}/{timespan}/{since}/{until}` (Unix ms, `until` included).

        `since` moves back to the start of its unit and anchors the windows, `until` moves on until the last is whole.
        """
        unit = {"minute": MINUTE_MS, "hour": HOUR_MS}[timespan]
        anchor, width = since // unit * unit, unit * multiplier
        end = anchor + ((until - anchor) // width + 1) * width
        return self.bars(sym, width, since=anchor, until=end, anchor=anchor)

    def day(self, sym: str, multiplier: int, timespan: str, day: date) -> list[Bar]:
        """What Polygon answers when both ends of the range are one date: the New York day, to its end."""
        since, until = new_york_ms(day), new_york_ms(day + timedelta(days=1)) - 1
        return self.requested(sym, multiplier, timespan, since, until)

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._database.execute(sql, list(values)).fetchall()
        return rows


def _bar(row: tuple[int, ...]) -> Bar:
    t, open_, high, low, close, shares, trades, vwap = row
    o, h, l, c = (Decimal(price).scaleb(-9) for price in (open_, high, low, close))  # noqa: E741  # Polygon's name
    bar: Bar = {"o": o, "h": h, "l": l, "c": c, "v": Decimal(shares).scaleb(-6), "n": trades, "t": t}
    return bar if vwap is None else {**bar, "vw": Decimal(vwap).scaleb(-4)}


def _sessions(half_days: Mapping[date, time]) -> Iterator[tuple[date, int, int, int]]:
    """Every calendar day from 2013 to 2027 as if it traded: the reference is asked about trading days only."""
    day, last = date(2013, 1, 1), datetime(2027, 12, 31, tzinfo=UTC).date()
    while day <= last:
        close = half_days.get(day, time(16, 0))
        yield day, new_york_ms(day), new_york_ms(day, time(9, 30)), new_york_ms(day, close)
        day += timedelta(days=1)
