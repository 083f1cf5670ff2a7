"""What each table takes: columns in the order of its model, how they travel, and when a row replaces another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from batch_layer.load import copying
from batch_layer.load.copying import Encode
from shared.bars.scale import NOTIONAL_DIGITS, PRICE_DIGITS, SIZE_DIGITS
from shared.polygon.numbers import VWAP_DIGITS


class Kind(NamedTuple):
    """How a column travels: the type it is staged as, the SQL that makes its value of a staged {}, and how it travels
    straight into the table, where that is another way."""

    encode: Encode
    staged: str
    value: str = "{}"
    straight: Encode | None = None


def _scaled(digits: int) -> Kind:
    """An integer in 10^-digits."""
    return Kind(copying.bigint, "bigint", f"({{}} * 1e-{digits}::numeric)", copying.numeric(digits))


KINDS = {
    "price": _scaled(PRICE_DIGITS),
    "size": _scaled(SIZE_DIGITS),
    "vwap": _scaled(VWAP_DIGITS),
    "notional": Kind(
        copying.integer, "text", f"({{}}::numeric * 1e-{NOTIONAL_DIGITS}::numeric)", copying.numeric(NOTIONAL_DIGITS)
    ),
    "count": Kind(copying.bigint, "bigint"),
    "decimal": Kind(copying.decimal, "text", "{}::numeric"),
    "text": Kind(copying.text, "text"),
    "date": Kind(copying.day, "date"),
    "time": Kind(copying.instant, "timestamptz"),
    "millis": Kind(copying.millis, "timestamptz"),
    "flag": Kind(copying.flag, "boolean"),
}


def _columns(text: str) -> dict[str, Kind]:
    """Columns written as in SQL: name and kind, comma, ..."""
    pairs = (column.split() for column in text.split(","))
    return {name: KINDS[kind] for name, kind in pairs}


@dataclass(frozen=True)
class Target:
    """A table and how its rows are told apart; `{s}` is a row to be loaded and `b` one that is there.

    `extras`: columns where NULL means that the source does not tell, so that it takes nothing away from equal values.
    `replaces`: of two rows of one key, whether the later known one takes the place of the other; `best`: which one of
    a batch is taken first. `known_at` is the model's own field where it is among the columns, else the load's. `by`:
    the column whose month is that of the partition, "" for a table without. `due`: the table that the days of a change
    are noted in. `raises`: how much a change raises the revision, and whether it is a correction; 0 for what was no
    last word.
    """

    table: str
    columns: Mapping[str, Kind]
    keys: tuple[str, ...]
    extras: tuple[str, ...] = ()
    by: str = ""
    due: str = ""
    raises: str = "1"
    replaces: str = "true"
    best: str = "known_at DESC, place"

    @property
    def values(self) -> tuple[str, ...]:
        """The columns whose change is a correction, extras apart."""
        apart = {*self.keys, *self.extras, "known_at"}
        return tuple(name for name in self.columns if name not in apart)


BARS_1D = Target(
    "bars_1d",
    _columns("sym text, day date, open price, high price, low price, close price, volume size, vwap vwap, count count"),
    keys=("sym", "day"),
    extras=("vwap", "count"),
    by="day",
    due="bars_nd_due",
)
BARS_1M = Target(
    "bars_1m",
    _columns(
        "sym text, t millis, open price, high price, low price, close price, volume size, vwap vwap, count count,"
        "notional notional, partial text"
    ),
    keys=("sym", "t"),
    extras=("vwap", "count", "notional", "partial"),
    by="t",
)
BARS_ND = Target(
    "bars_nd",
    _columns(
        "sym text, timeframe text, day date, open price, high price, low price, close price, volume size, vwap vwap,"
        "count count, last_day date, forming flag"
    ),
    keys=("sym", "timeframe", "day"),
    raises="(CASE WHEN b.forming THEN 0 ELSE 1 END)",
)
SPLITS = Target(
    "splits",
    _columns("sym text, day date, split_from decimal, split_to decimal, id text, known_at time"),
    keys=("id",),
)
DIVIDENDS = Target(
    "dividends",
    _columns(
        "sym text, day date, cash decimal, id text, known_at time,"
        "currency text, kind text, frequency count, declared date, recorded date, paid date"
    ),
    keys=("id",),
)
TICKERS = Target(
    "tickers",
    _columns(
        "sym text, name text, market text, locale text, exchange text, kind text, active flag, currency text, cik text,"
        "composite_figi text, share_class_figi text, updated time, delisted time, details text"
    ),
    keys=("sym",),
    # A symbol is given to another company once it is free: an old listing does not take the place of the active one,
    # the end of that very listing does.
    replaces="""({s}.active OR CASE WHEN b.active
        THEN ({s}.composite_figi <> '' AND {s}.composite_figi = b.composite_figi) OR {s}.delisted >= b.known_at
        ELSE coalesce({s}.delisted, '-infinity') >= coalesce(b.delisted, '-infinity') END)""",
    best="active DESC, delisted DESC NULLS LAST, place",
)
