"""The plan of a refill of hundreds of symbols: in virtual time, and against a vendor on a socket."""

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shared.clients import polygon_rest
from shared.clients.polygon_rest import PolygonRest
from shared.errors import AccessRefused, InvalidRecord, SourceUnavailable
from shared.polygon.trades import TradeEvent, TradesPage, event_of
from speed_layer.ingest.gap import LONGEST_S, Gap
from speed_layer.ingest.refill import AT_ONCE, FEW, PATIENCE_S, Refill
from tests.fakes import virtual_time
from tests.unit.speed_layer.feed import T0, trade
from tests.unit.speed_layer.one_ingester import Run, Streams
from tests.unit.speed_layer.one_ingester import Vendor as SmallVendor

MARKET = [f"S{n:03}" for n in range(600)]
TRADES_OF = {sym: 7 * n % 600 for n, sym in enumerate(MARKET)}
"""Each symbol another number; none is where the alphabet has it."""
BUSIEST_FIRST = sorted(MARKET, key=lambda sym: -TRADES_OF[sym])
A_SYMBOL_S = 1.0
ON_SOCKET = MARKET[:300]


class Source:
    """One page a symbol. `refuses(now)`: whether it answers nothing then (seconds since the refill began)."""

    def __init__(self, symbols: list[str], refuses: Callable[[float], bool] = lambda now: False) -> None:
        self.symbols, self.refuses = symbols, refuses
        self.answered: list[str] = []
        self.refused = 0
        self.snapshot: Exception | None = None
        self.snapshots = 0

    def first_page(self, sym: str, from_ms: int) -> str:
        return sym

    def trades(self, sym: str, page: str) -> TradesPage:
        if self.refuses(asyncio.get_running_loop().time() - virtual_time.START_S):
            self.refused += 1
            raise SourceUnavailable("the vendor answered 429")
        self.answered.append(sym)
        return TradesPage([event_of(trade(1, T0, sym=sym))])

    def traded_since(self, t_ms: int) -> list[str]:
        self.snapshots += 1
        if self.snapshot is not None:
            raise self.snapshot
        return sorted(self.symbols)


class Sink:
    """Each symbol takes its time; `most` were under way at once."""

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self.under_way = self.most = 0

    async def refill(self, events: list[TradeEvent]) -> None:
        self.symbols.append(events[0].sym)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(A_SYMBOL_S)
        self.under_way -= 1

    def refuse(self, row: bytes) -> None:
        raise AssertionError(row)


def refill_of(source: Source, sink: Sink, symbols: list[str] | None = None) -> Refill:
    return Refill(source, symbols or [], sink, TRADES_OF.__getitem__)


@pytest.mark.fault("F01")
def test_those_that_trade_most_are_filled_while_the_promise_stands_and_the_others_late() -> None:
    source, sink = Source(MARKET), Sink()

    async def play() -> None:
        gap = Gap(refill_of(source, sink), now_ms=lambda: T0)
        gap.fill(T0)
        await asyncio.sleep(LONGEST_S - 0.5)
        on_time = int(LONGEST_S / A_SYMBOL_S) * AT_ONCE
        assert (gap.is_open, sink.symbols) == (True, BUSIEST_FIRST[:on_time])
        await asyncio.sleep(1)
        assert (gap.is_open, gap.unfilled_from) == (False, T0), "late, and everybody may know"
        assert gap.left == len(MARKET) - on_time
        await gap.closed()
        assert (gap.filled, gap.unfilled, gap.holes, gap.left) == (1, 0, [], 0)

    virtual_time.run(play())
    assert sink.symbols == BUSIEST_FIRST
    assert sink.most == AT_ONCE


def test_a_vendor_that_refuses_calls_and_answers_now_and_then_is_asked_until_all_is_there() -> None:
    """Five calls a minute: between two answers each symbol is refused for longer than one alone would be patient."""
    source, sink = Source(MARKET[:40]), Sink()
    source.refuses = lambda now: now < 12 * len(source.answered)

    async def play() -> bool:
        return await refill_of(source, sink).run(T0)

    assert virtual_time.run(play())
    assert sorted(source.answered) == MARKET[:40]
    assert source.refused > 40, "the fault happened"


@pytest.mark.fault("F01")
def test_a_vendor_that_goes_away_in_the_middle_leaves_a_hole_and_nothing_under_way() -> None:
    source, sink, now = Source(MARKET, lambda now: now > 10), Sink(), [T0]

    async def play() -> None:
        gap = Gap(refill_of(source, sink), now_ms=lambda: now[0])
        gap.fill(T0 - 5_000)
        await asyncio.sleep(1)
        now[0] += 1_500
        gap.went_on()
        await asyncio.sleep(10 + PATIENCE_S + 1)
        assert (gap.is_open, gap.left, gap.filled, gap.unfilled) == (False, 0, 0, 1)
        assert gap.holes == [(T0 - 5_000, T0 + 1_500)], "up to where the feed went on, not to where it was given up"
        asked = source.refused
        await asyncio.sleep(60)
        assert source.refused == asked

    virtual_time.run(play())
    assert 0 < len(source.answered) < len(MARKET)


