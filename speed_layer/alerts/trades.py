"""What price rules look at: trades that may set a bar's close, in parts that no window had closed on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from shared.bars.conditions import OPEN_CLOSE, effect_of
from shared.bars.scale import PRICE_DIGITS, parse_scaled
from shared.bars.sessions import SessionTable
from shared.frames import Part, TradeRow
from shared.stores.old_trades import order_of
from speed_layer.alerts.evaluate import Observation


def observed(
    frames: Iterable[list[Part]], symbols: frozenset[str], sessions: SessionTable
) -> Mapping[str, list[Observation]]:
    """Observations of these symbols, in the order of their frames; those of a frame by time and sequence.

    Late parts are none: an alert is about now.
    """
    found: dict[str, list[Observation]] = defaultdict(list)
    for frame in frames:
        rows: dict[str, list[TradeRow]] = defaultdict(list)
        name = ""
        for part in frame:
            if part.sym in symbols and not part.late:
                rows[part.sym] += part.trades
                name = position_of(part.f)
        for sym, trades in rows.items():
            found[sym] += observations(trades, sessions, name)
    return found


def observations(rows: Iterable[TradeRow], sessions: SessionTable, name: str) -> Iterable[Observation]:
    """Of trades of one symbol, by time and sequence; `name` is the position of what brought them."""
    for number, row in enumerate(sorted(rows, key=lambda one: (one.t, one.q))):
        day = sessions.day_of(row.t)
        if day is None:
            continue
        regular = day.is_regular(row.t)
        price = parse_scaled(row.p, PRICE_DIGITS)
        if price and effect_of(row.c, regular) & OPEN_CLOSE and row.s.strip("0."):
            key = f"{row.t}.{row.q}.{row.x}.{row.trfi}.{row.i}"
            yield Observation(place_in(name, number), key, row.t, price, row.p, regular)


def place_in(name: str, number: int) -> str:
    """Text that sorts as the trades of `name` do.

    States of an earlier release hold six digits there, and may be compared with these: all trades of a frame are looked
    at before a state is stored, so what of its own frame it passes over, or sees again, leaves it as it is.
    """
    return f"{name}-{number:012d}"


def position_of(f: str) -> str:
    """Text that sorts as frames of one lane follow each other."""
    epoch, counter = order_of(f)
    return f"{epoch:012d}-{counter:012d}"
