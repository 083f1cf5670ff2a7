"""The vendor's REST API, asked strictly: what is not a whole answer is a failure, never "no data".

The official client takes an undecodable body, and one without results, for an empty list.
"""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode

import urllib3

from batch_layer.fetch.bucket import MINUTE_S, TokenBucket
from shared.clients.vendor_http import TRY_AGAIN, check_status, key_headers, on_our_host
from shared.errors import InvalidRecord, SourceUnavailable

TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)
ATTEMPTS = 5
"""How often one question may fail; waiting for the quota is no failure."""
PATIENCE_S = 900.0
"""How long one question may take, pauses included."""
FIRST_PAUSE_S = 1.0
MOST_PAGES = 10_000


class Page(Protocol):
    @property
    def following(self) -> str | None:
        """Where the next page is, as the vendor says it."""
        ...


T = TypeVar("T")
P = TypeVar("P", bound=Page)


class _Answer(NamedTuple):
    status: int
    retry_after_s: float | None
    body: bytes


class VendorRest:
    """`base` such as https://api.polygon.io; `bucket` belongs to the key. Not for several threads."""

    def __init__(
        self,
        base: str,
        api_key: str,
        bucket: TokenBucket,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base.rstrip("/")
        self._headers = key_headers(api_key)
        self._bucket = bucket
        self._now, self._sleep = now, sleep
        self._http = urllib3.PoolManager(timeout=TIMEOUT)
        self.calls = 0
        """How many requests have been sent."""

    def url(self, path: str, **query: object) -> str:
        """`path` on our host; `__` in a name stands for a dot, and None leaves a parameter out."""
        given = {name.replace("__", "."): value for name, value in query.items() if value is not None}
        return f"{self._base}{path}?{urlencode(given)}" if given else f"{self._base}{path}"

    def read(self, url: str, decode: Callable[[bytes], T]) -> T:
        """One answer, decoded. `decode` raises InvalidRecord for a broken body, which is asked for again.

        Raises SourceUnavailable once tries or patience have run out, AccessRefused, or InvalidRecord `status`.
        """
        deadline = self._now() + PATIENCE_S
        failures: list[str] = []
        while len(failures) < ATTEMPTS:
            self._wait(self._bucket.take(self._now()), deadline, failures)
            pause_s = FIRST_PAUSE_S * 2 ** len(failures)
            try:
                answer = self._ask(url)
            except urllib3.exceptions.HTTPError as error:
                failures.append(type(error).__name__)
            else:
                if answer.status == 429:
                    pause_s = MINUTE_S if answer.retry_after_s is None else max(answer.retry_after_s, FIRST_PAUSE_S)
                    self._bucket.hold(self._now() + pause_s)
                    continue
                if answer.status not in TRY_AGAIN:
                    check_status(answer.status)
                    try:
                        return decode(answer.body)
                    except InvalidRecord as error:
                        failures.append(str(error))
                else:
                    failures.append(f"status {answer.status}")
                    pause_s = answer.retry_after_s or pause_s
            if len(failures) < ATTEMPTS:
                self._wait(self._now() + pause_s, deadline, failures)
        raise SourceUnavailable(f"the vendor gave no whole answer in {ATTEMPTS} tries, at last: {failures[-1]}")

    def pages(self, url: str, decode: Callable[[bytes], P]) -> Iterator[P]:
        """The pages from one on. A page that leads back to one already seen is broken, and asked for again.

        Raises what `read` raises, and InvalidRecord `page` where they do not end.
        """
        seen = {url}

        def decode_new(body: bytes) -> P:
            page = decode(body)
            if page.following is not None and on_our_host(self._base, page.following) in seen:
                raise InvalidRecord("page", "its next_url leads back")
            return page

        for _ in range(MOST_PAGES):
            page = self.read(url, decode_new)
            yield page
            if page.following is None:
                return
            url = on_our_host(self._base, page.following)
            seen.add(url)
        raise InvalidRecord("page", f"more than {MOST_PAGES} pages")

    def _ask(self, url: str) -> _Answer:
        self.calls += 1
        answer = self._http.request("GET", url, headers=self._headers, retries=False, redirect=False)
        return _Answer(answer.status, _retry_after_s(answer.headers.get("Retry-After")), answer.data)

    def _wait(self, until: float, deadline: float, failures: list[str]) -> None:
        if until > deadline:
            said = f", after {failures[-1]}" if failures else ""
            raise SourceUnavailable(f"the vendor lets no call through within {PATIENCE_S:.0f} s{said}")
        pause = until - self._now()
        if pause > 0:
            self._sleep(pause)


def _retry_after_s(text: str | None) -> float | None:
    """Seconds, also of the form that is a date; None without a usable header."""
    try:
        return None if text is None else urllib3.Retry().parse_retry_after(text)
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None
