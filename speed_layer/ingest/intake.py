"""Every trade that arrives is accepted, dropped as a duplicate, held, or quarantined with its reason: nothing else.

This is the hot path. Texts and integers of prices and sizes, and effects of conditions, repeat so much that they are
looked up; what remains a trade is one look-up for its identity and one row in its part.
"""

import json
from collections import Counter
from datetime import date
from typing import Any, NamedTuple

import msgspec

from shared.bars.conditions import NOTHING, UNKNOWN, effect_of
from shared.bars.sessions import SessionDay, SessionTable
from shared.errors import InvalidRecord
from shared.polygon.trades import (
    TEST_ISSUES,
    TradeEvent,
    check_symbol,
    event_of,
    events_decoder,
    scale_price,
    scale_size,
)
from speed_layer.ingest.clock import AHEAD_MS, FeedClock
from speed_layer.ingest.elements import Repeated, elements_of, may_repeat_keys
from speed_layer.ingest.framer import CLOSED, Framer

MEMORY_S = 21 * 60
"""How much feed time the memory of identities covers at least, by the promise: it stands while a gap is refilled, and
what a refill repeats must still be known however far the feed has gone meanwhile."""
CHUNK = 1_000
LATEST_MS = 10**13
TABLE_LIMIT = 200_000
KINDS, KIND_LENGTH = 50, 40
"""Kinds of unknown events that are told apart."""
_NO_SESSION = SessionDay(date.min, 0, 0, 0, 0)
Identity = tuple[int, int, str]


class SymbolDay:
    """One symbol on one trade date: identities seen (to their price), and the part being filled."""

    __slots__ = ("generation", "part", "seen", "seen_before", "sym")

    def __init__(self, sym: str, generation: int) -> None:
        self.sym = sym
        self.generation = generation
        self.seen: dict[Identity, int] = {}
        self.seen_before: dict[Identity, int] = {}
        self.part = CLOSED

    def remember(self, identity: Identity, price: int, generation: int) -> None:
        """Identities count from the time at which their trade was accepted, which may be long after it was held."""
        if self.generation != generation:
            self.age_to(generation)
        self.seen[identity] = price

    def age_to(self, generation: int) -> None:
        """Forget identities older than one whole generation."""
        self.seen_before = self.seen if generation == self.generation + 1 else {}
        self.seen = {}
        self.generation = generation


class Candidate(NamedTuple):
    """A trade that is valid and no duplicate, with its exact price and size (scaled integer, text)."""

    event: TradeEvent
    state: SymbolDay
    session: SessionDay
    price: tuple[int, str]
    size: tuple[int, str]

    @property
    def identity(self) -> Identity:
        return self.event.x, self.event.trfi, self.event.i