def test_a_refill_that_is_cancelled_takes_nothing_from_one_that_began_meanwhile() -> None:
    source, sink = Source(MARKET[:20]), Sink()

    async def play() -> bool:
        refill = refill_of(source, sink)
        former = asyncio.create_task(refill.run(T0))
        await asyncio.sleep(0.5 * A_SYMBOL_S)
        latter = asyncio.create_task(refill.run(T0))
        await asyncio.sleep(1.2 * A_SYMBOL_S)
        former.cancel()
        await asyncio.sleep(0)
        assert refill.left == 20 - AT_ONCE, "the latter's, and no less"
        source.answered.clear()
        return await latter

    assert virtual_time.run(play())
    assert source.answered == [sym for sym in BUSIEST_FIRST if sym in MARKET[:20]][2 * AT_ONCE :]


def test_of_a_long_list_only_those_that_have_traded_are_asked_for() -> None:
    source, sink = Source(["S001", "S300", "OTHER"]), Sink()
    assert virtual_time.run(refill_of(source, sink, MARKET).run(T0))
    assert sorted(source.answered) == ["S001", "S300"]


def test_a_short_list_needs_no_snapshot() -> None:
    source, sink = Source([]), Sink()
    assert virtual_time.run(refill_of(source, sink, MARKET[:FEW]).run(T0))
    assert (sorted(source.answered), source.snapshots) == (MARKET[:FEW], 0)


@pytest.mark.parametrize("error", [AccessRefused(), InvalidRecord("snapshot")])
def test_where_the_plan_has_no_snapshot_every_symbol_of_a_list_is_asked_for(error: Exception) -> None:
    source, sink = Source([]), Sink()
    source.snapshot = error
    assert virtual_time.run(refill_of(source, sink, MARKET).run(T0))
    assert source.answered == BUSIEST_FIRST
    with pytest.raises(type(error)):
        virtual_time.run(refill_of(source, sink).run(T0))


def test_an_ingester_asks_first_for_what_has_traded_most_also_before_its_start() -> None:
    quiet, busy = ([trade(n, T0 + 10 * n, sym=sym) for n in range(count)] for sym, count in (("AAA", 2), ("ZZZ", 9)))
    vendor, streams = SmallVendor([*quiet, *busy]), Streams()

    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(*vendor.trades_of_feed[vendor.passed :])
        await asyncio.sleep(3)
        run.ingester.on_down()
        await run.ingester.on_up()
        await asyncio.sleep(3)

    for epoch in (1, 2):
        assert virtual_time.run(streams.ingester(epoch, vendor).live_through(scene))
        assert [sym for sym, _ in vendor.asked][:2] == ["ZZZ", "AAA"]
        vendor.asked.clear()


# -- on a socket -------------------------------------------------------------------------------------------------------


class SocketVendor:
    """Three trades of each symbol, on two pages of every other one; each tenth call is answered with 429."""

    def __init__(self) -> None:
        self.url = ""
        self.calls = self.refused = self.under_way = self.most = 0
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def answer(self, path: str) -> tuple[int, object]:
        if "/snapshot/" in path:
            return 200, {"tickers": [{"ticker": sym, "updated": T0 * 10**6} for sym in ON_SOCKET]}
        with self.lock:
            self.calls += 1
            if self.calls % 10 == 0:
                self.refused += 1
                return 429, {}
        found = re.match(r"/v3/trades/(\w+)\?", path)
        assert found is not None
        sym = found[1]
        self.asked.append(sym)
        if "cursor" in path:
            return 200, {"status": "OK", "results": [_row(3)]}
        if TRADES_OF[sym] % 2:
            return 200, {"status": "OK", "results": [_row(1), _row(2), _row(3)]}
        following = f"{self.url}/v3/trades/{sym}?cursor=2"
        return 200, {"status": "OK", "results": [_row(1), _row(2)], "next_url": following}


def _row(n: int) -> dict[str, object]:
    numbers = {"sip_timestamp": (T0 + n) * 10**6, "sequence_number": n, "exchange": 4, "price": 167.42, "size": 100}
    return {**numbers, "id": str(n)}


@contextmanager
def serving(vendor: SocketVendor) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with vendor.lock:
                vendor.under_way += 1
                vendor.most = max(vendor.most, vendor.under_way)
            status, answer = vendor.answer(self.path)
            time.sleep(0.002)
            body = json.dumps(answer).encode()
            with vendor.lock:
                vendor.under_way -= 1
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
            """The test's output stays the test's."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield
        server.shutdown()


def test_hundreds_of_symbols_of_a_vendor_with_a_quota_are_filled_over_a_few_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("speed_layer.ingest.refill.TRY_AGAIN_S", 0.05)
    monkeypatch.setattr(polygon_rest, "RETRIES", polygon_rest.RETRIES.new(total=0))
    vendor, taken = SocketVendor(), Counter[tuple[str, str]]()

    class Taking(Sink):
        async def refill(self, events: list[TradeEvent]) -> None:
            taken.update((one.sym, one.i) for one in events)

    async def play() -> Gap:
        gap = Gap(Refill(PolygonRest(vendor.url, "key"), [], Taking(), TRADES_OF.__getitem__))
        gap.fill(T0)
        await gap.closed()
        return gap

    with serving(vendor):
        gap = asyncio.run(play())
    assert (gap.filled, gap.unfilled, gap.unfilled_from, gap.left) == (1, 0, 0, 0)
    assert taken == {(sym, str(n)): 1 for sym in ON_SOCKET for n in (1, 2, 3)}, "each trade of each symbol once"
    assert vendor.refused > 30, "the vendor did refuse"
    assert 1 < vendor.most <= AT_ONCE
    order = [sym for sym in BUSIEST_FIRST if sym in ON_SOCKET]
    assert set(list(dict.fromkeys(vendor.asked))[:100]) <= set(order[: 100 + AT_ONCE])
