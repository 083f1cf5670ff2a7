"""Days of which trades may be missing: those that holes touch and no vendor has told of."""

from datetime import date, datetime

from serving_layer.api.wiring import Services
from shared.bars.windows import new_york_date


def short_days(services: Services, sym: str, start: int, end: int, as_of: datetime | None) -> list[date]:
    """Trade dates of [start, end), Unix ms, up to the feed's, in order. A stored day is the vendor's, and so whole.

    Raises StoreUnavailable.
    """
    holes = services.holes.within(start, end, as_of)
    if not holes:
        return []
    today, sessions = new_york_date(services.market.moment().now_ms), services.market.sessions
    touched = {
        day
        for hole in holes
        for day in sessions.between(new_york_date(hole.start), min(new_york_date(hole.end - 1), today))
    }
    if not touched or services.daily is None:
        return sorted(touched)
    stored = services.daily.rows.bars(sym, min(touched), max(touched), as_of=as_of)
    return sorted(touched.difference(bar.day for bar in stored))


def is_short(services: Services, sym: str, day: date, as_of: datetime | None) -> bool:
    """Whether trades of one trade date may be missing. Raises StoreUnavailable."""
    session = services.market.sessions.day(day)
    return session is not None and bool(short_days(services, sym, session.start, session.end, as_of))
