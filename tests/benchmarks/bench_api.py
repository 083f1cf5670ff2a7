"""How long the API takes for a page of bars, beside a bare FastAPI route over the same minutes in the same run."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from fastapi import FastAPI

from serving_layer.api.wiring import spare_collections
from shared.frames import encode_partial
from shared.models.bar import Partial
from shared.stores.bars import BarStore, MinuteItem
from shared.stores.history import History
from tests.benchmarks.rows import Row
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Forming, minute_of
from tests.unit.serving_layer.events import HEADERS

MINUTES = 5_000
PAGE = f"/v2/aggs/ticker/SPY/range/1/minute/{T0}/{T0 + 10**10}?limit=50000"
GZIP = {**HEADERS, "Accept-Encoding": "gzip"}


def minutes(count: int) -> list[tuple[int, Partial]]:
    """A walk in cents, with the spread of counts and sizes of a liquid symbol."""
    found, price = [], 16_742
    for i in range(count):
        t = T0 + i * MINUTE
        price += (i * 7919) % 11 - 5
        size = 1_000 + (i * 104_729) % 90_000
        found.append(
            (
                t,
                minute_of(
                    t, first=price, last=price + i % 5, high=price + 9, low=price - 7, size=size, count=size // 90
                ),
            )
        )
    return found


class Rows:
    """Speed rows that are decoded already: what remains is the handler."""

    def __init__(self, count: int) -> None:
        self._items = [MinuteItem(t, partial, {}) for t, partial in minutes(count)]

    def minutes(self, *_: Any, reverse: bool = False) -> Any:
        return reversed(self._items) if reverse else iter(self._items)


class Table:
    """A DynamoDB client that has the items at hand, in pages of 1 MB: what remains is the handler and the decoding."""

    def __init__(self, count: int) -> None:
        items = [
            {
                "sym": {"S": "SPY"},
                "t": {"N": str(t)},
                "base": {"S": encode_partial(partial)},
                "n": {"N": str(partial.count)},
                "ttl": {"N": str(NOW_S * 2)},
            }
            for t, partial in minutes(count)
        ]
        self._pages = [items[i : i + 3_500] for i in range(0, count, 3_500)]

    def query(self, **request: Any) -> dict[str, Any]:
        index = request.get("ExclusiveStartKey", 0)
        more = {"LastEvaluatedKey": index + 1} if index + 1 < len(self._pages) else {}
        return {"Items": self._pages[index], **more}


class Times(NamedTuple):
    """Milliseconds of some calls: by the clock, and of processor time, which other work disturbs less."""

    p50: float
    p99: float
    cpu_p50: float
    cpu_p99: float


def timed(call: Callable[[], Any], times: int) -> Times:
    """After three calls that do not count."""
    for _ in range(3):
        call()
    wall, cpu = [], []
    for _ in range(times):
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        call()
        wall.append((time.perf_counter() - begin) * 1e3)
        cpu.append((time.thread_time() - begin_cpu) * 1e3)
    return Times(*(percentile(sorted(found), share) for found in (wall, cpu) for share in (0.5, 0.99)))


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def bare_fastapi() -> Callable[[], Any]:
    """The same minutes through the merged read, presented as floats by a route that does nothing else."""
    app, history = FastAPI(), History(Rows(MINUTES), Forming())

    @app.get("/bars")
    async def bars() -> dict[str, Any]:
        read = history.minutes("SPY", T0, T0 + 10**10, NOW_S)
        return {"results": [_plain(t, partial) for t, partial in read]}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/bars",
        "headers": [],
        "query_string": b"",
        "http_version": "1.1",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(f"the bare route answered {message['status']}")

    return lambda: asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # starlette's own dictionaries


def _plain(t: int, partial: Partial) -> dict[str, Any]:
    first, last, volume = partial.first or "", partial.last or "", partial.volume
    return {
        "v": volume / 1e6,
        "vw": round(partial.notional / volume / 1e9, 4),
        "o": int(first[-18:]) / 1e9,
        "c": int(last[-18:]) / 1e9,
        "h": (partial.high or 0) / 1e9,
        "l": (partial.low or 0) / 1e9,
        "t": t,
        "n": partial.count,
    }


def run() -> list[Row]:
    """About 20 seconds."""
    ready, table, large = Api(rows=Rows(MINUTES)), Api(rows=BarStore(Table(MINUTES), "bars")), Api(rows=Rows(50_000))
    spare_collections()
    pages = {
        "5,000 bars": timed(lambda: ready.send(PAGE), 200),
        "5,000 bars, gzip": timed(lambda: ready.send(PAGE, headers=GZIP), 200),
        "5,000 bars, gzip, decoded from items": timed(lambda: table.send(PAGE, headers=GZIP), 100),
        "5,000 bars, bare FastAPI route": timed(bare_fastapi(), 50),
        "50,000 bars, gzip": timed(lambda: large.send(PAGE, headers=GZIP), 10),
    }
    ratio = pages["5,000 bars, bare FastAPI route"].cpu_p50 / pages["5,000 bars"].cpu_p50
    return [
        *(
            Row(f"{name}, {kind}", value, "ms", 25 if kind == "p99" and name == "5,000 bars" else None)
            for name, times in pages.items()
            for kind, value in zip(("p50", "p99", "processor p50", "processor p99"), times, strict=True)
        ),
        Row("rate beside the bare FastAPI route", ratio, "x", 0.5),
        Row("50,000 bars, answer", len(large.send(PAGE)["body"]) / 2**20, "MiB", 6),
    ]
