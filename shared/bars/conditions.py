"""Sale conditions: which fields of a bar a trade may update.

The table is Polygon's own (conditions.json names its source; `python -m tests.tools.freeze_conditions` writes it). One
"false" vetoes. Outside the regular session ids 12 and 13 are left out before the veto for minute bars, not for daily
bars. An unknown id, or one without rules, lets the trade update the volume only.
"""

import json
from functools import lru_cache
from importlib import resources
from typing import Final

NOTHING: Final = 0
OPEN_CLOSE: Final = 1
HIGH_LOW: Final = 2
VOLUME: Final = 4
DAY_OPEN_CLOSE: Final = 8
DAY_HIGH_LOW: Final = 16
UNKNOWN: Final = 32
"""Set when an id has no rule: the trade counts for volume only, and is counted."""

EXTENDED_HOURS: Final = frozenset({12, 13})
EVERYTHING: Final = OPEN_CLOSE | HIGH_LOW | VOLUME | DAY_OPEN_CLOSE | DAY_HIGH_LOW
_PRICES: Final = OPEN_CLOSE | HIGH_LOW
_TO_DAY: Final = DAY_OPEN_CLOSE // OPEN_CLOSE


@lru_cache(maxsize=1)
def _rules() -> dict[int, int]:
    table = json.loads(resources.files("shared.bars").joinpath("conditions.json").read_text())["conditions"]
    flags = (OPEN_CLOSE, HIGH_LOW, VOLUME)
    return {
        int(key): UNKNOWN | VOLUME if rule is None else sum(flag for flag, on in zip(flags, rule, strict=True) if on)
        for key, rule in table.items()
    }


def _veto(conditions: tuple[int, ...]) -> int:
    rules = _rules()
    allowed, unknown = _PRICES | VOLUME, 0
    for condition in conditions:
        rule = rules.get(condition, UNKNOWN | VOLUME)
        allowed &= rule
        unknown |= rule & UNKNOWN
    return allowed | unknown


@lru_cache(maxsize=1 << 14)
def effect_of(conditions: tuple[int, ...], regular: bool) -> int:
    """The fields that a trade with these conditions updates, as a set of the flags above.

    `regular`: whether its time lies in the regular session.
    """
    day = _veto(conditions)
    minute = day if regular else _veto(tuple(c for c in conditions if c not in EXTENDED_HOURS))
    return minute | (day & UNKNOWN) | (day & _PRICES) * _TO_DAY
