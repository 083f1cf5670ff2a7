"""The newest closed bars of each symbol and timeframe in Valkey, as partials: rings, of which any may be missing.

`ring:{SYM}:tf` is a hash: the bar's start (Unix ms) -> "count rev|partial", and `g` -> the generation it belongs to.
`rings:state` says which generation is in force and up to which record of the bars stream it holds everything. Rings
without that are not believed: a batch may have passed them by. Writes are compare-and-set on the server; keys expire.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from shared.errors import InvalidRecord
from shared.frames import decode_partial, encode_partial
from shared.models.bar import Partial, Timeframe
from shared.observability import event, logger
from shared.stores.valkey import Valkey

TTL_S = 3 * 3_600
"""Less than the age at which the signals function's mapping gives a record up: what was given up unseen is not here."""
SPARE = 64
"""Bars more than are kept may gather before a ring is trimmed."""
_STATE = "rings:state"
_GENERATION = b"g"
_log = logger("cache")

Key = tuple[str, Timeframe]

_ADD = """
if redis.call('HGET', KEYS[1], 'g') ~= ARGV[1] then return 0 end
for i = 5, #ARGV, 4 do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  local newer = true
  if held then
    local count, rev = string.match(held, '^(%d+) (%d+)|')
    count, rev = tonumber(count), tonumber(rev)
    local given = tonumber(ARGV[i + 1])
    newer = given > count or (given == count and tonumber(ARGV[i + 2]) > rev)
  end
  if newer then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2] .. '|' .. ARGV[i + 3])
  end
end
local kept = tonumber(ARGV[3])
if redis.call('HLEN', KEYS[1]) - 1 > kept + tonumber(ARGV[4]) then
  local bars = {}
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if name ~= 'g' then bars[#bars + 1] = name end
  end
  table.sort(bars, function(a, b) return tonumber(a) < tonumber(b) end)
  for i = 1, #bars - kept do redis.call('HDEL', KEYS[1], bars[i]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
"""ARGV: generation, seconds to live, bars to keep, spare ones, then start, count, rev and partial of each bar."""
_ADD_DIGEST = hashlib.sha1(_ADD.encode(), usedforsecurity=False).hexdigest()


class ClosedBar(NamedTuple):
    """A closed window: its start (Unix ms), and the version of it: one replaces another of smaller (count, rev)."""

    t: int
    count: int  # type: ignore[assignment]  # the name of the contract; tuple.count is of no use here
    rev: int
    partial: Partial


class RingsState(msgspec.Struct, frozen=True):
    """`generation` holds every bar of the records through `done`; the batch that begins with record `begun` is, or was,
    being handled on top of that."""

    generation: str
    done: str
    begun: str = ""

    def is_believed(self, through: str, first: str) -> bool:
        """Whether nothing has passed the rings by: they were left at record `through`, and the only batch tried since
        is the one that begins with record `first`."""
        return self.done == through and self.begun in ("", first)


class Rings:
    """Closed bars in the cache. No method raises for the cache's sake."""

    def __init__(self, valkey: Valkey, kept: Mapping[Timeframe, int]) -> None:
        """`kept`: bars of a ring by timeframe."""
        self._valkey = valkey
        self._kept = kept

    def state(self) -> RingsState | None:
        """None where there is none that can be read, or the cache does not answer."""
        text: bytes | None = self._valkey.attempt(lambda client: client.get(_STATE))
        try:
            return None if text is None else msgspec.json.decode(text, type=RingsState)
        except msgspec.DecodeError as error:
            _unread(error)
            return None

    def put_state(self, state: RingsState) -> bool:
        """False when the cache did not take it."""
        return self._valkey.attempt(lambda client: client.set(_STATE, msgspec.json.encode(state), ex=TTL_S)) is True

    def read(self, keys: Iterable[Key], generation: str, since: int = 0) -> dict[Key, list[ClosedBar]]:
        """The rings that are there in this generation, by start of their bars (Unix ms), `since` included; one round
        trip. What starts before that is not even decoded."""
        keys = list(keys)

        def ask(client: Any) -> list[dict[bytes, bytes]]:
            with client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.hgetall(_name(key))
                answers: list[dict[bytes, bytes]] = pipeline.execute()
            return answers

        found: list[dict[bytes, bytes]] = (self._valkey.attempt(ask) or []) if keys else []
        rings = {}
        for key, fields in zip(keys, found, strict=False):  # nothing is found while the cache is away
            if fields.pop(_GENERATION, b"").decode() == generation:
                try:
                    rings[key] = sorted(_bar(t, value) for t, value in fields.items() if int(t) >= since)
                except (InvalidRecord, ValueError) as error:
                    _unread(error)
        return rings

    def write(
        self, state: RingsState, added: Mapping[Key, Iterable[ClosedBar]], whole: Mapping[Key, Iterable[ClosedBar]]
    ) -> set[Key]:
        """Add bars to rings of the state's generation, put `whole` ones in place of what is there; then the state, if
        every ring took its bars. The rings of `added` that are not there, which took nothing."""
        keys = list(added)

        def send(client: Any) -> set[Key]:
            with client.pipeline(transaction=False) as pipeline:
                pipeline.script_load(_ADD)
                for key in keys:
                    pipeline.evalsha(_ADD_DIGEST, 1, _name(key), *self._arguments(state, key, added[key]))
                for key, bars in whole.items():
                    fields: dict[bytes | str, str] = {
                        _GENERATION: state.generation,
                        **{str(bar.t): _value(bar) for bar in bars},
                    }
                    pipeline.delete(_name(key))
                    pipeline.hset(_name(key), mapping=fields)
                    pipeline.expire(_name(key), TTL_S)
                answers: list[Any] = pipeline.execute()  # raises where one was refused: the others were carried out
            gone = {key for key, taken in zip(keys, answers[1:], strict=False) if not taken}
            if not gone:
                client.set(_STATE, msgspec.json.encode(state), ex=TTL_S)
            return gone

        return self._valkey.attempt(send) or set()

    def closed(
        self, symbols: Iterable[str], tf: Timeframe, through: str | None, since: int = 0
    ) -> dict[str, list[tuple[int, Partial]]]:
        """Closed bars (start, partial) by symbol that start at `since` (Unix ms) or later, in order of time, as of the
        record `through` of the bars stream, which control.through("signals") names. Symbols whose ring is not there,
        or not believed, are left out; so are bars in which no trade set a price, whatever their volume."""
        state = self.state()
        if state is None or state.done != through:
            return {}
        rings = self.read([(sym, tf) for sym in symbols], state.generation, since)
        return {sym: [(bar.t, bar.partial) for bar in bars] for (sym, _), bars in rings.items()}

    def _arguments(self, state: RingsState, key: Key, bars: Iterable[ClosedBar]) -> list[str | int]:
        arguments: list[str | int] = [state.generation, TTL_S, self._kept[key[1]], SPARE]
        for bar in bars:
            arguments += [bar.t, bar.count, bar.rev, encode_partial(bar.partial)]
        return arguments


def _name(key: Key) -> str:
    sym, tf = key
    return f"ring:{{{sym}}}:{tf}"


def _value(bar: ClosedBar) -> str:
    return f"{bar.count} {bar.rev}|{encode_partial(bar.partial)}"


def _bar(t: bytes, value: bytes) -> ClosedBar:
    version, _, partial = value.partition(b"|")
    count, rev = version.split(b" ")
    return ClosedBar(int(t), int(count), int(rev), decode_partial(partial))


def _unread(error: Exception) -> None:
    """Another version of this code wrote it: as if it were not there."""
    event(_log, logging.WARNING, "a ring cannot be read: going on without it", error=str(error))
