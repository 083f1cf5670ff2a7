"""History of the simulated market, written straight into the bars table: what a chart opens with.

860,000 minutes in items of their own would take minutes, so hours that lie whole in the range go in packed.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from local_dev.simulator.market import SYMBOLS, Market
from local_dev.simulator.past import Past
from shared.bars.windows import HOUR_MS, MINUTE_MS
from shared.models.bar import Partial
from shared.stores.bars import BarStore
from shared.stores.packed import pack_lines, unpack

PARALLEL = 2
"""Symbols at once: one is drawn while another is written."""


def load(
    bars: BarStore, since_ms: int, until_ms: int, now_s: int, *, seed: int, say: Callable[[str], None]
) -> list[str]:
    """Store the minutes that begin in [since_ms, until_ms), Unix ms, of every symbol, and return the symbols.

    Minutes that are there already are left alone, and the same range is always given the same minutes: repeating it
    changes nothing. Raises StoreUnavailable.
    """
    past = Past(Market(seed))

    def load_symbol(symbol: int) -> int:
        return _load_symbol(bars, past, symbol, range(since_ms, until_ms), now_s)

    with ThreadPoolExecutor(PARALLEL) as pool:
        for done, minutes in enumerate(pool.map(load_symbol, range(len(SYMBOLS))), start=1):
            say(f"history: {done} of {len(SYMBOLS)} symbols, {minutes} minutes of {SYMBOLS[done - 1]}")
    return list(SYMBOLS)


def _load_symbol(bars: BarStore, past: Past, symbol: int, span: range, now_s: int) -> int:
    """How many minutes were stored."""
    sym, first, end = SYMBOLS[symbol], -(-span.start // MINUTE_MS), span.stop // MINUTE_MS
    known = {minute.t for minute in bars.minutes(sym, span.start, span.stop, now_s)}
    known_hours = {t - t % HOUR_MS for t in known}
    packed: list[tuple[str, int, bytes]] = []
    single: list[tuple[str, int, Partial]] = []
    stored = 0
    for hour, lines in past.hours(symbol, first, end):
        data = pack_lines(lines)
        if hour in span and hour + HOUR_MS <= span.stop and hour not in known_hours:
            packed.append((sym, hour, data))
            stored += lines.count(b"\n")
        else:
            single += [(sym, t, partial) for t, partial in unpack(hour, data).items() if t not in known]
    bars.put_packed(packed, now_s)
    bars.put_minutes(single, now_s)
    return stored + len(single)
