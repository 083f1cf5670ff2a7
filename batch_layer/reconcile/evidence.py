"""The raw log asked why bars differ: each trade once, for facts of days, and again for trades of single minutes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from datetime import date

from batch_layer.reconcile.facts import DayFacts
from batch_layer.reconcile.witness import Seen, by_minute, seen_in
from shared.bars.sessions import SessionDay, SessionTable
from shared.bars.windows import MINUTE_MS
from shared.frames import Part
from shared.stores.lake import Lake
from shared.stores.old_trades import OLD_RANK, identity_of, named, order_of


class Evidence:
    """The raw log of a trade date. Raises StoreUnavailable."""

    def __init__(self, lake: Lake, day: date, sessions: SessionTable) -> None:
        self._lake, self._day = lake, day
        self._session = sessions.day(day)

    def days(self, asked: Mapping[str, Collection[int]]) -> dict[str, DayFacts]:
        """Facts of symbols, each with the prices that are asked for."""
        facts = {sym: DayFacts(frozenset(prices)) for sym, prices in asked.items()}
        for session, hour in self._hours(asked.keys()):
            for sym, parts in hour.items():
                if any(part.late >= OLD_RANK for part in parts):  # they may hold what others hold too
                    facts[sym].add(_trades(parts, session))
                else:
                    facts[sym].add_parts(parts, session)
        return facts

    def minutes(self, wanted: Mapping[str, Set[int]]) -> Iterator[tuple[str, int, list[Seen]]]:
        """(symbol, start of the minute in Unix ms, its trades in order) for wanted minutes that have some."""
        for session, hour in self._hours(wanted.keys(), wanted):
            for sym, parts in hour.items():
                yield from ((sym, t, found) for t, found in by_minute(_trades(parts, session)).items())

    def _hours(
        self, symbols: Set[str], minutes: Mapping[str, Set[int]] | None = None
    ) -> Iterator[tuple[SessionDay, dict[str, list[Part]]]]:
        """Parts by symbol, each once, hour by hour; of all minutes unless some are named."""
        if self._session is None or not symbols:
            return
        for hour in range(24):
            parts: dict[tuple[str, str, int], Part] = {}
            prefix = f"date={self._day}/hour={hour:02d}/"

            def is_wanted(line: bytes) -> bool:
                sym, sec = named(line)
                return sym in symbols and (minutes is None or sec // 60 * MINUTE_MS in minutes[sym])

            for _, part in self._lake.raw_parts(prefix, is_wanted):
                parts[part.identity] = part
            by_symbol: dict[str, list[Part]] = {}
            for part in parts.values():
                by_symbol.setdefault(part.sym, []).append(part)
            yield self._session, by_symbol


def _trades(parts: Iterable[Part], session: SessionDay) -> list[Seen]:
    """Of one symbol: each identity once, as the first frame that has it tells it."""
    found: dict[tuple[int, int, str], Seen] = {}
    for part in sorted(parts, key=lambda part: order_of(part.f)):
        for row in part.trades:
            if (identity := identity_of(row)) not in found:
                found[identity] = seen_in(part, row, session)
    return list(found.values())
