"""Which trade dates are run when, by the feed's own clock; what becomes of them is said."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from batch_layer.nightly.whole import LogNotWhole
from local_dev.runtime import nights as module
from local_dev.runtime.nights import Nights
from local_dev.runtime.platform import Platform
from local_dev.runtime.state_machine import Ended
from shared.bars.sessions import SessionDay, new_york_sessions
from shared.bars.windows import NEW_YORK
from shared.stores.runs import FAILED, FINISHED, Run

MONDAY, TUESDAY, SUNDAY = date(2013, 10, 7), date(2013, 10, 8), date(2013, 10, 6)
EVERYTHING: dict[str, Any] = {"session": {"run": True}, "settle": {"counts": {"rows": 1_234}}}


def at(day: date, hour: int) -> int:
    """Unix second of a New York hour."""
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK).timestamp())


class Told:
    """A platform as far as nights look at one, and the nightly that it would run."""

    def __init__(self, state: Path) -> None:
        self.promise = 0
        self.objects = {SUNDAY: 1, MONDAY: 3, TUESDAY: 2}
        self.earlier: list[Run] = []
        self.ran: list[date] = []
        self.behind: set[date] = set()
        self.ends: Mapping[date, Ended] = {}
        self.pages: dict[str, bytes] = {}
        self.lines: list[str] = []
        self.platform = cast("Platform", SimpleNamespace(
            sessions=new_york_sessions(),
            state=SimpleNamespace(path=state),
            control=SimpleNamespace(epochs=lambda: iter([{"promise": self.promise}])),
            runs=SimpleNamespace(runs=lambda first, last: self.earlier),
            lake=SimpleNamespace(dates=lambda: sorted(self.objects), keys=self._keys),
            objects=SimpleNamespace(get=self._page),
        ))  # fmt: skip

    def __enter__(self) -> "Told":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, day: date, stop: Callable[[], bool]) -> Ended:
        self.ran.append(day)
        return self.ends.get(day, Ended("arn", "SUCCEEDED", EVERYTHING, "", ""))

    def check_whole(self, lake: object, objects: object, session: SessionDay) -> None:
        if session.date in self.behind:
            raise LogNotWhole("the archive is behind")

    def _keys(self, prefix: str) -> Iterator[str]:
        (count,) = (number for day, number in self.objects.items() if prefix == f"raw/trades/date={day}/")
        return iter([prefix] * count)

    def _page(self, key: str) -> Any:
        return SimpleNamespace(data=self.pages[key]) if key in self.pages else None


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    told = Told(tmp_path)
    monkeypatch.setattr(module, "check_whole", told.check_whole)
    return told


@pytest.fixture
def nights(told: Told) -> Nights:
    return Nights(told.platform, cast("Any", lambda: told), told.lines.append)


def look(nights: Nights) -> None:
    nights.look()
    nights.wait()


def test_a_date_is_run_once_the_feed_has_come_past_its_session(told: Told, nights: Nights) -> None:
    told.promise = at(MONDAY, 19)
    look(nights)
    assert told.ran == []
    told.promise = at(MONDAY, 20)
    look(nights)
    assert told.ran == [MONDAY], "and Sunday has no session"
    told.promise = at(TUESDAY, 20)
    look(nights)
    look(nights)
    assert told.ran == [MONDAY, TUESDAY]
    assert [line.split(",")[0] for line in told.lines] == ["2013-10-07: settled", "2013-10-08: settled"]


def test_a_date_whose_log_is_not_whole_yet_waits_for_it(told: Told, nights: Nights) -> None:
    told.promise, told.behind = at(TUESDAY, 20), {TUESDAY}
    look(nights)
    assert told.ran == [MONDAY]
    told.objects[TUESDAY], told.behind = 9, set()
    look(nights)
    nights.finish()
    assert told.ran == [MONDAY, TUESDAY], "and what came before it was whole is no reason to do it again"


def test_what_an_earlier_start_has_finished_is_left_and_what_it_has_not_is_done(told: Told, nights: Nights) -> None:
    told.earlier = [
        Run(MONDAY, "a", FINISHED, 0, 0, {}, {}, 1),
        Run(TUESDAY, "a", FAILED, 0, 0, {}, {}, 1),
    ]
    told.promise = at(TUESDAY, 20)
    look(nights)
    assert told.ran == [TUESDAY]


def test_at_the_end_dates_are_done_whose_trades_came_later_than_their_nightly(told: Told, nights: Nights) -> None:
    told.promise = at(MONDAY, 20)
    look(nights)
    told.promise = at(TUESDAY, 20)
    told.objects[MONDAY] += 1
    nights.finish()
    assert told.ran == [MONDAY, MONDAY, TUESDAY]
    nights.finish()
    assert told.ran == [MONDAY, MONDAY, TUESDAY]


def test_what_could_not_be_done_is_said_and_not_tried_for_ever(told: Told, nights: Nights) -> None:
    why = {"session": {"run": True}, "settle": {"counts": {"minutes": 0, "why": "2 minutes are not in the raw log"}}}
    told.ends = {
        MONDAY: Ended("arn", "FAILED", {}, "AccessRefused", "check the key"),
        TUESDAY: Ended("arn", "SUCCEEDED", why, "", ""),
    }
    told.promise = at(TUESDAY, 20)
    look(nights)
    look(nights)
    assert told.ran == [MONDAY, TUESDAY]
    assert told.lines[0] == "2013-10-07: AccessRefused: check the key"
    assert told.lines[1].startswith("2013-10-08: not settled: 2 minutes are not in the raw log, in 0.")


def test_the_report_lies_beside_the_state(told: Told, nights: Nights, tmp_path: Path) -> None:
    told.pages["reports/reconciliation/date=2013-10-07/report.html"] = b"<p>all equal"
    told.promise = at(MONDAY, 20)
    look(nights)
    page = tmp_path / "reports/2013-10-07.html"
    assert page.read_bytes() == b"<p>all equal"
    assert told.lines[0].endswith(f"settled, 1,234 minutes, in 0.0 s; {page}")


def test_after_a_stop_nothing_new_is_begun(told: Told, nights: Nights) -> None:
    told.promise = at(TUESDAY, 20)
    nights.stop()
    look(nights)
    assert told.ran == []
