"""What the parameters of several routes have in common: whole numbers, times, yes or no, and the paging cursor."""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import date, timedelta
from urllib.parse import parse_qsl, urlencode

from shared.bars.windows import new_york_midnight_ms

NS_PER_MS = 1_000_000
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)


class BadParameterError(ValueError):
    """A parameter that cannot be used; the message goes to the client."""


def number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadParameterError(f"The parameter {name!r} must be a whole number, was {text!r}")
    return int(text)


def limit_of(text: str, largest: int) -> int:
    limit = number("limit", text)
    if not 1 <= limit <= largest:
        raise BadParameterError(f"The parameter 'limit' must be from 1 to {largest}, was {limit}")
    return limit


def yes_or_no(name: str, text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise BadParameterError(f"The parameter {name!r} must be true or false, was {text!r}")
    return text.lower() == "true"


def one_of(name: str, text: str, allowed: Iterable[str]) -> str:
    if text not in allowed:
        raise BadParameterError(f"The parameter {name!r} must be {' or '.join(allowed)}, was {text!r}")
    return text


def day_of(name: str, text: str) -> date:
    """A date written YYYY-MM-DD."""
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass  # a date that is not in the calendar: the same answer as for any other text
    raise BadParameterError(f"The parameter {name!r} must be a date (YYYY-MM-DD), was {text!r}")


def span_ns(name: str, text: str) -> tuple[int, int]:
    """[start, end) in ns: one New York day for a date, one ns for a Unix time (unit told by its size)."""
    if _NUMBER.fullmatch(text):
        moment = int(text)
        unit_ns = next(
            (unit for limit, unit in ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3)) if moment < limit), 1
        )
        return moment * unit_ns, moment * unit_ns + 1
    try:
        day = day_of(name, text)
        return new_york_midnight_ms(day) * NS_PER_MS, new_york_midnight_ms(day + timedelta(days=1)) * NS_PER_MS
    except (BadParameterError, OverflowError, ValueError) as error:
        raise BadParameterError(
            f"The parameter {name!r} must be a date (YYYY-MM-DD) or a Unix time, was {text!r}"
        ) from error


def write_cursor(values: Iterable[tuple[str, str]]) -> str:
    """URL-safe base64 without padding of a query string: every filter travels in it."""
    return base64.urlsafe_b64encode(urlencode(list(values)).encode()).decode().rstrip("=")


def read_cursor(cursor: str, *needed: str) -> dict[str, str]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        values = dict(parse_qsl(text, strict_parsing=True))
    except (binascii.Error, ValueError) as error:
        raise BadParameterError("The parameter 'cursor' is not valid") from error
    if not all(name in values for name in needed):
        raise BadParameterError("The parameter 'cursor' is not valid")
    return values
