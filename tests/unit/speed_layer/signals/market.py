"""A small market through the product's own engine, `live`, `persist` and signals function, over stores in memory.

Everything random comes from one seed. Late trades reach the bars stream, as revisions, no more than 15 minutes after
their bar: for those, and for those only, live and replay must agree.
"""

import random
from collections.abc import Callable
from typing import Any, cast

from shared.bars.algebra import prepare, present
from shared.bars.sessions import sessions_named
from shared.bars.windows import late_rank
from shared.errors import RetryableError, StoreUnavailable
from shared.frames import VERSION, BarRecord, Part, decode_bars, encode, partial_from_wire, partial_to_wire
from shared.models.bar import Bar
from shared.models.signal import Signal
from shared.models.trade import Trade
from shared.stores.rings import Key, Rings
from speed_layer.engine.python import NAME, PythonEngine
from speed_layer.kinesis_event import StreamRecord
from speed_layer.signals.closed import ClosedBars
from speed_layer.signals.config import configured
from speed_layer.signals.handler import kept_bars
from speed_layer.signals.judge import judge_times
from speed_layer.signals.service import Edges, Marks, handle
from tests.fakes.kinesis import Killed, Kinesis, name
from tests.fakes.ring_rows import RingRows
from tests.fakes.signal_rows import SignalRows
from tests.unit.speed_layer.consumers import ARRIVED, NOW_S, Consumers, kept
from tests.unit.speed_layer.feed import S0

SYMBOLS = ("SPY", "BAC")
LATEST_S = 8 * 60
BEHIND = 3
"""How late a trade may be in this market, and how many minutes `live` and `persist` may be behind on top of it."""
STRATEGIES = """[
  {"strategy": "ema_channel", "timeframes": ["1m", "5m"], "params": {"fast": 2, "near": 3, "far": 5}},
  {"strategy": "rsi_reversal", "timeframes": ["1m"], "params": {"period": 2, "low": 40, "high": 60}},
  {"strategy": "macd_cross", "timeframes": ["1m"], "params": {"fast": 2, "slow": 3, "signal": 2}},
  {"strategy": "opening_range_breakout", "timeframes": ["5m"], "params": {"range_minutes": 5, "session_minutes": 20}},
  {"strategy": "volume_spike", "timeframes": ["1m", "5m"], "params": {"bars": 2, "factor": 1.5}}
]"""


