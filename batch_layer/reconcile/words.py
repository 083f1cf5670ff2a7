"""Numbers and times as the sentences of a report say them."""

from datetime import datetime

from batch_layer.reconcile.witness import Seen
from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS, format_scaled
from shared.bars.windows import NEW_YORK


def trades(count: int) -> str:
    """
    >>> trades(1), trades(2_000)
    ('1 trade', '2,000 trades')
    """
    return "1 trade" if count == 1 else f"{count:,} trades"


def shares(size: int) -> str:
    """Of 10^-6 share.

    >>> shares(1_000_000), shares(2_500_000)
    ('1 share', '2.5 shares')
    """
    number = format_scaled(size, SIZE_DIGITS)
    return "1 share" if number == "1" else f"{number} shares"


def usd(price: int) -> str:
    """Of 10^-9 USD, without its currency."""
    return format_scaled(price, PRICE_DIGITS)


def the_trade(trade: Seen) -> str:
    """By its time and conditions."""
    return f"the trade of {instant(trade)} with conditions {list(trade.conditions)}"


def instant(trade: Seen) -> str:
    """New York time to the millisecond."""
    at = datetime.fromtimestamp(trade.row.t // 1000, NEW_YORK)
    return f"{at:%H:%M:%S}.{trade.row.t % 1000:03d}"


def clock(t: int) -> str:
    """New York time of an instant (Unix ms), to the minute."""
    return f"{datetime.fromtimestamp(t // 1000, NEW_YORK):%H:%M}"
