"""The cache: last trades, and minutes that are accepted but not stored yet. It may vanish and nothing breaks.

Keys: `last:{SYM}` holds "t q|trade", `min:{SYM}` maps a minute (Unix ms) to "count|partial". Writes are compare-and-set
on the server, so writers may repeat and overtake one another; every key expires. No method raises for the cache's sake.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from shared.errors import InvalidRecord
from shared.frames import decode_partial, encode_partial
from shared.models.bar import Partial
from shared.models.trade import Trade
from shared.observability import event, logger
from shared.stores.valkey import Valkey

TTL_S = 900
"""Of forming minutes."""
LAST_TTL_S = 120
"""Of last trades: more than the 60 s that archive may gather a batch for. Where the ingester's writes no longer arrive,
the table of ticks knows better from then on."""
KEPT_MINUTES = 60
"""Newest minutes of a symbol that survive a clean-up; one is stored seconds after its end."""

_PUT_MINUTES = """
for i = 3, #ARGV, 3 do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  if not held or tonumber(string.match(held, '^%d+')) <= tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. '|' .. ARGV[i + 2])
  end
end
local kept = tonumber(ARGV[2])
if redis.call('HLEN', KEYS[1]) > 2 * kept then
  local minutes = redis.call('HKEYS', KEYS[1])
  table.sort(minutes)
  for i = 1, #minutes - kept do redis.call('HDEL', KEYS[1], minutes[i]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""
"""ARGV: seconds to live, minutes to keep, then minute, count and partial of each."""

_PUT_LAST = """
local held = redis.call('GET', KEYS[1])
if not held or string.match(held, '^[^|]+') <= ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[2] .. '|' .. ARGV[3], 'EX', ARGV[1])
end
"""
"""ARGV: seconds to live, (t, q) as digits of fixed width, trade."""

_trades = msgspec.json.Decoder(Trade)
_log = logger("cache")
R = TypeVar("R")


class Cache:
    """Last trades and forming minutes."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    def put_minutes(self, updates: Mapping[tuple[str, int], Partial]) -> bool:
        """Keep the partials of (symbol, minute in Unix ms); one replaces another only with an equal or larger count.

        A partial stands for all of its minute's accepted trades. False when the cache did not take them.
        """
        by_symbol: dict[str, list[str | int]] = {}
        for (sym, minute), partial in updates.items():
            arguments = by_symbol.setdefault(sym, [TTL_S, KEPT_MINUTES])
            arguments += [minute, partial.count, encode_partial(partial)]
        return self._valkey.run(_PUT_MINUTES, {_minutes_key(sym): arguments for sym, arguments in by_symbol.items()})

    def put_last(self, trades: Iterable[Trade]) -> bool:
        """Keep the last trade by (t, q) of each symbol. False when the cache did not take them."""
        latest: dict[str, Trade] = {}
        for trade in trades:
            held = latest.get(trade.sym)
            if held is None or (held.t, held.q) <= (trade.t, trade.q):
                latest[trade.sym] = trade
        return self._valkey.run(
            _PUT_LAST,
            {
                _last_key(sym): [LAST_TTL_S, f"{trade.t:013d} {trade.q:012d}", msgspec.json.encode(trade)]
                for sym, trade in latest.items()
            },
        )

    def unstored_minutes(self, sym: str, start: int, end: int) -> dict[int, Partial]:
        """Cached minutes of [start, end), Unix ms; some may be stored by now. Empty when the cache does not answer."""
        fields: dict[bytes, bytes] = self._valkey.attempt(lambda client: client.hgetall(_minutes_key(sym))) or {}
        minutes = {int(field): value for field, value in fields.items() if start <= int(field) < end}
        return {
            minute: partial
            for minute, value in minutes.items()
            if (partial := _decoded(decode_partial, value)) is not None
        }

    def last_trade(self, sym: str) -> Trade | None:
        value: bytes | None = self._valkey.attempt(lambda client: client.get(_last_key(sym)))
        return None if value is None else _decoded(_trades.decode, value)

    def last_trades(self, symbols: Sequence[str]) -> dict[str, Trade]:
        """Those that are there, in one round trip."""

        def ask(client: Any) -> list[bytes | None]:
            with client.pipeline(transaction=False) as pipeline:
                for sym in symbols:
                    pipeline.get(_last_key(sym))
                answers: list[bytes | None] = pipeline.execute()
            return answers

        values = (self._valkey.attempt(ask) or []) if symbols else []
        found = zip(symbols, values, strict=False)  # no values at all while the cache is away
        trades = {sym: _decoded(_trades.decode, value) for sym, value in found if value is not None}
        return {sym: trade for sym, trade in trades.items() if trade is not None}

    def is_alive(self) -> bool:
        """Whether it answers within the budget."""
        return self._valkey.attempt(lambda client: client.ping()) is not None


def _minutes_key(sym: str) -> str:
    return f"min:{{{sym}}}"


def _last_key(sym: str) -> str:
    return f"last:{{{sym}}}"


def _decoded(decode: Callable[[bytes], R], value: bytes) -> R | None:
    """What follows the bar of a cached value; None where another version of this code wrote what we cannot read."""
    try:
        return decode(value.partition(b"|")[2])
    except (InvalidRecord, msgspec.DecodeError) as error:
        event(_log, logging.WARNING, "a cached value cannot be read: going on without it", error=str(error))
        return None
