"""Reads the platform's REST API, page by page, numbers exact."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from local_dev.cli.errors import WrongInput
from shared.bars.windows import NEW_YORK
from shared.errors import CondvestError

CONNECT_SECONDS, READ_SECONDS = 2.0, 30.0
PAGE = 5_000


class ApiFailed(CondvestError):
    """The API did not answer, or answered with a failure of its own."""


class ApiClient:
    """One API. Raises WrongInput for what it refuses, in its own words, and ApiFailed for the rest.

    The key is asked for with the first request that needs one, where none is given and the platform gives one away.
    """

    def __init__(self, url: str, key: str, read_seconds: float = READ_SECONDS) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise WrongInput(f"--url must start with http:// or https://, was {url}.")
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
        self._url, self._pool = url, urllib3.PoolManager(timeout=timeout, retries=False)
        self._given_key, self._read_seconds = key, read_seconds

    def key(self) -> str:
        """Empty when there is none: the API then refuses in its own words."""
        if not self._given_key:
            self._given_key = str(self._health().get("local_key", ""))
        return self._given_key

    def feed(self) -> dict[str, Any]:
        """What health tells of the feed: `source`, `state`, `last_trade_ms`, ..."""
        feed: dict[str, Any] = self._health()["feed"]
        return feed

    def last_day(self) -> str:
        """New York date of the last trade, or of today when there is none."""
        last_ms = self.feed()["last_trade_ms"]
        at = datetime.fromtimestamp(last_ms / 1000, NEW_YORK) if last_ms else datetime.now(NEW_YORK)
        return at.date().isoformat()

    def bars(
        self, ticker: str, multiplier: int, timespan: str, since: str, until: str, *, adjusted: bool = True
    ) -> Iterator[dict[str, Any]]:
        """In order of time, all pages. `since`, `until`: dates or Unix ms, both included."""
        path = "/".join(quote(part, safe="") for part in (ticker, "range", str(multiplier), timespan, since, until))
        yield from self._pages(f"/v2/aggs/ticker/{path}?limit={PAGE}&sort=asc{'' if adjusted else '&adjusted=false'}")

    def trades(self, ticker: str, since_ms: int, until_ms: int) -> Iterator[dict[str, Any]]:
        """In order of time, all pages, of [since_ms, until_ms)."""
        chosen = {"timestamp.gte": f"{since_ms}000000", "timestamp.lt": f"{until_ms}000000", "order": "asc"}
        yield from self._pages(f"/v3/trades/{quote(ticker, safe='')}?{urlencode({**chosen, 'limit': PAGE})}")

    def alerts(self) -> Iterator[dict[str, Any]]:
        """Of the key, all pages."""
        yield from self._pages("/v1/alerts")

    def add_alert(self, rule: bytes) -> dict[str, Any]:
        """The alert that the platform has made of it, or had already."""
        return dict(self._asked(f"{self._url}/v1/alerts", "POST", rule)["results"])

    def remove_alert(self, id_: str) -> None:
        self._asked(f"{self._url}/v1/alerts/{quote(id_, safe='')}", "DELETE")

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        url: str | None = f"{self._url}{path}"
        while url:
            page = self._asked(url)
            yield from page.get("results", [])
            url = page.get("next_url")
            if url and urlsplit(url)[:2] != urlsplit(self._url)[:2]:
                raise ApiFailed(f"the next page is on another server, {url}: the key is not sent there")

    def snapshots(self, tickers: Iterable[str]) -> list[dict[str, Any]]:
        """Of these symbols, or of all when none is named; unknown ones are left out."""
        chosen = urlencode({"tickers": ",".join(tickers)})
        page = self._asked(f"{self._url}/v2/snapshot/locale/us/markets/stocks/tickers?{chosen}")
        return list(page.get("tickers", []))

    def latest_signals(self, ticker: str | None, limit: int) -> list[dict[str, Any]]:
        """Active ones, newest first: of one symbol by their bars, of all by when they became known."""
        chosen = {"status": "active", "order": "desc", "limit": str(limit), **({"ticker": ticker} if ticker else {})}
        return list(self._asked(f"{self._url}/v1/signals?{urlencode(chosen)}").get("results", []))

    def _health(self) -> dict[str, Any]:
        return self._get(f"{self._url}/v1/health", {})

    def _asked(self, url: str, method: str = "GET", body: bytes | None = None) -> dict[str, Any]:
        kind = {} if body is None else {"Content-Type": "application/json"}
        return self._get(url, {"Authorization": f"Bearer {self.key()}", **kind}, method, body)

    def _get(self, url: str, headers: dict[str, str], method: str = "GET", sent: bytes | None = None) -> dict[str, Any]:
        try:
            answer = self._pool.request(method, url, headers=headers, body=sent)
            if answer.status == 204:
                return {}
            body = json.loads(answer.data, parse_float=Decimal)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise ApiFailed(f"{self._url} took longer than {self._read_seconds:g} s to answer") from error
        except urllib3.exceptions.HTTPError as error:
            raise ApiFailed(f"{self._url} does not answer: is the platform running there?") from error
        except ValueError as error:
            raise ApiFailed(f"{self._url} answered {answer.status} with something that is not JSON") from error
        if answer.status in {200, 201} and isinstance(body, dict):
            return body
        said = body.get("error") if isinstance(body, dict) else None
        if 400 <= answer.status < 500:
            raise WrongInput(f"{said or 'the request was refused'} ({answer.status}).")
        raise ApiFailed(f"{said or 'the request failed'} ({answer.status})")
