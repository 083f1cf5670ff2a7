"""One observation against one rule: pure, the same for live, redelivery and replay.

A state says up to where it has come only when it changes. Between two changes every observation left it as it was, so
to look at them again changes nothing: any part of the stream may be delivered again, from any point.
"""

import hashlib
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from shared.bars.scale import PRICE_SCALE
from shared.models.alert import (
    Condition,
    Crossing,
    Move,
    PriceCross,
    State,
    StoredRule,
    StrategySignal,
    type_of,
)
from shared.models.signal import Side

UP: Final = "u"
DOWN: Final = "d"


class Observation(NamedTuple):
    """What a rule looks at. `position`: text whose order is that of the stream; `key`: names the trade or bar.

    `t`: event time, Unix ms. `value`: of a price rule in 10^-9 USD, of a move or indicator its value, of a signal its
    side; `shown`: the same for people, decimal text.
    """

    position: str
    key: str
    t: int
    value: int | float | Fraction | Side
    shown: str
    regular: bool


class Band(NamedTuple):
    """A value fires upwards at `up` or more once it was under `up_arm`; downwards at `down` or less once it was over
    `down_arm`."""

    up: int | Fraction
    up_arm: int | Fraction
    down: int | Fraction
    down_arm: int | Fraction


@lru_cache(maxsize=1 << 14)
def band_of(condition: Condition) -> Band | None:
    """Its levels in the unit of its values; None for a condition without levels."""
    if isinstance(condition, StrategySignal):
        return None
    back = Fraction(condition.hysteresis)
    if isinstance(condition, Move):
        reach = Fraction(condition.percent)
        return Band(reach, reach - back, -reach, back - reach)
    level = Fraction(condition.level)
    if isinstance(condition, PriceCross):  # both have nine decimals at most
        price, step = int(level * PRICE_SCALE), int(back * PRICE_SCALE)
        return Band(price, price - step, price, price + step)
    return Band(level, level - back, level, level + back)


def evaluate(stored: StoredRule, state: State, seen: Observation) -> tuple[State, Crossing | None]:
    """The state after an observation, and the crossing if there is one to be told of.

    Left alone: what the stream had before the observation that last changed the state, and what is older than it by
    event time, such as a trade that overtook others.
    """
    rule = stored.rule
    if state.done or seen.position <= state.position or seen.t < state.t or not _looks_at(stored, seen):
        return state, None
    band = band_of(rule.when)
    direction: Literal["up", "down"] | Side | None
    if band is None:
        direction, armed = _side(rule.when, seen), state.armed
    else:
        direction, armed = _crossed(band, rule.when, state.armed, seen)
    if direction is None and armed == state.armed:
        return state, None
    state = state._replace(armed=armed, position=seen.position, t=seen.t)
    if direction is None or (state.fired_ms >= 0 and seen.t - state.fired_ms < rule.cooldown_s * 1000):
        return state, None
    crossing = Crossing(
        crossing_id(stored, seen.key),
        stored.id,
        stored.version,
        stored.owner,
        rule.ticker,
        type_of(rule.when),
        direction,
        seen.shown,
        seen.t,
        rule.note,
    )
    return state._replace(fired_ms=seen.t, done=rule.repeat == "once"), crossing


def evaluate_all(stored: StoredRule, state: State, seen: Iterable[Observation]) -> tuple[State, list[Crossing]]:
    """One after the other, in the order of the stream."""
    found = []
    for one in seen:
        state, crossing = evaluate(stored, state, one)
        if crossing is not None:
            found.append(crossing)
    return state, found


def crossing_id(stored: StoredRule, key: str) -> str:
    """24 hex digits: equal for the same rule, version and trade or bar, everywhere and always."""
    return hashlib.blake2b(f"{stored.id}|{stored.version}|{key}".encode(), digest_size=12).hexdigest()


def _looks_at(stored: StoredRule, seen: Observation) -> bool:
    rule = stored.rule
    if rule.expires is not None and seen.t >= rule.expires:
        return False
    return rule.session == "any" or (rule.session == "regular") == seen.regular


def _side(condition: Condition, seen: Observation) -> Side | None:
    wanted = condition.side if isinstance(condition, StrategySignal) else "either"
    if seen.value == "buy" and wanted != "sell":
        return "buy"
    return "sell" if seen.value == "sell" and wanted != "buy" else None


def _crossed(
    band: Band, condition: Condition, armed: str, seen: Observation
) -> tuple[Literal["up", "down"] | None, str]:
    """The direction in which the value has crossed, and those in which it can from now on."""
    value = seen.value
    if isinstance(condition, StrategySignal) or isinstance(value, str):
        return None, armed
    direction: Literal["up", "down"] | None = None
    if condition.direction != "down":
        if value < band.up_arm:
            armed = armed if UP in armed else UP + armed
        elif value >= band.up and UP in armed:
            direction, armed = "up", armed.replace(UP, "")
    if condition.direction != "up":
        if value > band.down_arm:
            armed = armed if DOWN in armed else armed + DOWN
        elif value <= band.down and DOWN in armed:
            direction, armed = "down", armed.replace(DOWN, "")
    return direction, armed
