"""One ingester at a time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest

from shared.errors import LeaseLost
from shared.stores.control import ControlStore
from speed_layer.ingest import lease as module
from speed_layer.ingest.lease import Lease
from tests.fakes import virtual_time
from tests.fakes.control_rows import ControlRows

SECONDS = 10.0


@pytest.fixture
def rows() -> ControlRows:
    return ControlRows()


def _lease(rows: ControlRows, owner: str) -> Lease:
    return Lease(cast(ControlStore, rows), owner, SECONDS)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(module, "time", virtual_time.LoopTime)

    def run_(scene: Coroutine[Any, Any, Any]) -> Any:
        return virtual_time.run(scene)

    return run_


def _now() -> float:
    return asyncio.get_running_loop().time()


def test_a_free_lease_is_taken_at_once_and_epochs_rise(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        first = _lease(rows, "a")
        start = _now()
        assert await first.take() == 1
        await first.release()
        assert await _lease(rows, "b").take() == 2
        assert _now() - start < 1

    run(scene())


def test_a_successor_waits_until_the_deadline_of_one_that_died(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        await _lease(rows, "dead").take()
        start = _now()
        assert await _lease(rows, "next").take() == 2
        assert SECONDS < _now() - start <= SECONDS + 1.1

    run(scene())


def test_an_owner_takes_over_from_itself_at_once(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        await _lease(rows, "local").take()
        start = _now()
        assert await _lease(rows, "local").take() == 2
        assert _now() - start < 0.1

    run(scene())


def test_the_table_out_of_reach_is_asked_again(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        rows.down = True
        taking = asyncio.create_task(_lease(rows, "a").take())
        await asyncio.sleep(30)
        assert not taking.done()
        rows.down = False
        assert await asyncio.wait_for(taking, 2) == 1

    run(scene())


@pytest.mark.fault("F06")
def test_a_put_may_start_only_while_the_lease_outlasts_it(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        lease = _lease(rows, "a")
        with pytest.raises(LeaseLost):
            lease.check(0)
        await lease.take()
        lease.check(4)
        await asyncio.sleep(6.5)
        lease.check(3)
        with pytest.raises(LeaseLost):
            lease.check(4)

    run(scene())


def test_a_kept_lease_always_has_time_for_a_put(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        lease = _lease(rows, "a")
        await lease.take()
        keeping = asyncio.create_task(lease.keep())
        for _ in range(300):
            await asyncio.sleep(0.3)
            lease.check(4)
        assert rows.deadline_s >= _now() + 4
        assert not keeping.done()

    run(scene())


@pytest.mark.fault("F06")
def test_a_lease_that_another_took_stops_us(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        lease = _lease(rows, "a")
        await lease.take()
        keeping = asyncio.create_task(lease.keep())
        await asyncio.sleep(5)
        rows.owner, rows.epoch = "b", 2
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(keeping, 5)

    run(scene())


def test_a_lease_that_cannot_be_renewed_stops_us_when_it_ends_and_not_before(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        lease = _lease(rows, "a")
        await lease.take()
        start = _now()
        rows.down = True
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(lease.keep(), 30)
        assert SECONDS <= _now() - start < SECONDS + 3

    run(scene())


def test_a_short_failure_of_the_table_is_survived(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        lease = _lease(rows, "a")
        await lease.take()
        keeping = asyncio.create_task(lease.keep())
        rows.down = True
        await asyncio.sleep(4)
        rows.down = False
        await asyncio.sleep(20)
        assert not keeping.done()
        lease.check(4)

    run(scene())


def test_nothing_is_put_after_the_lease_was_given_back(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        lease = _lease(rows, "a")
        await lease.take()
        rows.down = True
        await lease.release()
        with pytest.raises(LeaseLost):
            lease.check(0)

    run(scene())


@pytest.mark.fault("F20")
def test_the_deadline_counts_from_before_the_table_was_asked(run: Any, rows: ControlRows) -> None:
    async def scene() -> None:
        async def slowly(call: Any, *arguments: Any) -> Any:
            await asyncio.sleep(3)
            return call(*arguments)

        lease = _lease(rows, "a")
        with pytest.MonkeyPatch.context() as patch:  # undone before the loop undoes its own
            patch.setattr(asyncio, "to_thread", slowly)
            await lease.take()
        lease.check(SECONDS - 3)
        with pytest.raises(LeaseLost):
            lease.check(SECONDS - 2.9)

    run(scene())
