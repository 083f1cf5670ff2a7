"""An ingester that lives on the host's clock in virtual time, tells its counts to a control table, and is watched."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.bars.sessions import new_york_sessions
from shared.errors import SourceUnavailable
from shared.frames import decode_bars
from shared.stores.control import ControlStore, Progress
from shared.stores.runs import RunLedger
from speed_layer.ingest import clock, service
from speed_layer.ingest import report as reporting
from speed_layer.watch.handler import BARS_READER, Watch
from tests.fakes import virtual_time
from tests.fakes.cloudwatch import NAMESPACE, Metrics
from tests.fakes.kinesis import Answer
from tests.unit.shared.stores.conftest import BUCKET, TABLE, create_table
from tests.unit.speed_layer.feed import T0, frame, trade
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor

OPEN_S = T0 // 1000
"""The regular session of 2013-10-08 opens, Unix s."""
TELLS_EVERY_S = 10.0
"""Rarer than once a second, well within what watch bears: a table in moto takes its time."""
STEP_S = 2
"""Trades come, frames are cut, promises decided and silence is followed in steps: many minutes have to pass."""
Scene = Callable[["Watched"], Coroutine[Any, Any, None]]


class Away(Vendor):
    """A vendor whose REST side answers nothing while it is `away`."""

    away = False

    def traded_since(self, t_ms: int) -> list[str]:
        if self.away:
            raise SourceUnavailable("the vendor is away")
        return super().traded_since(t_ms)


class Watched:
    """`from_s`: the host's time (Unix s) at its start. `behind_ms`: how far the host is behind the feed.
    `bars_stuck(now_s)`: whether the bars stream takes nothing at a time."""

    def __init__(
        self,
        dynamodb: Any,
        s3: Any,
        patch: pytest.MonkeyPatch,
        *,
        from_s: int = OPEN_S,
        behind_ms: int = 0,
        bars_stuck: Callable[[float], bool] = lambda now_s: False,
    ) -> None:
        def host_s() -> float:
            return from_s + asyncio.get_running_loop().time() - virtual_time.START_S

        class HostTime(virtual_time.LoopTime):
            time = staticmethod(host_s)

        self.now_s, self.behind_ms = host_s, behind_ms
        for module in (service, reporting):
            patch.setattr(module, "time", HostTime)
        patch.setattr(reporting, "EVERY_S", TELLS_EVERY_S)
        patch.setattr(service, "FRAME_S", STEP_S)
        patch.setattr(service, "DECIDE_S", STEP_S)
        patch.setattr(service, "SILENCE_STEP_S", STEP_S)
        patch.setattr(clock, "LONGEST_STEP_MS", STEP_S * 1000)
        patch.setenv("METRICS_NAMESPACE", NAMESPACE)
        create_table(dynamodb, {"pk": "S", "sk": "S"})
        self.control = ControlStore(dynamodb, TABLE)
        self.watch = Watch(
            self.control,
            RunLedger(dynamodb, TABLE),
            s3,
            BUCKET,
            new_york_sessions(),
            lambda: datetime.fromtimestamp(host_s(), UTC),
        )
        self.vendor, self.sent = Away([]), 0
        self.streams = Streams(bars=lambda n: Answer([False] * 100) if bars_stuck(host_s()) else Answer())
        self.ingester = self.streams.ingester(1, self.vendor, live=True)

    def play(self, scene: Scene) -> None:
        """A scene beside the ingester that tells, the watch that looks, and signals that note what bars promise."""

        async def beside(run: Run) -> None:
            telling = asyncio.create_task(reporting.report(run.ingester, run.publisher, self.control, 1))
            looking = asyncio.create_task(self._look())
            try:
                await scene(self)
            finally:
                telling.cancel()
                looking.cancel()

        assert virtual_time.run(self.ingester.live_through(beside))

    async def trading(self, minutes: float, *, arrives: bool = True, spoiled: int = 0) -> None:
        """Two trades a step for so long. Not `arrives`: the connection brings nothing, as the socket's reader sees
        it. `spoiled`: so many trades a minute that have no price."""
        run, since = self.ingester, self.now_s()
        while self.now_s() < since + minutes * 60:
            if arrives:
                await run.send(*self._two())
                if spoiled and int(self.now_s()) % 60 == 0:
                    await run.ingester.on_frame(frame(*(trade(n, self._t(), p=0) for n in range(spoiled))))
            elif run.ingester.is_silent():
                run.ingester.on_down()
                await asyncio.sleep(0.5)
                await run.ingester.on_up()
            await asyncio.sleep(STEP_S)

    def _two(self) -> Sequence[dict[str, Any]]:
        self.sent += 2
        return [trade(self.sent + n, self._t(), sym=sym) for n, sym in enumerate(("SPY", "AIG"))]

    def _t(self) -> int:
        return int(self.now_s() * 1000) + self.behind_ms

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(60 - self.now_s() % 60 + 1)
            bars = self.streams.bars.records()
            if bars:
                self.control.put_progress(BARS_READER, Progress(promise=decode_bars(bars[-1])[-1].s))
            self.watch.look()


def lines_of(capsys: pytest.CaptureFixture[str]) -> Metrics:
    """The metrics among what was written on the standard output so far."""
    metrics = Metrics()
    assert metrics.read(capsys.readouterr().out), "something was measured"
    return metrics
