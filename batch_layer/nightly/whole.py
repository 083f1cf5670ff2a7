"""Whether the raw log holds all that the feed brought of a trade date: its heartbeats vouch for that.

A heartbeat goes to every lane after all that was framed before its promise was decided, and the archive files it with
what came before it in its shard. So once each shard has one from after the session, nothing of it is under way.
"""

from collections.abc import Iterator
from datetime import date

from batch_layer.lake.objects import Objects
from shared.bars.sessions import SessionDay
from shared.errors import RetryableError
from shared.stores.lake import RAW, Lake, raw_hour

HEARTBEAT = b'"sym":"",'


class LogNotWhole(RetryableError):
    """Trades of a session may still be on their way into the raw log."""


def check_whole(lake: Lake, objects: Objects, session: SessionDay) -> None:
    """Raises LogNotWhole. A date of which nothing was streamed is whole."""
    waiting = {_shard(key) for key in objects.keys(_folder(session.date))}
    over_s = session.extended_close // 1000
    for folder in _folders_after(lake, objects, session):
        if not waiting:
            return
        for shard, part in lake.raw_parts(folder, lambda line: HEARTBEAT in line):
            if part.sec >= over_s:
                waiting.discard(shard)
    if waiting:
        raise LogNotWhole(f"the raw log of {session.date} is not whole yet: {len(waiting)} shards have not ended it")


def _folders_after(lake: Lake, objects: Objects, session: SessionDay) -> Iterator[str]:
    """Date and hour folders from the end of a session on, the newest first: a promise vouches for all that came before
    it, and of many in one batch the archive files the last, which may lie years after the session in a replay."""
    first = _named(*raw_hour(session.extended_close // 1000))
    for day in reversed([day for day in lake.dates() if day >= session.date]):
        hours = {tuple(key.removeprefix(f"{RAW}/").split("/")[:2]) for key in objects.keys(_folder(day))}
        yield from ("/".join(hour) + "/" for hour in sorted(hours, reverse=True) if hour >= first)


def _named(day: str, hour: str) -> tuple[str, str]:
    return f"date={day}", f"hour={hour}"


def _folder(day: date) -> str:
    return f"{RAW}/date={day.isoformat()}/"


def _shard(key: str) -> str:
    return key.rsplit("/", 1)[1].rsplit("-", 1)[0]
