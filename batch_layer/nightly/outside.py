"""The steps outside the VPC: which trade date, the vendor's answers into the lake, and the end of a run.

A Lambda function; `step` in the event names what is to be done, and definition.asl.json is what calls it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from batch_layer.fetch.days import Completeness
from batch_layer.fetch.fetcher import Fetcher
from batch_layer.fetch.minutes import VendorMinute, fetch_minutes
from batch_layer.fetch.rest import VendorRest
from batch_layer.fetch.units import Refused
from batch_layer.fetch.vendor import vendor_rest
from batch_layer.lake.objects import Objects
from batch_layer.nightly.fetching import compared, counts, fetch_all, units_of
from batch_layer.nightly.landing import Landing, Told
from batch_layer.nightly.settings import FetchSettings
from batch_layer.nightly.trade_date import asked_for
from batch_layer.nightly.whole import check_whole
from shared.bars.sessions import SessionTable, sessions_named
from shared.clients.aws import client
from shared.errors import PermanentError
from shared.observability import event as log_event
from shared.observability import logger
from shared.settings import read
from shared.stores.lake import Lake
from shared.stores.runs import RunLedger

LEASE_S = 8 * 3600
"""As long as the whole state machine may take."""
S3_TIMEOUT_S = 20.0

log = logger("nightly")


@dataclass(frozen=True)
class Outside:
    """`rest` None: there is no vendor. `now`: this host's time, UTC."""

    ledger: RunLedger
    lake: Lake
    objects: Objects
    sessions: SessionTable
    rest: VendorRest | None
    symbols: tuple[str, ...] | None
    compared_symbols: int
    now: Callable[[], datetime]

    def session(self, asked: Mapping[str, Any], owner: str) -> dict[str, object]:
        """Whether there is something to do, and for which trade date. Raises InvalidRecord `input`, LogNotWhole."""
        day = asked_for(asked, self.sessions)
        session, now_s = self.sessions.day(day), int(self.now().timestamp())
        if session is None:
            return _idle(day, "no session on that date")
        check_whole(self.lake, self.objects, session)
        if not self.ledger.take(day, owner, now_s, now_s + LEASE_S):
            return _idle(day, "another run has this date")
        return {"run": True, "day": day.isoformat()}

    def fetch(self, day: date, owner: str) -> dict[str, object]:
        """Raises SourceUnavailable, ShortAnswer, AccessRefused or InvalidRecord."""
        if self.rest is None:
            return {"vendor": "none"}
        known_at = self.now()
        landing = Landing(self.objects)
        complete = Completeness(self.sessions, landing.symbols_on)
        fetcher = Fetcher(self.rest, self.sessions, complete, known_at)
        fetched = fetch_all(units_of(day, self.symbols, known_at.date()), fetcher)
        symbols = compared(fetched.bars, self.symbols, self.compared_symbols)
        minutes, refused = self._minutes(self.rest, symbols, day)
        told = Told(fetched, minutes, symbols, refused)
        detail = {**counts(told, known_at), "landed": landing.put(day, known_at, told)}
        self.ledger.step(day, owner, "fetch", detail)
        return detail

    def _minutes(self, rest: VendorRest, symbols: list[str], day: date) -> tuple[list[VendorMinute], list[Refused]]:
        found: list[VendorMinute] = []
        refused: list[Refused] = []
        for sym in symbols:
            minutes, wrong = fetch_minutes(rest, sym, day)
            found += minutes
            refused += wrong
        return found, refused

    def finish(self, day: date, owner: str, detail: dict[str, Any]) -> dict[str, object]:
        self.ledger.finish(day, owner, detail)
        return {}

    def give_up(self, day: date, owner: str, error: dict[str, Any]) -> dict[str, object]:
        """The run has failed and says why; the date is free for another one."""
        self.ledger.fail(day, owner, {name: str(error.get(name, ""))[:2_000] for name in ("Error", "Cause")})
        return {}


def _idle(day: date, why: str) -> dict[str, object]:
    log_event(log, 30, "nothing to do", day=str(day), why=why)
    return {"run": False, "day": day.isoformat(), "why": why}


@lru_cache(maxsize=1)
def wire() -> Outside:
    """Once a process. Raises PermanentError naming a setting that is missing."""
    chosen = read(FetchSettings)
    s3 = client("s3", S3_TIMEOUT_S)
    return Outside(
        ledger=RunLedger(client("dynamodb"), chosen.control_table),
        lake=Lake(s3, chosen.lake_bucket),
        objects=Objects(s3, chosen.lake_bucket),
        sessions=sessions_named(chosen.sessions),
        rest=vendor_rest(chosen) if chosen.rest_url else None,
        symbols=None if chosen.symbols == "*" else tuple(chosen.symbols.split(",")),
        compared_symbols=chosen.compared_symbols,
        now=lambda: datetime.fromtimestamp(time.time(), UTC),
    )


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, object]:
    """Trigger: the state machine. Errors end the step by their own names, which its Retry knows."""
    outside, owner = wire(), str(event["owner"])
    if event["step"] == "session":
        return outside.session(event["asked"], owner)
    day = date.fromisoformat(event["day"])
    match event["step"]:
        case "fetch":
            return outside.fetch(day, owner)
        case "finish":
            return outside.finish(day, owner, event["detail"])
        case "give_up":
            return outside.give_up(day, owner, event["error"])
    raise PermanentError(f"no such step: {event['step']}")
