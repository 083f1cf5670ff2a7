"""Writes shared/bars/sessions.json from exchange_calendars: `python -m tests.tools.freeze_sessions`."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

FRIDAY = 4
TABLE = Path(__file__).parents[2] / "shared/bars/sessions.json"
FIRST, LAST = "1995-01-03", "2029-12-31"


def sessions() -> dict[str, Any]:
    """The table as JSON: ends, closed weekdays, early closes (New York wall time), with its source."""
    import exchange_calendars  # noqa: PLC0415 -- pandas comes with it

    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST, end=LAST)
    days = {day.date() for day in calendar.sessions}
    first, last = date.fromisoformat(FIRST), date.fromisoformat(LAST)
    weekdays = (first + timedelta(n) for n in range((last - first).days + 1))
    closed = [day for day in weekdays if day.weekday() <= FRIDAY and day not in days]
    early = {day: calendar.session_close(day).tz_convert("America/New_York") for day in calendar.early_closes}
    return {
        "source": f"exchange_calendars {exchange_calendars.__version__}, XNYS",
        "first": FIRST,
        "last": LAST,
        "closed": [str(day) for day in closed],
        "early_closes": {str(day.date()): close.strftime("%H:%M") for day, close in early.items()},
    }


if __name__ == "__main__":
    TABLE.write_text(json.dumps(sessions(), indent=1) + "\n")
