"""How far back the simulated market goes."""

from datetime import timedelta

from shared.bars.windows import new_york_date, new_york_midnight_ms

SESSIONS = 30


def history_start(until_ms: int) -> int:
    """The New York midnight 30 sessions before the session that holds `until_ms` (Unix ms); every date trades."""
    return new_york_midnight_ms(new_york_date(until_ms) - timedelta(days=SESSIONS))