class Intake:
    """Pure but for its framer. `host_ms` is the host's time (Unix ms) for live feeds, None for replays."""

    def __init__(self, sessions: SessionTable, framer: Framer, clock: FeedClock[Candidate]) -> None:
        self.clock = clock
        self.received = self.accepted = self.duplicates = self.unknown_conditions = 0
        self.quarantined: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.statuses: list[dict[str, Any]] = []
        """Status events of the frames taken so far, for the caller to act on and clear."""
        self.earliest_ms = 0
        """Smallest event time in the frame of a live feed taken last, whatever became of its trade; 0 without one."""
        self._sessions, self._framer = sessions, framer
        self._session = _NO_SESSION
        self._refilling = False
        self._generation, self._generation_from = 0, framer.promise
        self._days: dict[SessionDay, dict[str, SymbolDay]] = {}
        self._prices: dict[float, tuple[int, str]] = {}
        self._sizes: dict[float, tuple[int, str]] = {}
        self._effects: dict[bool, dict[tuple[int, ...], int]] = {True: {}, False: {}}

    def take(self, data: bytes | str, host_ms: int | None = None) -> None:
        """One frame of the socket."""
        try:
            events = events_decoder.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            events = self._sift(data)
        else:
            if may_repeat_keys(data, len(events)):
                events = self._sift(data)
        if host_ms is not None:
            self.earliest_ms = min([event.t for event in events], default=0)
        self.take_events(events, host_ms)

    def take_refill(self, events: list[TradeEvent]) -> None:
        """Trades that fill a gap: older than what the stream sends meanwhile, they prove nothing against it."""
        self._refilling = True
        try:
            self.take_events(events)
        finally:
            self._refilling = False

    def take_events(self, events: list[TradeEvent], host_ms: int | None = None) -> None:
        """Trades that are valid in shape, in order of arrival."""
        self.received += len(events)
        for start in range(0, len(events), CHUNK):
            self._age()
            self._take_chunk(events[start : start + CHUNK], host_ms)
            self._framer.flush_full()

    def remember(self, sym: str, t: int, identity: Identity, price: int) -> None:
        """A trade that is in the stream already (recovery): the same identity again is a duplicate."""
        session = self._sessions.day_of(t)
        if session is not None:
            self._state_of(sym, session).remember(identity, price, self._generation)

    def end(self) -> None:
        """The feed has ended: held trades are taken."""
        for held in self.clock.drain():
            self._add(held)

    @property
    def waiting(self) -> int:
        """Trades received and not yet decided on."""
        return len(self.clock.held)

    def _take_chunk(  # noqa: C901, PLR0912, PLR0915 -- the hot path is one flat loop
        self, events: list[TradeEvent], host_ms: int | None
    ) -> None:
        clock, session = self.clock, self._session
        start, end, opening, closing = _bounds(session)
        states, regular, extended = self._states_of(session), self._effects[True], self._effects[False]
        prices, sizes, open_part = self._prices, self._sizes, self._framer.part
        generation = self._generation
        latest = LATEST_MS if host_ms is None else host_ms + AHEAD_MS
        newest, limit, held = self._position(latest)
        accepted = 0
        for event in events:
            t = event.t
            try:
                if not start <= t < end:
                    session = self._session_of(t)
                    start, end, opening, closing = _bounds(session)
                    states = self._states_of(session)
                state = states.get(event.sym) or self._state_of(event.sym, session)
                price = prices.get(event.p) or _learn(prices, event.p, scale_price(event.p))
                if event.ds is None:
                    size = sizes.get(event.s) or _learn(sizes, event.s, scale_size(event.s))
                else:
                    size = scale_size(event.s, event.ds)
            except InvalidRecord as error:
                self._refuse(event, error.reason)
                continue
            if state.generation != generation:
                state.age_to(generation)
            identity = (event.x, event.trfi, event.i)
            known = state.seen.get(identity)
            if known is None and state.seen_before:
                known = state.seen_before.get(identity)
            if known is not None:
                if known == price[0]:
                    self.duplicates += 1
                else:
                    self._refuse(event, "conflict")
                continue
            state.seen[identity] = price[0]
            if t > limit or held:
                clock.accepted(newest)
                taken = self._admit(Candidate(event, state, session, price, size), host_ms)
                newest, limit, held = self._position(latest)
                if not taken:
                    continue
            elif t > newest:
                newest, limit = t, min(t + AHEAD_MS, latest)
            sec = t // 1000
            part = state.part
            if part.sec != sec:
                part = state.part = open_part(state.sym, sec)
            effect = (regular if opening <= t < closing else extended).get(event.c)
            if effect is None or effect & UNKNOWN:
                effect = self._effect(event.c, session.is_regular(t))
            part.rows.append((t, event.q, price[0], size[0], effect if size[0] else NOTHING))
            part.trades.append((t, event.q, event.x, event.trfi, event.i, price[1], size[1], event.c, event.z))
            accepted += 1
        self.accepted += accepted
        clock.accepted(newest)
        self._session = session

    def _admit(self, candidate: Candidate, host_ms: int | None) -> bool:
        """Whether a trade may be taken that is ahead, or comes while others wait."""
        clock, t = self.clock, candidate.event.t
        if host_ms is not None and t > host_ms + AHEAD_MS:
            self._forget(candidate, "future")
            return False
        for held in clock.released_by(t):
            self._add(held)
        if clock.now_ms is not None and t > clock.limit_ms:
            clock.hold(t, candidate)
            return False
        clock.start(t, host_ms)
        if not self._refilling:
            for wrong in clock.refuted():
                self._forget(wrong, "future")
        clock.accepted(t)
        return True

    def _add(self, candidate: Candidate) -> None:
        """A held trade joins its part; the flat loop above does the same in place."""
        event, state, session, price, size = candidate
        state.remember(candidate.identity, price[0], self._generation)
        part = state.part = self._framer.part(state.sym, event.t // 1000)
        effect = self._effect(event.c, session.is_regular(event.t)) if size[0] else NOTHING
        part.rows.append((event.t, event.q, price[0], size[0], effect))
        part.trades.append((event.t, event.q, event.x, event.trfi, event.i, price[1], size[1], event.c, event.z))
        self.accepted += 1

    def _effect(self, conditions: tuple[int, ...], regular: bool) -> int:
        table = self._effects[regular]
        if len(table) >= TABLE_LIMIT:
            table.clear()
        effect = table[conditions] = effect_of(conditions, regular)
        if effect & UNKNOWN:
            self.unknown_conditions += 1
        return effect

    def _sift(self, data: bytes | str) -> list[TradeEvent]:
        """A frame that is not trades alone: its valid trades; the rest is quarantined, counted by kind, or a status."""
        events = []
        for element in elements_of(data):
            if isinstance(element, bytes):
                self.refuse("frame", element)
                continue
            kind = element.get("ev", "no_ev") if isinstance(element, dict) else "not_an_object"
            if isinstance(element, Repeated):
                self.refuse("repeated_key", json.dumps(element).encode())
            elif kind == "status":
                self.statuses.append(element)
            elif kind != "T":
                self._ignore(str(kind))
            else:
                try:
                    events.append(event_of(element))
                except InvalidRecord as error:
                    self.refuse(error.reason, json.dumps(element).encode())
        return events

    def _ignore(self, kind: str) -> None:
        """Count an event that is no trade. The counts become an item of a table: few kinds, short and printable."""
        name = kind[:KIND_LENGTH].encode("ascii", "backslashreplace").decode() or "empty"
        self.ignored[name if name in self.ignored or len(self.ignored) < KINDS else "other"] += 1

    def _refuse(self, event: TradeEvent, reason: str) -> None:
        self.quarantined[reason] += 1
        self._framer.quarantine(reason, msgspec.json.encode(event))

    def refuse(self, reason: str, data: bytes) -> None:
        """Count input that was received and is no trade; its bytes go to quarantine."""
        self.received += 1
        self.quarantined[reason] += 1
        self._framer.quarantine(reason, data)

    def _forget(self, candidate: Candidate, reason: str) -> None:
        for seen in (candidate.state.seen, candidate.state.seen_before):  # it may have aged while it waited
            seen.pop(candidate.identity, None)
        self._refuse(candidate.event, reason)

    def _session_of(self, t: int) -> SessionDay:
        session = self._sessions.day_of(t)
        if session is None:
            raise InvalidRecord("no_session")
        return session

    def _states_of(self, session: SessionDay) -> dict[str, SymbolDay]:
        states = self._days.get(session)
        if states is None:
            horizon = (self._framer.promise - 2 * MEMORY_S) * 1000
            self._days = {day: kept for day, kept in self._days.items() if day.end > horizon}
            states = self._days[session] = {}
        return states

    def _state_of(self, sym: str, session: SessionDay) -> SymbolDay:
        states = self._states_of(session)
        if sym not in states:
            if sym in TEST_ISSUES:
                raise InvalidRecord("test_issue")
            states[sym] = SymbolDay(check_symbol(sym), self._generation)
        return states[sym]

    def _position(self, latest: int) -> tuple[int, int, int]:
        """Clock, the last time that is taken at once, and how many wait. `latest`: where the host's time ends that;
        else small steps would lead the clock away from it."""
        return self.clock.now_ms or 0, min(self.clock.limit_ms, latest), len(self.clock.held)

    def _age(self) -> None:
        """Begin a new generation of identities when the promise has come far enough; the last but one is forgotten."""
        if self._framer.promise >= self._generation_from + MEMORY_S:
            self._generation, self._generation_from = self._generation + 1, self._framer.promise


def _bounds(session: SessionDay) -> tuple[int, int, int, int]:
    return session.start, session.end, session.regular_open, session.regular_close


def _learn(table: dict[float, tuple[int, str]], number: float, value: tuple[int, str]) -> tuple[int, str]:
    if len(table) >= TABLE_LIMIT:
        table.clear()
    table[number] = value
    return value
