"""The steps inside the VPC: what was fetched into the database, and a date's minutes settled. Calls nothing outside.

A Lambda function; `step` in the event names what is to be done, and definition.asl.json is what calls it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from batch_layer.lake.minute_lines import MinuteLines
from batch_layer.lake.objects import Objects
from batch_layer.load.fetched import load_fetched, set_aside
from batch_layer.load.once import load_once
from batch_layer.load.rows import Loaded
from batch_layer.nightly.landing import SOURCE, Landing
from batch_layer.nightly.settings import LoadSettings
from batch_layer.nightly.warm import requests
from batch_layer.reconcile.kept import read_report
from batch_layer.settle import settle
from shared.clients.aws import client
from shared.errors import PermanentError
from shared.metrics import UNREADABLE, UNSETTLED, measured
from shared.settings import read
from shared.stores.postgres import Postgres, PostgresSettings
from shared.stores.runs import RunLedger
from shared.stores.settled import SettledStore

if TYPE_CHECKING:
    from psycopg import Connection

JOB = "nightly"
S3_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Inside:
    """`now`: this host's time, UTC; `sleep` waits between two tries of a transaction."""

    postgres: Postgres
    ledger: RunLedger
    settled: SettledStore
    objects: Objects
    lines: MinuteLines
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep

    def load(self, day: date, owner: str) -> dict[str, object]:
        """What was fetched last; once each. Raises StoreUnavailable, BrokenLanding."""
        landed = Landing(self.objects).newest(day)
        if landed is None:
            return {"vendor": "none"}
        key, known_at, told = landed

        def load(connection: "Connection[tuple[Any, ...]]") -> Loaded:
            asides = set_aside(connection, "bars_1m", told.refused, source=SOURCE, known_at=known_at)
            return asides.plus(load_fetched(connection, "bars_1d", told.fetched, source=SOURCE, known_at=known_at))

        loaded = load_once(self.postgres, JOB, key, load, sleep=self.sleep)
        self.settled.changed(self.now())
        if loaded and loaded.quarantined:
            measured("load", {UNREADABLE: loaded.quarantined})
        detail: dict[str, object] = {"rows": "loaded before"} if loaded is None else loaded.summary()
        self.ledger.step(day, owner, "load", detail)
        return detail

    def settle(self, day: date, owner: str) -> dict[str, object]:
        """The rebuilt minutes; from then on the date is read from the batch view. One of which nothing was streamed
        stays as it is, and so does one of which the speed view shows what the raw log does not have. Raises
        StoreUnavailable, BrokenFile."""
        kept, missing = self.lines.read(day), self._missing(day)
        if missing:
            measured("load", {UNSETTLED: missing})
        if kept is None or missing:
            why = f"{missing} minutes are not in the raw log" if missing else "nothing was streamed"
            return {"counts": {"minutes": 0, "why": why}, "warm": []}
        loaded = settle(self.postgres, self.settled, day, kept.minutes, source=kept.source, known_at=kept.known_at)
        self.settled.changed(self.now())
        self.ledger.step(day, owner, "settle", loaded.summary())
        landed = Landing(self.objects).newest(day)
        warm = list(requests(day, landed.told.fetched.bars)) if landed else []
        return {"counts": loaded.summary(), "warm": warm}

    def _missing(self, day: date) -> int:
        """Minutes of the speed view that no trade of the raw log accounts for: settling would take them away."""
        report = read_report(self.objects, day)
        compared = report.comparisons if report else ()
        return sum(one.kinds.get("gap", 0) for one in compared if one.between == "speed view")


@lru_cache(maxsize=1)
def wire() -> Inside:
    """Once a process. Raises PermanentError naming a setting that is missing."""
    chosen = read(LoadSettings)
    s3, dynamodb = client("s3", S3_TIMEOUT_S), client("dynamodb")
    return Inside(
        postgres=Postgres(read(PostgresSettings)),
        ledger=RunLedger(dynamodb, chosen.control_table),
        settled=SettledStore(dynamodb, chosen.control_table),
        objects=Objects(s3, chosen.lake_bucket),
        lines=MinuteLines(s3, chosen.lake_bucket),
        now=lambda: datetime.fromtimestamp(time.time(), UTC),
    )


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, object]:
    """Trigger: the state machine. Errors end the step by their own names, which its Retry knows."""
    inside, day, owner = wire(), date.fromisoformat(event["day"]), str(event["owner"])
    match event["step"]:
        case "load":
            return inside.load(day, owner)
        case "settle":
            return inside.settle(day, owner)
    raise PermanentError(f"no such step: {event['step']}")
