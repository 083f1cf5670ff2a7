"""Gaps of the feed and their refill."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from shared.errors import AccessRefused, InvalidRecord, SourceUnavailable
from shared.polygon.trades import TradeEvent, TradesPage, event_of
from speed_layer.ingest.gap import LONGEST_S, Gap
from speed_layer.ingest.refill import STEP, Refill
from tests.fakes import virtual_time
from tests.unit.speed_layer.feed import T0, trade

MIDNIGHT = 1_381_291_200_000
"""In New York, after T0."""
NOW_MS = T0 + 60_000
"""The feed's time all along."""
Page = tuple[int, str | None]
"""How many trades, and the next page."""


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that questions have an order; how many are asked at once is for test_refill.py."""
    monkeypatch.setattr("speed_layer.ingest.refill.AT_ONCE", 1)


class Source:
    """Pages by name; `failures` of a page come before its answer."""

    def __init__(self, pages: dict[str, Page], failures: dict[str, list[Exception]] | None = None) -> None:
        self.pages, self.failures = pages, failures or {}
        self.asked: list[str] = []
        self.refused: list[bytes] = []
        self.since: list[int] = []

    def first_page(self, sym: str, from_ms: int) -> str:
        self.since.append(from_ms)
        return f"{sym}1"

    def trades(self, sym: str, page: str) -> TradesPage:
        self.asked.append(page)
        if self.failures.get(page):
            raise self.failures[page].pop(0)
        count, following = self.pages[page]
        return TradesPage([event_of(trade(n, T0 + n, sym=sym)) for n in range(count)], following, self.refused)

    def traded_since(self, t_ms: int) -> list[str]:
        return ["A", "B"]


class Sink:
    def __init__(self) -> None:
        self.steps: list[tuple[str, int]] = []
        self.refused: list[bytes] = []

    def refuse(self, row: bytes) -> None:
        self.refused.append(row)

    async def refill(self, events: list[TradeEvent]) -> None:
        self.steps.append((events[0].sym, len(events)))
        await asyncio.sleep(0.1)


def _play(scene: Callable[[Gap], Coroutine[Any, Any, None]], source: Source, symbols: tuple[str, ...] = ()) -> Sink:
    sink = Sink()

    async def play() -> None:
        await scene(Gap(Refill(source, list(symbols), sink), now_ms=lambda: NOW_MS))

    virtual_time.run(play())
    return sink


def _is_open(gap: Gap) -> bool:
    return gap.is_open


def test_a_start_is_a_gap_until_the_feed_is_up_and_there_is_nothing_to_fill() -> None:
    async def scene(gap: Gap) -> None:
        assert _is_open(gap)
        gap.fill(None)
        assert not _is_open(gap)

    _play(scene, Source({}))


def test_what_a_predecessor_left_is_filled_though_the_stream_no_longer_holds_a_trade() -> None:
    """A live ingester that starts in a long night: its own feed has no time yet to fill from."""
    source = Source({"A1": (1, None), "B1": (1, None)})

    async def play() -> None:
        gap = Gap(Refill(source, [], Sink()), T0)
        gap.fill(None)
        assert _is_open(gap)
        await asyncio.sleep(1)
        assert (gap.is_open, gap.filled, gap.unfilled_from) == (False, 1, 0)

    virtual_time.run(play())
    assert source.since == [T0, T0]


def test_a_row_that_is_no_trade_goes_to_quarantine_and_the_gap_is_filled_all_the_same() -> None:
    source = Source({"A1": (1, None)})
    source.refused = [b'{"price":"x"}']
    filled: list[int] = []

    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        await gap.closed()
        filled.append(gap.filled)

    sink = _play(scene, source, ("A",))
    assert (sink.refused, sink.steps, filled) == ([b'{"price":"x"}'], [("A", 1)], [1])


def test_every_page_of_every_symbol_that_traded_is_taken_in_order_and_in_small_steps() -> None:
    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        assert _is_open(gap)
        await gap.closed()
        assert not _is_open(gap)
        assert (gap.filled, gap.unfilled) == (1, 0)

    source = Source({"A1": (STEP + 1, "A2"), "A2": (0, "A3"), "A3": (3, None), "B1": (1, None)})
    sink = _play(scene, source)
    assert source.asked == ["A1", "A2", "A3", "B1"]
    assert source.since == [T0, T0]
    assert sink.steps == [("A", STEP), ("A", 1), ("A", 3), ("B", 1)]


def test_named_symbols_are_asked_for_without_a_snapshot() -> None:
    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        await gap.closed()

    assert _play(scene, Source({"C1": (1, None)}), ("C",)).steps == [("C", 1)]


def test_the_same_page_is_asked_again_while_the_vendor_does_not_answer() -> None:
    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        await gap.closed()
        assert (gap.filled, gap.unfilled) == (1, 0)

    source = Source({"A1": (1, "A2"), "A2": (1, None), "B1": (1, None)}, {"A2": [SourceUnavailable()] * 5})
    sink = _play(scene, source)
    assert source.asked == ["A1", *["A2"] * 6, "B1"]
    assert sink.steps == [("A", 1), ("A", 1), ("B", 1)]


@pytest.mark.fault("F01")
def test_a_vendor_that_stays_away_leaves_the_gap_unfilled_and_the_promise_goes_on() -> None:
    async def scene(gap: Gap) -> None:
        start = asyncio.get_running_loop().time()
        gap.fill(T0)
        await gap.closed()
        assert LONGEST_S <= asyncio.get_running_loop().time() - start < LONGEST_S + 2
        assert not _is_open(gap)
        assert (gap.filled, gap.unfilled, gap.holes) == (0, 1, [(T0, MIDNIGHT)])

    _play(scene, Source({}, {"A1": [SourceUnavailable()] * 1_000}))


@pytest.mark.fault("F01")
def test_a_gap_that_was_given_up_ends_where_the_feeds_time_has_gone_since() -> None:
    now = [T0 + 1_000]

    async def play() -> None:
        gap = Gap(Refill(Source({}, {"A1": [InvalidRecord("pages")]}), ["A"], Sink()), now_ms=lambda: now[0])
        gap.fill(T0)
        await asyncio.sleep(1)
        assert not gap.is_open
        gap.went_on()
        assert (gap.unfilled_from, gap.holes) == (T0, []), "the feed has brought nothing: who knows what it has passed"
        now[0] = T0 + 400_000
        gap.went_on()
        assert (gap.unfilled_from, gap.holes) == (0, [(T0, T0 + 400_000)])

    virtual_time.run(play())


@pytest.mark.fault("F01")
def test_what_comes_while_a_gap_is_refilled_does_not_end_it() -> None:
    now = [T0]

    async def play() -> None:
        source = Source({"A1": (1, "A2"), "A2": (1, None), "B1": (1, None)})
        gap = Gap(Refill(source, [], Sink()), now_ms=lambda: now[0])
        gap.fill(T0)
        await asyncio.sleep(0.15)
        now[0] += 1_000
        gap.went_on()
        assert (gap.unfilled_from, gap.holes) == (T0, []), "a hole is what was given up"
        await gap.closed()
        assert (gap.filled, gap.unfilled_from, gap.holes) == (1, 0, [])

    virtual_time.run(play())


def test_of_more_holes_than_can_be_told_the_oldest_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speed_layer.ingest.gap.MOST_HOLES", 2)
    now = [T0]

    async def play() -> None:
        source = Source({"B1": (1, None)}, {"A1": [InvalidRecord("pages") for _ in range(3)]})
        gap = Gap(Refill(source, [], Sink()), now_ms=lambda: now[0])
        for start in (T0, T0 + 10, T0 + 500):
            gap.open()
            gap.fill(start)
            await asyncio.sleep(1)
            now[0] += 100
            gap.went_on()
        assert gap.holes == [(T0, T0 + 200), (T0 + 500, T0 + 500)]

    virtual_time.run(play())


@pytest.mark.fault("F01")
def test_after_30_s_the_promise_goes_on_and_so_does_the_refill() -> None:
    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        await asyncio.sleep(LONGEST_S - 0.1)
        assert _is_open(gap)
        await asyncio.sleep(0.2)
        assert not _is_open(gap)
        assert gap.filled == 0
        await gap.closed()
        assert gap.filled == 1

    pages: dict[str, Page] = {f"A{n}": (1, f"A{n + 1}") for n in range(1, 400)} | {"A400": (1, None), "B1": (1, None)}
    assert len(_play(scene, Source(pages)).steps) == 401


def test_pages_that_go_round_in_a_circle_end_and_the_other_symbols_are_filled() -> None:
    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        await gap.closed()
        assert (gap.filled, gap.unfilled) == (0, 1)

    source = Source({"A1": (1, "A2"), "A2": (1, "A1"), "B1": (1, None)})
    _play(scene, source)
    assert source.asked == ["A1", "A2", "B1"]


@pytest.mark.fault("F08")
def test_a_symbol_that_the_vendor_refuses_keeps_no_other_from_its_refill() -> None:
    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        await gap.closed()
        assert (gap.filled, gap.unfilled) == (0, 1)

    assert _play(scene, Source({"B1": (1, None)}, {"A1": [InvalidRecord("status")]})).steps == [("B", 1)]


def test_a_refused_key_ends_the_refill() -> None:
    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        await gap.closed()
        assert (gap.is_open, gap.filled, gap.unfilled) == (False, 0, 1)

    source = Source({}, {"A1": [AccessRefused()]})
    _play(scene, source)
    assert source.asked == ["A1"]


@pytest.mark.fault("F01")
def test_a_refill_cut_short_by_another_loss_begins_again_from_where_the_first_did() -> None:
    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        await asyncio.sleep(0.15)
        gap.open()
        await asyncio.sleep(60)
        assert gap.is_open, "while the feed is gone the promise stands, however long"
        gap.fill(T0 + 5_000)
        await gap.closed()
        assert (gap.is_open, gap.filled, gap.unfilled) == (False, 1, 0)
        gap.open()
        assert _is_open(gap), "the promise stands from the moment at which the feed is lost"
        gap.fill(T0 + 9_000)
        await gap.closed()

    source = Source({"A1": (1, "A2"), "A2": (1, None), "B1": (1, None)})
    _play(scene, source)
    assert source.since == [T0, T0, T0, T0 + 9_000, T0 + 9_000]


def test_a_feed_that_ends_while_the_connection_is_gone_is_still_refilled() -> None:
    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        await asyncio.sleep(0.15)
        closing = asyncio.create_task(gap.closed())
        await asyncio.sleep(0.05)
        gap.open()
        await closing
        assert gap.filled == 1

    source = Source({"A1": (1, "A2"), "A2": (1, "A3"), "A3": (1, None), "B1": (1, None)})
    _play(scene, source)
    assert source.asked[-4:] == ["A1", "A2", "A3", "B1"]


def test_a_feed_that_comes_back_while_its_end_is_refilled_is_refilled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the feed's end a refill goes on without a connection, and one that comes begins another."""
    monkeypatch.setattr("speed_layer.ingest.refill.AT_ONCE", 8)

    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        closing = asyncio.create_task(gap.closed())
        await asyncio.sleep(0.05)
        gap.open()
        await asyncio.sleep(0.05)
        assert gap._task is not None, "the end goes on with it"
        gap.fill(T0 + 5_000)
        await closing
        assert (gap.filled, gap.unfilled, gap.holes) == (0, 1, [(T0, MIDNIGHT)])

    source = Source({"A1": (1, "A2"), "A2": (1, "A3"), "B1": (1, None)}, {"A3": [InvalidRecord("pages")] * 9})
    _play(scene, source)
    assert source.asked.count("A3") == 1, "by the last, and no other went on"


def test_an_error_that_nobody_foresaw_does_not_leave_the_promise_standing() -> None:
    async def scene(gap: Gap) -> None:
        gap.fill(T0)
        task = gap._task
        assert task is not None
        await gap.closed()
        assert isinstance(task.exception(), ZeroDivisionError)
        assert (gap.is_open, gap.unfilled) == (False, 1)

    _play(scene, Source({}, {"A1": [ZeroDivisionError()]}))
