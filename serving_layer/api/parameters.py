"""Parameters that several routes take, read and checked. Every error is a BadRequest that names the parameter."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from urllib.parse import unquote

from serving_layer.api.refusals import BadRequest
from shared.bars.windows import NEW_YORK
from shared.errors import InvalidRecord
from shared.polygon.trades import check_symbol

Query = Mapping[str, Sequence[str]]

WHOLE = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_YEARS = range(1970, 3000)
_MAGNITUDES = ((10**11, "seconds"), (10**14, "milliseconds"), (10**17, "microseconds"), (10**30, "nanoseconds"))
"""Unix times below these are taken to be in this unit; as milliseconds, 10^11 is in 1973 and 10^14 in 5138."""


def symbol_of(ticker: str) -> str:
    """The ticker of a path, percent-decoded."""
    try:
        return check_symbol(unquote(ticker))
    except InvalidRecord as error:
        raise BadRequest("The parameter 'ticker' must be 1 to 16 letters, digits or . - /") from error


def one(query: Query, name: str) -> str | None:
    """The value of a query key. Refused where it is given twice: either choice would be a guess."""
    values = query.get(name) or ()
    if len(values) > 1:
        raise BadRequest(f"The parameter '{name}' must be given once")
    return values[0] if values else None


def choice(query: Query, name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of some words, in any case."""
    text = one(query, name)
    if text is None:
        return default
    if text.lower() not in allowed:
        raise BadRequest(f"The parameter '{name}' must be {' or '.join(allowed)}")
    return text.lower()


def limit_of(query: Query, default: int, most: int) -> int:
    """`limit`: entries of a page at most."""
    text = one(query, "limit")
    if text is None:
        return default
    if not WHOLE.fullmatch(text) or int(text) > most:
        raise BadRequest(f"The parameter 'limit' must be a whole number from 1 to {most}")
    return int(text)


def date_of(rule: str, text: str) -> date | None:
    """A date as YYYY-MM-DD; None where the text is none. `rule`: what is said when there is no such day."""
    if not _DATE.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"{rule}: there is no such date") from error
    if day.year not in _YEARS:
        raise BadRequest(f"{rule}, of a year from {_YEARS[0]} to {_YEARS[-1]}")
    return day


def adjusted_of(query: Query) -> bool:
    """`adjusted`: whether splits are to be applied; they are unless it says no."""
    return choice(query, "adjusted", "true", ("true", "false")) == "true"


def as_of_of(query: Query) -> datetime | None:
    """`as_of`: the moment whose knowledge is asked for; None for now. A date means the end of that New York day."""
    text = one(query, "as_of")
    if text is None:
        return None
    day = date_of(_moment_rule("as_of"), text)
    return moment_of("as_of", text) if day is None else _midnight(day + timedelta(days=1)) - timedelta(microseconds=1)


def moment_of(name: str, text: str) -> datetime:
    """The time that a parameter has to be; a date means the start of that New York day."""
    rule = _moment_rule(name)
    day = date_of(rule, text)
    if day is not None:
        return _midnight(day)
    if not _INSTANT.fullmatch(text):
        raise BadRequest(rule)
    date_of(rule, text[:10])
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{rule}: there is no such time") from error


def _moment_rule(name: str) -> str:
    return f"The parameter '{name}' must be a date as YYYY-MM-DD or a time as RFC 3339 writes it"


def _midnight(day: date) -> datetime:
    """Of New York, by the clock there."""
    return datetime.fromtimestamp(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp(), UTC)


def unit_of(time: int) -> str:
    """The unit that a Unix time must be in, told by its size."""
    return next(unit for below, unit in _MAGNITUDES if time < below)


def day_named(name: str, text: str) -> date:
    """The date that a parameter has to be. Raises BadRequest."""
    rule = f"The parameter '{name}' must be a date as YYYY-MM-DD"
    found = date_of(rule, text)
    if found is None:
        raise BadRequest(rule)
    return found
