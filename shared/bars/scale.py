"""Exact numbers: decimals on the wire, scaled integers inside, no float in a stored or compared value."""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

from shared.errors import InvalidRecord

PRICE_DIGITS = 9
SIZE_DIGITS = 6
NOTIONAL_DIGITS = PRICE_DIGITS + SIZE_DIGITS
PRICE_SCALE = 10**PRICE_DIGITS
SIZE_SCALE = 10**SIZE_DIGITS
MAX_PRICE = 10**18 - 1
"""A price takes 18 digits in a key (10^-9 USD): under one thousand million dollars."""
MAX_SIZE = 10**18 - 1
MOST_DIGITS = 60
_NUMBER = re.compile(r"[-+.0-9eE]{1,100}")
_EXACT = Context(prec=120, Emax=200, Emin=-200, traps=[InvalidOperation, Overflow, Inexact])
"""Wide enough for every text that _NUMBER lets through but those with an absurd exponent, which it refuses."""


def parse_scaled(text: str, digits: int) -> int:
    """The decimal number in `text` times 10^digits, exactly.

    Raises InvalidRecord `digits` when it has more decimals than that, `number` when it is not a finite
    number in ASCII, or absurdly large.

    >>> parse_scaled("167.42", 9)
    167420000000
    """
    whole, _, fraction = text.partition(".")
    if len(fraction) <= digits and _is_plain(whole) and (not fraction or _is_plain(fraction)):
        return int(whole + fraction.ljust(digits, "0"))
    if not _NUMBER.fullmatch(text):
        raise InvalidRecord("number", f"must be a decimal number, was {text[:40]!r}")
    try:
        scaled = Decimal(text).scaleb(digits, _EXACT)
    except (InvalidOperation, Overflow) as error:
        raise InvalidRecord("number", f"must be a decimal number of any market, was {text[:40]!r}") from error
    except Inexact as error:
        raise InvalidRecord("digits", f"must have at most {digits} decimals, was {text[:40]!r}") from error
    if scaled != scaled.to_integral_value(context=_EXACT):
        raise InvalidRecord("digits", f"must have at most {digits} decimals, was {text[:40]!r}")
    return int(scaled)


def _is_plain(text: str) -> bool:
    """Digits only, few enough for any market number, and ASCII ones."""
    return len(text) < MOST_DIGITS and text.isascii() and text.isdigit()


def format_scaled(value: int, digits: int) -> str:
    """`value` times 10^-digits as a plain decimal: no exponent, no trailing zeros.

    >>> format_scaled(167420000000, 9), format_scaled(210_000_000, 6), format_scaled(-5, 1)
    ('167.42', '210', '-0.5')
    """
    whole, fraction = divmod(abs(value), 10**digits)
    sign = "-" if value < 0 else ""
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:0{digits}d}".rstrip("0")


def divide_half_even(numerator: int, denominator: int) -> int:
    """The quotient of two positive integers, rounded to the nearest, ties to even."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient % 2):
        return quotient + 1
    return quotient
