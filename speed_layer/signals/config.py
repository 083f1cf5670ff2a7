"""Which strategies judge what: a JSON list of {strategy, params, timeframes, symbols}.

`params` left out means the defaults, `symbols` is "*" (the default) or a list of tickers. What is packaged beside this
file holds where a deployment says nothing.
"""

from collections.abc import Iterable
from importlib import resources
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from shared.bars.windows import STREAM_TIMEFRAMES
from shared.errors import PermanentError
from shared.models.bar import Timeframe
from speed_layer.signals.strategies import (
    Channel,
    MacdCross,
    OpeningRangeBreakout,
    RsiReversal,
    Strategy,
    VolumeSpike,
)

_Timeframe = Literal["1m", "5m", "15m", "30m", "1h"]
_KINDS: dict[str, type[Channel | RsiReversal | MacdCross | OpeningRangeBreakout | VolumeSpike]] = {
    "ema_channel": Channel,
    "rsi_reversal": RsiReversal,
    "macd_cross": MacdCross,
    "opening_range_breakout": OpeningRangeBreakout,
    "volume_spike": VolumeSpike,
}


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    strategy: str
    timeframes: Annotated[list[_Timeframe], Meta(min_length=1)]
    params: msgspec.Raw = msgspec.Raw(b"{}")
    symbols: Literal["*"] | Annotated[list[str], Meta(min_length=1)] = "*"


class Configured(NamedTuple):
    """A strategy with its parameters (canonical JSON: every one of them, sorted) and what it judges."""

    name: str
    params: str
    strategy: Strategy
    timeframes: frozenset[Timeframe]
    symbols: frozenset[str] | None
    """None for all."""

    def judges(self, sym: str, tf: Timeframe) -> bool:
        return tf in self.timeframes and (self.symbols is None or sym in self.symbols)


def configured(text: str = "") -> tuple[Configured, ...]:
    """The strategies of a configuration; of the packaged one where the text is empty.

    Raises PermanentError naming the entry, the rule and what is wrong.
    """
    text = text or resources.files("speed_layer.signals").joinpath("strategies.json").read_text()
    try:
        rules = msgspec.json.decode(text, type=list[_Rule])
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise PermanentError(f"STRATEGIES must be a list of strategies: {error}") from error
    return tuple(_configured(number, rule) for number, rule in enumerate(rules))


def _configured(number: int, rule: _Rule) -> Configured:
    where = f"STRATEGIES entry {number} ({rule.strategy[:40]})"
    if rule.strategy not in _KINDS:
        raise PermanentError(f"{where}: strategy must be one of {', '.join(_KINDS)}")
    try:
        strategy = msgspec.json.decode(rule.params, type=_KINDS[rule.strategy])
    except msgspec.ValidationError as error:
        raise PermanentError(f"{where}: params: {error}") from error
    if unfit := [tf for tf in rule.timeframes if not strategy.fits(tf)]:
        raise PermanentError(f"{where}: timeframe {unfit[0]} does not fit its params")
    params = msgspec.json.encode(strategy, order="sorted").decode()
    symbols = None if rule.symbols == "*" else frozenset(rule.symbols)
    return Configured(rule.strategy, params, strategy, frozenset(rule.timeframes), symbols)


def longest_windows(strategies: Iterable[Configured]) -> dict[Timeframe, int]:
    """For each stream timeframe the most bars that any strategy looks at; 0 where none does."""
    strategies = list(strategies)
    return {
        tf: max((one.strategy.window(tf) for one in strategies if tf in one.timeframes), default=0)
        for tf in STREAM_TIMEFRAMES
    }
