"""A rule as a client writes it: strict JSON, whose every error names the field and its rule and repeats nothing."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from serving_layer.api.refusals import BadRequest, Refusal, Refused
from shared.bars.scale import PRICE_DIGITS, format_scaled, parse_scaled
from shared.errors import InvalidRecord
from shared.models.alert import AMOUNTS, MOST_COOLDOWN_S, Rule
from shared.polygon.trades import check_symbol

BODY_BYTES: Final = 8_192
TOO_LARGE: Final = Refusal(413, f"A body may have {BODY_BYTES} bytes at most.")
NOT_JSON: Final = Refusal(415, "The body must be sent as application/json.")
_AMOUNT: Final = "a number from 0 to 999999999 with 9 decimals at most"
_WORDS: Final = {
    "ticker": "1 to 16 letters, digits or . - /",
    "when": "an object whose 'type' is price, move, indicator or signal, with the fields of that type",
    "type": "price, move, indicator or signal",
    "level": f"{_AMOUNT}; more than 0 of a price, also less than 0 of an indicator",
    "hysteresis": f"{_AMOUNT}",
    "percent": f"{_AMOUNT}, more than 0",
    "minutes": "a whole number from 1 to 390",
    "direction": "up, down or either",
    "indicator": "rsi, sma, ema or macd",
    "period": "a whole number from 2 to 200",
    "timeframe": "1m, 5m, 15m, 30m or 1h",
    "strategy": "the name of a strategy",
    "side": "buy, sell or either",
    "repeat": "once or every",
    "cooldown_s": f"a whole number of seconds from 1 to {MOST_COOLDOWN_S}",
    "session": "any, regular or extended",
    "expires": "a Unix time in milliseconds, or null",
    "note": "one line of text, 200 characters at most",
}
"""What each field must be."""
_PLACE = re.compile(r" - at `\$([.\w]*)`$")
_MISSING = re.compile(r"missing required field `(\w+)`")


def read_body(body: bytes, content_type: str) -> Rule:
    """The rule of a request. Raises Refused."""
    if len(body) > BODY_BYTES:
        raise Refused(TOO_LARGE)
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refused(NOT_JSON)
    return read_rule(body)


def read_rule(text: bytes) -> Rule:
    """The rule that JSON says. Raises BadRequest."""
    try:
        found = json.loads(
            text.decode(),
            object_pairs_hook=_unique,
            parse_float=Decimal,
            parse_int=_whole,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise BadRequest("The body must be a JSON object, every field of it once") from error
    if not isinstance(found, dict):
        raise BadRequest("The body must be a JSON object")
    if isinstance(found.get("when"), dict):
        found["when"] = {
            name: _amount(name, value) if name in AMOUNTS else value for name, value in found["when"].items()
        }
    try:
        rule = msgspec.convert(found, Rule)
        check_symbol(rule.ticker)
    except msgspec.ValidationError as error:
        raise BadRequest(_said(error)) from error
    except InvalidRecord as error:
        raise BadRequest(_must("ticker")) from error
    return rule


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is there twice")
    return fields


def _whole(text: str) -> int:
    if len(text) > 20:
        raise ValueError("no number of any market")
    return int(text)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _amount(name: str, value: Any) -> str:
    """Plain decimal text of a JSON number."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadRequest(_must(name))
    try:
        return format_scaled(parse_scaled(str(value), PRICE_DIGITS), PRICE_DIGITS)
    except InvalidRecord as error:
        raise BadRequest(_must(name)) from error


def _must(name: str) -> str:
    return f"The field '{name}' must be {_WORDS[name]}"


def _said(error: msgspec.ValidationError) -> str:
    """In our words: those of msgspec repeat what was sent."""
    if isinstance(error.__cause__, ValueError):
        return f"A rule does not fit itself: {error.__cause__}"
    if missing := _MISSING.search(str(error)):
        return f"The field '{missing[1]}' is missing; it must be {_WORDS[missing[1]]}"
    place = _PLACE.search(str(error))
    name = place[1].rpartition(".")[2] if place else ""
    if name in _WORDS and "unknown field" not in str(error):
        return _must(name)
    return f"A field is not known there; those of a rule are {', '.join(Rule.__struct_fields__)}"
