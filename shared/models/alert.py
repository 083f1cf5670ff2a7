"""Alert rules, what is remembered of each, and what they find: crossings.

A rule watches one symbol. Its condition gives a value for each trade (price) or closed bar (the rest) and fires when
the value comes to a level from the other side of a band: `hysteresis` is how far it has to go back before it can fire
again. Amounts are plain decimal text, exact.
"""

import re
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from shared.models.signal import Side

Amount = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?\Z")]
Signed = Annotated[str, Meta(pattern=r"^-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?\Z")]
Direction = Literal["up", "down", "either"]
AlertTimeframe = Literal["1m", "5m", "15m", "30m", "1h"]
StrategyName = Literal["ema_channel", "rsi_reversal", "macd_cross", "opening_range_breakout", "volume_spike"]
Reader = Literal["live", "signals"]
"""Which stream function evaluates a rule."""

MOST_COOLDOWN_S: Final = 7 * 86_400
AMOUNTS: Final = frozenset({"level", "hysteresis", "percent"})
"""Fields that are numbers for users."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class _Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """One kind of condition; ValueError where its fields do not fit one another."""


class PriceCross(_Condition, frozen=True, forbid_unknown_fields=True, tag="price"):
    """The price of trades comes to `level` (USD): `up` from below, `down` from above."""

    level: Amount
    direction: Direction = "either"
    hysteresis: Amount = "0"

    def __post_init__(self) -> None:
        _positive(level=self.level)
        if float(self.hysteresis) >= float(self.level):
            raise ValueError("hysteresis must be less than level")


class Move(_Condition, frozen=True, forbid_unknown_fields=True, tag="move"):
    """The close of a minute is `percent` over or under the last close at least `minutes` before it."""

    percent: Amount
    minutes: Annotated[int, Meta(ge=1, le=390)]
    direction: Direction = "either"
    hysteresis: Amount = "0"

    def __post_init__(self) -> None:
        _positive(percent=self.percent)
        if float(self.hysteresis) > float(self.percent):
            raise ValueError("hysteresis must not be more than percent")


class IndicatorCross(_Condition, frozen=True, forbid_unknown_fields=True, tag="indicator"):
    """An indicator of closed bars comes to `level`. `rsi`: 0 to 100. `sma`, `ema`: by how many percent the close is
    over the average. `macd`: the line less its signal line, in USD; 12, 26, 9, `period` is not used."""

    indicator: Literal["rsi", "sma", "ema", "macd"]
    timeframe: AlertTimeframe
    level: Signed
    period: Annotated[int, Meta(ge=2, le=200)] = 14
    direction: Direction = "either"
    hysteresis: Amount = "0"


class StrategySignal(_Condition, frozen=True, forbid_unknown_fields=True, tag="signal"):
    """A strategy says `side` of a closed bar."""

    strategy: StrategyName
    timeframe: AlertTimeframe
    side: Literal["buy", "sell", "either"] = "either"


Condition = PriceCross | Move | IndicatorCross | StrategySignal


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to watch and how often to tell. `cooldown_s` (event time) follows each crossing that was told: what crosses
    in it is passed over. `session`: trades and bars that are looked at at all. `expires`: Unix ms of event time, from
    then on nothing is; None for never."""

    ticker: str
    when: Condition
    repeat: Literal["once", "every"] = "once"
    cooldown_s: Annotated[int, Meta(ge=1, le=MOST_COOLDOWN_S)] = 60
    session: Literal["any", "regular", "extended"] = "any"
    expires: Annotated[int, Meta(ge=10**11, lt=10**13)] | None = None
    note: Annotated[str, Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        if _CONTROL.search(self.note):
            raise ValueError("note must be one line of text")

    @property
    def reader(self) -> Reader:
        return "live" if isinstance(self.when, PriceCross) else "signals"


class StoredRule(NamedTuple):
    """A rule of an owner (the id of the key that made it). An edit gives it the next `version`, which begins anew:
    nothing is remembered of the one before. Times: Unix ms of the host."""

    id: str
    owner: str
    version: int
    rule: Rule
    created_ms: int
    changed_ms: int


class State(NamedTuple):
    """What is remembered of a rule's version. `armed`: the directions in which it can fire, of `u` and `d`.

    `position` and `t` (event time, Unix ms): of the observation that last changed the state; what does not lie behind
    it in the stream has been looked at. `fired_ms`: event time of the last crossing that was told, -1 for none yet.
    """

    armed: str = ""
    position: str = ""
    t: int = -1
    fired_ms: int = -1
    done: bool = False


class Crossing(NamedTuple):
    """A rule's condition came true, once. `id` names rule, version and the trade or bar: the same whenever and however
    often it is found. `t`: event time of the trade, or start of the bar, Unix ms; `value`: decimal text, or the side of
    a signal."""

    id: str
    rule: str
    version: int
    owner: str
    sym: str
    type: str
    direction: Literal["up", "down"] | Side
    value: str
    t: int
    note: str = ""


class StoredCrossing(NamedTuple):
    """`known_at`: when it was stored, Unix ms of the host."""

    crossing: Crossing
    known_at: int


def type_of(condition: Condition) -> str:
    """`price`, `move`, `indicator` or `signal`."""
    return str(condition.__struct_config__.tag)


def rule_form(rule: Rule) -> dict[str, Any]:
    """A rule in the words of the API: amounts are numbers with every digit."""
    form: dict[str, Any] = msgspec.to_builtins(rule)
    when = form["when"]
    form["when"] = {name: msgspec.Raw(value.encode()) if name in AMOUNTS else value for name, value in when.items()}
    return form


def crossing_form(stored: StoredCrossing) -> dict[str, Any]:
    """A crossing in the words of the API and of messages."""
    one = stored.crossing
    return {
        "id": one.id,
        "alert": one.rule,
        "version": one.version,
        "ticker": one.sym,
        "type": one.type,
        "direction": one.direction,
        "value": one.value,
        "t": one.t,
        "note": one.note,
        "known_at": stored.known_at,
    }


def _positive(**amounts: str) -> None:
    for name, value in amounts.items():
        if not value.strip("0."):
            raise ValueError(f"{name} must be more than 0")
