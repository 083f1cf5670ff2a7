"""How old a trade is when it is pushed, and a signal when it is stored, at a steady pace of trades.

A made-up feed plays at its own pace, so every event time has a host time: where the vendor server's clock stood. A bar
may close once a trade 2 s past its end has arrived; the ingester decides on that once a second and tells it by a
heartbeat; the rest is streams and functions. Each stage is reported by itself.
"""

import asyncio
import gzip
import json
import os
import random
import statistics
import tempfile
import threading
import time
import urllib.request
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from websockets.asyncio.client import connect

from shared.frames import decode_frame
from tests.benchmarks.rows import Row
from tests.end_to_end.local_platform import LocalPlatform, running

RATES = (1_000, 10_000)
SYMBOLS = 100
SECONDS = 190
START_MS = 1_381_239_650_000
"""2013-10-08 09:40:50 in New York: minutes end 10, 70, 130 and 190 s into the feed."""
STRATEGIES = '[{"strategy":"volume_spike","timeframes":["1m"],"params":{"bars":2,"factor":1.01}}]'
"""Nearly every second bar gives a signal."""
LIMIT_MS = 250
AHEAD_MS = 2_000
CATCH_UP_S = 900


class Stamped(NamedTuple):
    """Event time and the host time at which something was seen, both Unix ms."""

    t: int
    at: float


def run() -> Iterator[Row]:
    """About five minutes a rate, more where the machine cannot keep its pace."""
    for rate in RATES:
        yield from _at(rate)


def _at(rate: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        feed = Path(folder) / "trades.jsonl.gz"
        _write(feed, rate)
        os.environ["STRATEGIES"] = STRATEGIES
        try:
            with running(Path(folder) / "state", "--hold-until-subscriber", feed=feed, speed="1") as platform:
                return list(_measured(platform, rate))
        finally:
            del os.environ["STRATEGIES"]


def _write(file: Path, rate: int) -> None:
    draw = random.Random(rate)
    prices = [10_000 + 100 * number for number in range(SYMBOLS)]
    with gzip.open(file, "wt", compresslevel=1) as out:
        for number in range(rate * SECONDS):
            sym = draw.randrange(SYMBOLS)
            prices[sym] = max(100, prices[sym] + draw.choice((-1, 0, 1)))
            out.write(
                f'{{"ev":"T","sym":"S{sym:03d}","x":11,"i":"{number}","z":1,"p":{prices[sym] / 100},'
                f'"s":{draw.randint(1, 400)},"t":{START_MS + number * 1000 // rate},"q":{number}}}\n'
            )


def _measured(platform: LocalPlatform, rate: int) -> list[Row]:
    listener = _Listener(platform)
    listener.start()
    platform.wait_for(lambda: platform.health()["feed"]["trades_in"] > 0, 60, "to take trades")
    shift = _host_minus_feed(platform)
    platform.wait_until_ended(SECONDS + CATCH_UP_S)
    listener.join(10)
    pushed = [seen.at - (seen.t + shift) for seen in listener.seen]
    heartbeats = _heartbeats(platform)
    known = _signals(platform)
    allowed = [t + 60_000 + AHEAD_MS + shift for t, _ in known]
    promised = [_first_promise(heartbeats, t + 60_000) for t, _ in known]
    return [
        *_rows(f"{rate}/s: trade due to pushed", pushed),
        *_rows(f"{rate}/s: close allowed to promised", [p - a for p, a in zip(promised, allowed, strict=True)]),
        *_rows(
            f"{rate}/s: promised to signal stored", [k.at - p for k, p in zip(known, promised, strict=True)], LIMIT_MS
        ),
        *_rows(f"{rate}/s: close allowed to signal stored", [k.at - a for k, a in zip(known, allowed, strict=True)]),
        Row(f"{rate}/s: trades pushed, signals stored", len(pushed), f"T {len(known)} S"),
    ]


def _rows(name: str, values: Sequence[float], limit: float | None = None) -> list[Row]:
    if len(values) < 2:
        raise RuntimeError(f"{name}: nothing was measured")
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return [Row(f"{name}, p{at}", cuts[at - 1], "ms", limit if at == 99 else None) for at in (50, 95, 99)]


class _Listener(threading.Thread):
    """Takes every trade from `/stocks`, with the time of its arrival here."""

    def __init__(self, platform: LocalPlatform) -> None:
        super().__init__(daemon=True)
        self.seen: list[Stamped] = []
        self._platform = platform

    def run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        url = self._platform.base.replace("http://", "ws://") + "/stocks"
        key = self._platform.health()["local_key"]
        with suppress(Exception):  # the platform is stopped under it at the end
            async with connect(url, max_size=None) as socket:
                await socket.send(json.dumps({"action": "auth", "params": key}))
                await socket.send(json.dumps({"action": "subscribe", "params": "T.*"}))
                async for message in socket:
                    at = time.time() * 1000
                    self.seen += [Stamped(e["t"], at) for e in json.loads(message) if e["ev"] == "T"]


def _host_minus_feed(platform: LocalPlatform) -> float:
    """Host time less feed time, Unix ms: the smallest of some looks at the vendor server's clock."""
    url = next(line.split()[-1] for line in platform.printed().splitlines() if line.startswith("vendor"))
    looks: list[float] = []
    for _ in range(20):
        with urllib.request.urlopen(f"{url}/__feed", timeout=5) as answer:  # noqa: S310 -- our own server
            clock_ms = json.load(answer)["clock_ms"]
        looks.append(time.time() * 1000 - clock_ms)
        time.sleep(0.05)
    return min(looks)


def _heartbeats(platform: LocalPlatform) -> list[Stamped]:
    """When each promise (as Unix ms) came to the trades stream, in order, from the stream itself."""
    url = next(line.split()[-1] for line in platform.printed().splitlines() if line.startswith("AWS emulator"))
    kinesis = boto3.client(
        "kinesis", endpoint_url=url, region_name="us-east-1", aws_access_key_id="0" * 12, aws_secret_access_key="local"
    )
    stream = next(name for name in kinesis.list_streams()["StreamNames"] if "rades" in name)
    found: dict[int, float] = {}
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        where = {"StreamName": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(**where)["ShardIterator"]
        while iterator:
            page = kinesis.get_records(ShardIterator=iterator, Limit=1_000)
            for record in page["Records"]:
                _note(record, found)
            iterator = page.get("NextShardIterator") if page["Records"] or page["MillisBehindLatest"] else None
    return sorted(Stamped(t, at) for t, at in found.items())


def _note(record: dict[str, Any], found: dict[int, float]) -> None:
    at = record["ApproximateArrivalTimestamp"].timestamp() * 1000
    for part in decode_frame(record["Data"]):
        if not part.sym and not part.quarantine:
            found[part.sec * 1000] = min(at, found.get(part.sec * 1000, at))


def _first_promise(heartbeats: Sequence[Stamped], end_ms: int) -> float:
    return heartbeats[bisect_left(heartbeats, Stamped(end_ms, 0.0))].at


def _signals(platform: LocalPlatform) -> list[Stamped]:
    """Start of the bar of each signal that never changed, and when it was stored."""
    found = []
    for number in range(SYMBOLS):
        for page in platform.rest.pages(f"/v1/signals?ticker=S{number:03d}&limit=1000"):
            found += [Stamped(one["t"], one["known_at"]) for one in page.get("results", [])]
    last = START_MS + SECONDS * 1000
    return [one for one in found if one.t + 60_000 + AHEAD_MS < last]  # the last minutes close with the feed's end
