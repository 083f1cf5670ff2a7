"""Rules and observations for tests."""

from typing import Any

from shared.models.alert import Condition, PriceCross, Rule, StoredRule
from speed_layer.alerts.evaluate import Observation
from tests.unit.speed_layer.feed import T0

CENT = 10**7


def stored(when: Condition | None = None, *, id_: str = "a", version: int = 1, **rule: Any) -> StoredRule:
    """A rule; by default for a price of 100 USD in both directions, every time."""
    chosen = {"ticker": "SPY", "repeat": "every", "cooldown_s": 1, **rule}
    return StoredRule(id_, "owner", version, Rule(when=when or PriceCross("100"), **chosen), 1, 1)


def prices(*cents: int, step_ms: int = 1000, start: int = T0, regular: bool = True) -> list[Observation]:
    """One after the other, a second apart."""
    return [
        Observation(f"{n:06d}", f"k{n}", start + n * step_ms, price * CENT, str(price), regular)
        for n, price in enumerate(cents)
    ]
