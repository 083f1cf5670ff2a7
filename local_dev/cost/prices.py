"""List prices of us-east-1 with the day each was last looked up (prices.toml)."""

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("prices.toml")
OLD_DAYS = 180
"""A price that was not looked up for longer than this is no longer believed without a word."""


class Price(NamedTuple):
    """`usd` for one `unit`. `read`: when it was last looked up in `source`."""

    name: str
    usd: float
    unit: str
    source: str
    read: date


Prices = Mapping[str, Price]


def prices(table: Path = TABLE) -> Prices:
    """Every price by its name. Raises KeyError where one lacks a field."""
    rows = tomllib.loads(table.read_text(encoding="utf-8"))
    return {name: Price(name, float(row["usd"]), row["unit"], row["source"], row["read"]) for name, row in rows.items()}


def outdated(table: Prices, today: date) -> list[Price]:
    """Those looked up more than OLD_DAYS before `today`, the oldest first."""
    old = [price for price in table.values() if (today - price.read).days > OLD_DAYS]
    return sorted(old, key=lambda price: (price.read, price.name))
