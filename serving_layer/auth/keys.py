"""API keys: `cv_<id>_<secret>`. The id finds the record, which holds the SHA-256 of the whole key and never the key."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

SCOPES = frozenset({"bars:read", "live:read", "alerts:write"})
LIVE, DELAYED = "live", "delayed"
PLANS = {LIVE: SCOPES, DELAYED: frozenset({"bars:read"})}
"""What a key's holder may see, and the scopes that go with it: on the delayed plan nothing that is younger than 15
minutes, and so neither trades nor alerts."""
KEPT_S = 30.0
"""How long a record is believed without a look at the table: a revoked key stops working within this time."""
MOST_KEPT = 1_024
_KEY = re.compile(r"cv_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)
_VOUCHED = re.compile(r"([0-9a-f]{12})\.([0-9a-f]{64})", re.ASCII)
_NOBODY = "0" * 12
"""Looked up for what is no key at all, so that it is refused as slowly as a key nobody has."""
_NO_HASH = "0" * 64


class Caller(NamedTuple):
    """Whose key it is and what it opens."""

    key_id: str
    scopes: tuple[str, ...]
    plan: str = LIVE


class KeyRecords(Protocol):
    """Stored records by key id; raises StoreUnavailable."""

    def key(self, key_id: str) -> dict[str, Any] | None: ...


def mint(scopes: Sequence[str]) -> tuple[str, str]:
    """(id, key) of a new key for these scopes: 256 random bits after the id. Raises ValueError for an unknown scope."""
    if unknown := set(scopes) - SCOPES:
        raise ValueError(f"scopes must be of {', '.join(sorted(SCOPES))}, was {', '.join(sorted(unknown))}")
    key_id = secrets.token_hex(6)
    return key_id, f"cv_{key_id}_{secrets.token_urlsafe(32)}"


def hash_key(key: str) -> str:
    """SHA-256 of the whole key, hexadecimal."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def record_of(key: str, scopes: Sequence[str], plan: str = LIVE) -> dict[str, Any]:
    """What ControlStore.put_key keeps of a key. Raises ValueError for scopes that do not go with the plan."""
    if unfit := set(scopes) - PLANS[plan]:
        raise ValueError(f"a key of the {plan} plan cannot have {', '.join(sorted(unfit))}")
    return {"hash": hash_key(key), "scopes": list(scopes), "plan": plan, "revoked": False}


class KeyCheck:
    """Who a key belongs to. `clock` gives seconds that only grow."""

    def __init__(self, records: KeyRecords, clock: Callable[[], float]) -> None:
        self._records = records
        self._clock = clock
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    def caller(self, key: str) -> Caller | None:
        """None for a key that is malformed, unknown, wrong or revoked. Raises StoreUnavailable."""
        parts = _KEY.fullmatch(key)
        return self._caller(parts[1] if parts else _NOBODY, hash_key(key), is_key=parts is not None)

    def vouched(self, text: str, plan: str, scopes: str) -> Caller | None:
        """The same of a key that the edge has checked: its id and hash (headers.py), and what the edge takes it to
        open, under which the answer is kept. None also where its record has another plan; of the scopes, those that
        both know of are left."""
        parts = _VOUCHED.fullmatch(text)
        key_id, digest = parts.groups() if parts else (_NOBODY, _NO_HASH)
        caller = self._caller(key_id, digest, is_key=parts is not None)
        if caller is None or caller.plan != plan:
            return None
        return caller._replace(scopes=tuple(scope for scope in caller.scopes if scope in scopes.split(",")))

    def _caller(self, key_id: str, digest: str, *, is_key: bool) -> Caller | None:
        record = self._record(key_id) or {}
        right = hmac.compare_digest(digest, record.get("hash", _NO_HASH))
        if not (right and is_key and record) or record.get("revoked"):
            return None
        return Caller(key_id, tuple(record.get("scopes", ())), record.get("plan", LIVE))

    def _record(self, key_id: str) -> dict[str, Any] | None:
        """Only records that exist are kept: made-up ids cannot fill the memory."""
        now = self._clock()
        kept = self._kept.get(key_id)
        if kept is not None and now - kept[0] < KEPT_S:
            return kept[1]
        self._kept.pop(key_id, None)
        record = self._records.key(key_id)
        if record is not None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key_id] = (now, record)
        return record
