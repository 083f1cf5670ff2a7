"""Reads the platform's API as bytes, so that nothing of an answer is lost: numbers as they were written."""

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import urllib3

from tests.parity.reference import Bar

_REQUEST_ID = re.compile(rb'"request_id":\s*"[^"]*"')
_EXPONENT = re.compile(rb"[:\[,]\s*-?[0-9.]+[eE]")
TIMEOUT = urllib3.Timeout(connect=2, read=20)


class Rest:
    """One platform's API. `key` is sent as a Bearer token when set."""

    def __init__(self, base: str, key: str | None = None) -> None:
        self.base, self.key = base, key
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT)

    def health(self) -> dict[str, Any] | None:
        """The health document, None while nobody answers."""
        try:
            answer = self._pool.request("GET", f"{self.base}/v1/health")
        except urllib3.exceptions.HTTPError:
            return None
        return answer.json() if answer.status == 200 else None

    def get(self, target: str) -> tuple[int, bytes]:
        """Status and body of a path with its query."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        answer = self._pool.request("GET", self.base + target, headers=headers)
        return answer.status, answer.data

    def post(self, target: str, body: object) -> tuple[int, bytes]:
        """Status and body of the answer to a JSON document."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        answer = self._pool.request("POST", self.base + target, headers=headers, json=body)
        return answer.status, answer.data

    def status_of(self, target: str) -> int | None:
        """The status of an answer, None when there was none in time."""
        try:
            return self.get(target)[0]
        except urllib3.exceptions.HTTPError:
            return None

    def stable(self, target: str) -> bytes:
        """The body of a good answer without what may differ between two runs: request id, port."""
        status, body = self.get(target)
        assert status == 200, (target, status, body)
        return _REQUEST_ID.sub(b'"request_id":""', body).replace(self.base.encode(), b"")

    def pages(self, target: str) -> list[dict[str, Any]]:
        """Every page of an answer, numbers exact; fails on a number written with an exponent."""
        pages = []
        while target:
            status, body = self.get(target)
            assert status == 200, (target, status, body)
            assert not _EXPONENT.search(body), f"a number with an exponent in {target}"
            pages.append(json.loads(body, parse_float=Decimal))
            target = pages[-1].get("next_url", "").removeprefix(self.base)
        return pages

    def bars(
        self, sym: str, multiplier: int, timespan: str, since: object, until: object, **query: object
    ) -> list[Bar]:
        """The bars of all pages in the order they come."""
        found: list[Bar] = []
        for page in self.pages(aggregates(sym, multiplier, timespan, since, until, **query)):
            found += page.get("results", [])
        return found


def aggregates(sym: str, multiplier: int, timespan: str, since: object, until: object, **query: object) -> str:
    """Path and query of custom bars; `since` and `until` are dates or Unix ms."""
    path = f"/v2/aggs/ticker/{sym}/range/{multiplier}/{timespan}/{since}/{until}"
    return f"{path}?{urlencode(query)}" if query else path