class Faulty:
    """Stands before a store: `hook` is asked before and after every call and may raise."""

    def __init__(self, target: Any, hook: Callable[[], None]) -> None:
        self._target, self._hook = target, hook

    def __getattr__(self, method: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self._hook()
            answer = getattr(self._target, method)(*arguments, **named)
            self._hook()
            return answer

        return call


class Market:
    """Minutes of trading, and readers that come after them. `faults`: how often a call of a store fails, of 1;
    `lateness`: how often a minute of a symbol brings a late trade."""

    def __init__(self, seed: int, faults: float = 0.0) -> None:
        self.draw = random.Random(seed)
        self.world = Consumers(Kinesis(1), Kinesis(1))
        self.strategies = configured(STRATEGIES)
        self.sessions = sessions_named("XNYS")
        self.signals = SignalRows()
        self.kept = kept_bars(self.strategies)
        self.cache = RingRows(self.kept)
        self.rings = cast(Rings, self.cache)
        self.faults, self.lateness = faults, 0.4
        self.kills = self.refusals = self.cache_faults = 0
        self.minute = 0
        self._engine = PythonEngine()
        self._frames = 0
        self._read = {"live": 0, "persist": 0, "signals": 0}
        self._born: dict[str, list[int]] = {"trades": [], "bars": []}
        self.edges = self.new_process()

    def new_process(self) -> Edges:
        """The signals function as it starts: what an earlier one remembered is gone."""
        return Edges(
            control=cast(Marks, Faulty(self.world.control, self._maybe)),
            closed=ClosedBars(self.rings, Faulty(self.world.rows, self._maybe), self.kept),
            minutes=Faulty(self.world.rows, self._maybe),
            store=Faulty(self.signals, self._maybe),
            lake=self.world.lake,
            strategies=self.strategies,
            sessions=self.sessions,
            now_ms=lambda: NOW_S * 1000,
            sleep=self._while_waiting,
        )

    def run(self, minutes: int) -> None:
        """Trade, with readers at their own pace, then let every reader come to the end."""
        for _ in range(minutes):
            self._trade_a_minute()
            for kind in ("live", "persist"):
                while self._behind(kind) > BEHIND or self.draw.random() < 0.5:
                    if not self._step(kind):
                        break
            while self.draw.random() < 0.7:
                self.take_signals()
            self._hurt_cache()
        self.drain()

    def drain(self) -> None:
        while self._step("live") or self._step("persist") or self.take_signals():
            pass

    def take_signals(self) -> bool:
        """A batch of the signals function, again until it is handled, cut up at times as Lambda does."""
        start = self._read["signals"]
        batch = self._records("bars", start, start + self.draw.randint(1, 12))
        if not batch:
            return False
        while True:
            try:
                handle(batch, self.edges)
            except Killed:
                self.kills += 1
                self.edges = self.new_process()
            except RetryableError:
                self.refusals += 1
            else:
                if self.draw.random() < 0.9:
                    break
                continue  # the answer is lost, so it is delivered again
            batch = batch[: self.draw.randint(1, len(batch))]
        self._read["signals"] = start + len(batch)
        return True

    def stored(self) -> int:
        """How many signals the function says that it has stored."""
        return self.world.control.progress("signals").stored

    def active(self) -> dict[str, Signal]:
        return {row.id: row.signal for row in self.signals.rows.values() if row.status == "active"}

    def expected(self) -> dict[str, Signal]:
        """What the final bars of the stream say, judged in one go."""
        bars: dict[Key, list[Bar]] = {}
        finals = kept([one for data in self.world.bars.records() for one in decode_bars(data)])
        for (sym, tf, t), partial in sorted(finals.items()):
            bar = present(t, partial_from_wire(partial))
            if bar is not None:
                bars.setdefault((sym, tf), []).append(bar)
        judged = [
            judge_times(self.strategies, *key, of_key, [one.t for one in of_key], self.sessions)
            for key, of_key in bars.items()
        ]
        return {id_: signal for one in judged for id_, signal in one.items() if signal is not None}

    def _trade_a_minute(self) -> None:
        """Trades of a minute and late ones of those before, then the bars that its end closes."""
        promise = S0 + self.minute * 60
        for sym in SYMBOLS:
            for _ in range(self.draw.choice((0, 1, 2, 2, 3))):
                self._frame(sym, promise + self.draw.randrange(60), promise)
            if self.draw.random() < self.lateness:
                self._frame(sym, max(S0, promise - self.draw.randrange(1, LATEST_S)), promise)
        promise += 60
        rows = [
            BarRecord(VERSION, w.sym, w.tf, w.start * 1000, partial_to_wire(w.partial), 0, NAME, promise)
            for w in self._engine.close(promise)
        ]
        while rows:
            count = self.draw.randint(1, len(rows))
            self.world.edges.bars_out([(0, encode(rows[:count]))])
            rows = rows[count:]
        self.minute += 1
        self._note_births()

    def _frame(self, sym: str, sec: int, promise: int) -> None:
        """A part of one trade; one in eight updates volume alone."""
        self._frames += 1
        session = self.sessions.day_of(sec * 1000)
        assert session is not None
        price, size = self.draw.randint(95, 105) * 10**9, self.draw.randint(1, 9) * 10**6
        conditions = (52,) if self.draw.random() < 0.125 else ()
        trade = Trade(sym, sec * 1000, self._frames, 4, 0, str(self._frames), price, size, conditions, 1)
        partial, late = prepare(trade, session), late_rank(sec, promise)
        self._engine.add(sym, sec, late, partial)
        if late:
            part = Part(VERSION, f"1-0-{self._frames}", sym, sec, partial_to_wire(partial), late)
            self.world.trades.shards[0].append(("0", encode([part])))

    def _step(self, kind: str) -> bool:
        """A batch of another reader; False when there is nothing for it."""
        start = self._read[kind]
        batch = self._records("trades" if kind == "live" else "bars", start, start + self.draw.randint(1, 6))
        if batch:
            self.world.handle(kind, batch)
            self._note_births()
        self._read[kind] = start + len(batch)
        return bool(batch)

    def _while_waiting(self, seconds: float) -> None:
        """The table catches up meanwhile."""
        self._step("persist")

    def _records(self, stream: str, start: int, end: int) -> list[StreamRecord]:
        shard = getattr(self.world, stream).shards[0]
        return [StreamRecord(name(0), f"{n}", ARRIVED, data) for n, (_, data) in enumerate(shard[start:end], start + 1)]

    def _behind(self, kind: str) -> int:
        """Minutes since the oldest record that a reader has not had was put."""
        born = self._born["trades" if kind == "live" else "bars"]
        return self.minute - born[self._read[kind]] if self._read[kind] < len(born) else 0

    def _note_births(self) -> None:
        for stream, born in self._born.items():
            born.extend([self.minute] * (len(getattr(self.world, stream).shards[0]) - len(born)))

    def _maybe(self) -> None:
        if self.draw.random() < self.faults:
            if self.draw.random() < 0.5:
                raise Killed
            raise StoreUnavailable("drawn")

    def _hurt_cache(self) -> None:
        """Now and then it is emptied, loses a ring, comes back as it was earlier, goes away or comes back."""
        if self.draw.random() < 10 * self.faults:
            self.cache_faults += 1
            cache = self.cache
            self.draw.choice((cache.empty, cache.forget, cache.remember, cache.go_back, self._toggle))()

    def _toggle(self) -> None:
        self.cache.down = not self.cache.down
