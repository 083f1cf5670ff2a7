"""Once a minute -> metrics. It reads what others have told of themselves, and so tells of those who tell nothing.

Called twice for a minute it measures twice, which changes no alarm; not called at all it is missed by an alarm of its
own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from shared.bars.sessions import SessionTable, sessions_named
from shared.clients.aws import client
from shared.errors import StoreUnavailable
from shared.metrics import measured
from shared.settings import read
from shared.stores.control import ControlStore
from shared.stores.runs import RunLedger
from speed_layer.watch.measures import Seen, measures, nights

GIVEN_UP = "aws/lambda/"
"""Prefix in the lake under which Lambda keeps the batches that it has given up; their names hold no date in front."""
WITHIN = timedelta(hours=1)
LISTED_EVERY = timedelta(minutes=4, seconds=30)
"""A look at least in each period of the alarm on it, which has five minutes."""
BARS_READER = "signals"
"""The stream function that notes the promises it meets."""


class WatchSettings(msgspec.Struct, frozen=True):
    """Where others tell of themselves."""

    control_table: str
    lake_bucket: str
    sessions: str = "XNYS"


@dataclass
class Watch:
    """`now`: this host's time, UTC."""

    control: ControlStore
    ledger: RunLedger
    s3: Any
    bucket: str
    sessions: SessionTable
    now: Callable[[], datetime]
    _listed: datetime | None = None

    def look(self) -> None:
        """Write the measures of this moment. Raises StoreUnavailable: then the minute has none."""
        now = self.now()
        now_ms = int(now.timestamp() * 1000)
        seen = Seen(
            epoch=self.control.newest_epoch(),
            promise=self.control.progress(BARS_READER).promise,
            runs=self.ledger.runs(*nights(now_ms)),
            watched_since=self.control.watched_since(now.timestamp()),
            dead_letters=self._given_up(now),
        )
        measured("watch", measures(now_ms, self.sessions, seen), now_ms)

    def _given_up(self, now: datetime) -> int:
        """Batches of the last hour; 0 between two looks, since each is paid for."""
        if self._listed is not None and now - self._listed < LISTED_EVERY:
            return 0
        try:
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=GIVEN_UP)
            kept = [one["LastModified"] for page in pages for one in page.get("Contents", ())]
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"lake: {error}") from error
        self._listed = now
        return sum(at >= now - WITHIN for at in kept)


@lru_cache(maxsize=1)
def wire() -> Watch:
    """Once a process."""
    chosen, dynamodb = read(WatchSettings), client("dynamodb")
    return Watch(
        control=ControlStore(dynamodb, chosen.control_table),
        ledger=RunLedger(dynamodb, chosen.control_table),
        s3=client("s3"),
        bucket=chosen.lake_bucket,
        sessions=sessions_named(chosen.sessions),
        now=lambda: datetime.fromtimestamp(time.time(), UTC),
    )


def lambda_handler(event: object, context: object) -> None:
    """Trigger: EventBridge Scheduler, once a minute."""
    wire().look()
