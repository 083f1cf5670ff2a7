"""Numbers of bars as text on Polygon's wire."""

from functools import lru_cache

from shared.bars.scale import PRICE_DIGITS, format_scaled

VWAP_DIGITS = 4


@lru_cache(maxsize=65_536)
def price_text(price: int) -> str:
    """A price (10^-9 USD) as a plain decimal. Remembered: prices repeat, unlike volumes and VWAPs.

    >>> price_text(167_420_000_000)
    '167.42'
    """
    return format_scaled(price, PRICE_DIGITS)
