"""Rules over bars, evaluated by the signals function: as it runs in a market with late trades, kills and refusals."""

from typing import Any

import pytest

from shared.bars.algebra import present
from shared.frames import decode_bars, partial_from_wire
from shared.models.alert import Crossing, IndicatorCross, Move, State, StoredRule, StrategySignal
from shared.stores.rings import ClosedBar
from speed_layer.alerts.bars import observe, observe_signal, timeframe_of
from speed_layer.alerts.closed import BarAlerts
from speed_layer.alerts.evaluate import Observation, evaluate_all
from speed_layer.alerts.service import Alerts
from speed_layer.revise import ENGINE as REVISED
from speed_layer.signals.judge import judge_times
from speed_layer.signals.ring import Ring
from speed_layer.signals.service import Edges
from tests.effort import at_most
from tests.fakes.alert_rows import AlertRows
from tests.unit.speed_layer.alerts.rules import stored
from tests.unit.speed_layer.signals.market import Faulty, Market

MINUTES = 40
RULES = [
    stored(Move("2", 3), id_="move"),
    stored(Move("3", 5, "up", "1"), id_="up", ticker="BAC"),
    stored(IndicatorCross("rsi", "1m", "60", 2), id_="rsi"),
    stored(IndicatorCross("sma", "30m", "0", 2), id_="half"),
    stored(StrategySignal("volume_spike", "1m"), id_="spike", repeat="once"),
    stored(StrategySignal("rsi_reversal", "1m", "buy"), id_="buys", ticker="BAC"),
]


class Watched(Market):
    """A market whose signals function evaluates rules too."""

    def __init__(self, seed: int, faults: float = 0.0) -> None:
        self.alerts = AlertRows()
        for rule in RULES:
            self.alerts.put_rule(rule)
        super().__init__(seed, faults)

    def new_process(self) -> Edges:
        edges = super().new_process()
        store: Any = Faulty(self.alerts, self._maybe)
        alerts = Alerts("signals", store, lambda: 0)
        rows: Any = Faulty(self.world.rows, self._maybe)
        return edges._replace(alerts=BarAlerts(alerts, rows, self.sessions))

    def fired(self) -> list[Crossing]:
        return sorted((one.crossing for one in self.alerts.fired.values()), key=lambda one: (one.rule, one.t))

    def in_one_go(self) -> list[Crossing]:
        """What the stream says, read once from its beginning: each bar as it was when the engine closed it."""
        found = [one for rule in RULES for one in evaluate_all(rule, State(), self._seen(rule))[1]]
        return sorted(found, key=lambda one: (one.rule, one.t))

    def _seen(self, rule: StoredRule) -> list[Observation]:
        ring, seen, when = Ring(10**6), [], rule.rule.when
        for window in (one for data in self.world.bars.records() for one in decode_bars(data)):
            if (window.sym, window.tf) != (rule.rule.ticker, timeframe_of(when)):
                continue
            ring.take(ClosedBar(window.t, window.partial.count, window.rev, partial_from_wire(window.partial)))
            if window.engine == REVISED or present(window.t, partial_from_wire(window.partial)) is None:
                continue
            if isinstance(when, StrategySignal):
                judged = judge_times(self.strategies, window.sym, window.tf, ring.bars, [window.t], self.sessions)
                said = [one for one in judged.values() if one is not None and one.strategy == when.strategy]
                seen += [observe_signal(one, self.sessions) for one in said]
            elif (one := observe(when, ring.bars, window.t, self.sessions)) is not None:
                seen.append(one)
        return seen


@pytest.mark.parametrize("faults", [0.0, 0.01, 0.03])
@pytest.mark.parametrize("seed", range(at_most(40, 2)))
def test_live_and_replay_find_the_same_crossings_whatever_is_killed_or_refused(seed: int, faults: float) -> None:
    market = Watched(seed, faults)
    market.lateness = 0.0
    market.run(MINUTES)
    assert market.fired() == market.in_one_go()
    assert len(market.fired()) > 5
    assert bool(faults) == bool(market.kills + market.refusals)


@pytest.mark.parametrize("seed", range(at_most(20, 2)))
def test_late_trades_fire_nothing_by_themselves(seed: int) -> None:
    """No bar is told of twice, and none that the engine had not closed with an open."""
    market = Watched(seed, 0.02)
    market.run(MINUTES)
    assert min(market.kills, market.refusals) > 0
    assert len(market.fired()) > 5
    assert len({(one.rule, one.t) for one in market.fired()}) == len(market.fired())
    closed = {
        (one.sym, one.t)
        for data in market.world.bars.records()
        for one in decode_bars(data)
        if one.engine != REVISED and one.partial.first
    }
    assert {(one.sym, one.t) for one in market.fired()} <= closed
    done = [one for one in market.fired() if one.rule == "spike"]
    assert len(done) == 1, "once"
