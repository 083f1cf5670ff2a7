"""A rule over what is stored: the evaluation of the running platform, on trades and bars read by the API."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from local_dev.cli.api_client import ApiClient
from local_dev.cli.errors import WrongInput
from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS, parse_scaled
from shared.bars.sessions import SIMULATED, XNYS, SessionTable, sessions_named
from shared.bars.windows import MINUTE_MS, STREAM_TIMEFRAMES, new_york_midnight_ms
from shared.frames import TradeRow
from shared.models.alert import Crossing, PriceCross, Rule, State, StoredRule, StrategySignal
from shared.models.bar import Bar
from speed_layer.alerts.bars import observe, observe_signal, timeframe_of, window_of
from speed_layer.alerts.evaluate import Observation, evaluate_all
from speed_layer.alerts.trades import observations
from speed_layer.signals.config import Configured, configured
from speed_layer.signals.judge import judge_times

DAY_MS = 86_400_000
BEFORE_DAYS = 5
"""Read before the first day at least: a move or an indicator looks back over a long weekend."""
SESSION_S = 23_400


class Replay(NamedTuple):
    """What a rule would have told, and how many of what were looked at."""

    crossings: list[Crossing]
    looked_at: int
    kind: str


def replay(client: ApiClient, rule: Rule, first: date, last: date) -> Replay:
    """New York dates, both included. Price rules look at trades while they are stored (72 hours), before those at the
    open, high, low and close of minutes: an estimate, since their order within a minute is not known. Raises
    WrongInput."""
    start, end = new_york_midnight_ms(first), new_york_midnight_ms(last + timedelta(days=1))
    if start >= end:
        raise WrongInput(f"--from must not be after --to, was {first}.")
    sessions = sessions_named(SIMULATED if client.feed().get("simulated") else XNYS)
    if isinstance(rule.when, PriceCross):
        return _of_prices(client, rule, start, end, sessions)
    return _told(rule, list(_seen(client, rule, start, end, sessions)), f"bars of {timeframe_of(rule.when)}")


def _of_prices(client: ApiClient, rule: Rule, start: int, end: int, sessions: SessionTable) -> Replay:
    """Minutes that end before the one of the first stored trade, then trades."""
    rows = list(map(row_of, client.trades(rule.ticker, start, end)))
    stored_from = rows[0].t - rows[0].t % MINUTE_MS if rows else end
    corners: list[Observation] = []
    if start < stored_from:
        minutes = client.bars(rule.ticker, 1, "minute", str(start), str(stored_from - 1), adjusted=False)
        corners = list(_corners(map(bar_of, minutes), sessions))
    trades = list(observations(rows, sessions, f"{stored_from:013d}"))  # behind the positions of those minutes
    kinds = {"prices of minutes, an estimate": corners or not rows, "trades": rows}
    kind = ", then ".join(name for name, some in kinds.items() if some)
    return _told(rule, corners + trades, kind if rows else f"{kind}: no trades are stored")


def _told(rule: Rule, seen: list[Observation], kind: str) -> Replay:
    _, found = evaluate_all(StoredRule("test", "test", 1, rule, 0, 0), State(), seen)
    return Replay(found, len(seen), kind)


def _seen(client: ApiClient, rule: Rule, start: int, end: int, sessions: SessionTable) -> Iterator[Observation]:
    tf, when = timeframe_of(rule.when), rule.when
    strategies = [one for one in configured() if isinstance(when, StrategySignal) and one.name == when.strategy]
    judging = [one for one in strategies if one.judges(rule.ticker, tf)]
    if isinstance(when, StrategySignal) and not judging:
        raise WrongInput(f"no strategy {when.strategy} looks at {tf} bars of {rule.ticker}.")
    width = max((one.strategy.window(tf) for one in judging), default=window_of(when))
    sessions_before = width * STREAM_TIMEFRAMES[tf] // SESSION_S + 1
    since = start - (sessions_before * 7 // 5 + BEFORE_DAYS) * DAY_MS
    seconds = STREAM_TIMEFRAMES[tf]
    span = (seconds // 3600, "hour") if seconds >= 3600 else (seconds // 60, "minute")
    bars = list(map(bar_of, client.bars(rule.ticker, *span, str(since), str(end - 1), adjusted=False)))
    for bar in bars:
        if bar.t >= start:
            yield from _of_bar(rule, bars, bar.t, judging, sessions)


def _of_bar(
    rule: Rule, bars: list[Bar], t: int, judging: list[Configured], sessions: SessionTable
) -> Iterable[Observation]:
    if isinstance(rule.when, StrategySignal):
        judged = judge_times(judging, rule.ticker, rule.when.timeframe, bars, [t], sessions)
        return [observe_signal(signal, sessions) for signal in judged.values() if signal is not None]
    seen = observe(rule.when, bars, t, sessions)
    return [] if seen is None else [seen]


def _corners(minutes: Iterable[Bar], sessions: SessionTable) -> Iterator[Observation]:
    """A minute that rises is taken to have had its low first."""
    for bar in minutes:
        day = sessions.day_of(bar.t)
        ends = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
        for number, price in enumerate((bar.open, *ends, bar.close)):
            shown = str(Decimal(price).scaleb(-PRICE_DIGITS).normalize())
            regular = day is not None and day.is_regular(bar.t)
            yield Observation(f"{bar.t:013d}-{number}", f"{bar.t}.{number}", bar.t, price, shown, regular)


def bar_of(fields: dict[str, Any]) -> Bar:
    """A bar as the API writes it."""
    first, high, low, last = (parse_scaled(str(fields[name]), PRICE_DIGITS) for name in "ohlc")
    return Bar(
        fields["t"], first, high, low, last, parse_scaled(str(fields["v"]), SIZE_DIGITS), None, fields.get("n", 0)
    )


def row_of(fields: dict[str, Any]) -> TradeRow:
    """A trade as the API writes it."""
    return TradeRow(
        t=fields["sip_timestamp"] // 10**6,
        q=fields["sequence_number"],
        x=fields["exchange"],
        trfi=fields.get("trf_id", 0),
        i=fields["id"],
        p=format(fields["price"], "f"),
        s=format(Decimal(fields["size"]), "f"),
        c=tuple(fields.get("conditions", ())),
        z=fields.get("tape", 0),
    )
