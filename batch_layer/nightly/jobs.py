"""The steps that need Parquet or much memory: a container's on AWS, a process of its own anywhere."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from batch_layer.lake.daily import DailyLake
from batch_layer.lake.minutes import MinuteLake
from batch_layer.lake.objects import Objects
from batch_layer.nightly.landing import SOURCE, Landing
from batch_layer.nightly.settings import JobSettings
from batch_layer.rebuild.minutes import rebuild_minutes
from shared.bars.sessions import SessionTable, sessions_named
from shared.clients.aws import client
from shared.settings import read
from shared.stores.lake import Lake

REBUILT = "raw log"
"""Who says what the rebuilt minutes say."""
S3_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Jobs:
    """Each returns a line for people."""

    lake: Lake
    landing: Landing
    daily: DailyLake
    minutes: MinuteLake
    sessions: SessionTable

    def land(self, day: date) -> str:
        """What was fetched last, as Parquet. Raises BrokenLanding and what DailyLake.write raises."""
        landed = self.landing.newest(day)
        if landed is None:
            return "nothing was fetched"
        written = self.daily.write(day, landed.fetched.bars, source=SOURCE, known_at=landed.known_at)
        return f"{written.manifest.rows} daily bars, {'written' if written.changed else 'there already'}"

    def rebuild(self, day: date) -> str:
        """Raises StoreUnavailable, BrokenFile, WrittenByAnother."""
        minutes = list(rebuild_minutes(self.lake, day, self.sessions))
        if not minutes:
            return "nothing was streamed"
        written = self.minutes.write(day, minutes, source=REBUILT, known_at=datetime.fromtimestamp(time.time(), UTC))
        return f"{written.manifest.rows} minutes, {'written' if written.changed else 'there already'}"


@lru_cache(maxsize=1)
def wire() -> Jobs:
    """Once a process. Raises PermanentError naming a setting that is missing."""
    chosen = read(JobSettings)
    s3 = client("s3", S3_TIMEOUT_S)
    return Jobs(
        lake=Lake(s3, chosen.lake_bucket),
        landing=Landing(Objects(s3, chosen.lake_bucket)),
        daily=DailyLake(s3, chosen.lake_bucket, chosen.code_version),
        minutes=MinuteLake(s3, chosen.lake_bucket, chosen.code_version),
        sessions=sessions_named(chosen.sessions),
    )
