"""What the vendor's REST side answers a key: one small request for each kind of data, and never a second try.

The free plan allows five requests a minute.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import urllib3

from local_dev.cli.stream_probe import LIQUID, words

TIMEOUT: Final = urllib3.Timeout(connect=5, read=10)
RECENT: Final = timedelta(days=7)
"""So far back no plan's delay reaches; a day without trading is answered as any other, without results."""


class Right(StrEnum):
    """What an answer says about the key."""

    GIVEN = "given"
    NOT_IN_PLAN = "not in the plan"
    KEY_UNKNOWN = "key unknown"
    TOO_OFTEN = "asked too often"
    UNKNOWN = "no answer"


_RIGHTS: Final = {200: Right.GIVEN, 401: Right.KEY_UNKNOWN, 403: Right.NOT_IN_PLAN, 429: Right.TOO_OFTEN}


@dataclass(frozen=True)
class RestAnswer:
    """`said`: the vendor's own words, or what went wrong; without the key."""

    right: Right
    said: str = ""


def paths(today: date) -> dict[str, str]:
    """Kind of data -> the path that asks for one of it."""
    day = today - RECENT
    return {
        "trades": f"/v3/trades/{LIQUID}?limit=1",
        "minute bars": f"/v2/aggs/ticker/{LIQUID}/range/1/minute/{day}/{day}?limit=1",
        "snapshots": f"/v2/snapshot/locale/us/markets/stocks/tickers/{LIQUID}",
    }


def probe_rest(base: str, path: str, key: str) -> RestAnswer:
    """Takes 15 s at the most; a network that fails is an answer (UNKNOWN), not an error."""
    pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)
    try:
        answer = pool.request("GET", base + path, headers={"Authorization": f"Bearer {key}"}, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        return RestAnswer(Right.UNKNOWN, words(type(error).__name__, key))
    finally:
        pool.clear()
    right = _RIGHTS.get(answer.status, Right.UNKNOWN)
    said = "" if right is Right.GIVEN else words(_message(answer.data) or f"status {answer.status}", key)
    return RestAnswer(right, said)


def _message(body: bytes) -> str:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(fields.get("message") or fields.get("error") or "") if isinstance(fields, dict) else ""
