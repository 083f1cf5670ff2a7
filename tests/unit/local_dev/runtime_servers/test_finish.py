from types import SimpleNamespace
from typing import Any, cast

import pytest

from local_dev.runtime import mapping_rules
from local_dev.runtime.finish import Counts, drain, reckon, settle
from local_dev.runtime.platform import Platform, PlatformFailed
from local_dev.runtime.raw_log import Tally


def epoch(received: int, accepted: int, **more: Any) -> dict[str, Any]:
    return {"trades_in": received, "accepted": accepted, "state": "ended"} | more


def test_a_feed_without_loss_adds_up() -> None:
    reasons = {"future": 2, "conflict": 1}
    last = epoch(10, 5, duplicates=2, quarantined=3, quarantined_by_reason=reasons, frames=4, parts=5, bars=6, late=1)
    counts = reckon([last | {"ignored": {"XT": 2}}], Tally(5, 5, 0))
    assert counts == Counts(10, 4, 5, 6, 1, 2, 3, 0, 0, reasons, {"XT": 2})


def test_a_trade_that_went_nowhere_is_lost() -> None:
    assert reckon([epoch(10, 7, duplicates=1, quarantined=1)], Tally(7, 7, 0)).lost == 1


def test_an_accepted_trade_that_the_raw_log_does_not_hold_is_lost() -> None:
    assert reckon([epoch(10, 10)], Tally(8, 8, 0)).lost == 2


def test_what_a_killed_epoch_had_in_hand_is_not_lost_as_the_next_one_took_it_again() -> None:
    killed = epoch(10, 6, state="running")
    assert reckon([killed, epoch(9, 4, duplicates=5)], Tally(11, 11, 0)).lost == 0


def test_what_a_killed_epoch_did_after_its_last_report_counts_from_the_raw_log() -> None:
    killed = epoch(0, 0, state="running")
    counts = reckon([killed, epoch(1, 0, duplicates=1)], Tally(5, 9, 0))
    assert (counts.trades_in, counts.parts, counts.lost) == (10, 5, 0)


def test_totals_are_over_all_epochs() -> None:
    first = epoch(3, 3, frames=1, ignored={"XT": 1}, quarantined_by_reason={"future": 1})
    second = epoch(4, 4, frames=2, ignored={"XT": 1, "LULD": 1}, quarantined_by_reason={"future": 1})
    counts = reckon([first, second], Tally(7, 7, 0))
    assert (counts.trades_in, counts.frames) == (7, 3)
    assert (counts.ignored, counts.reasons) == ({"XT": 2, "LULD": 1}, {"future": 2})


def test_a_gap_that_was_not_filled_is_a_loss_though_nobody_can_count_it() -> None:
    counts = reckon([epoch(5, 5, gaps_unfilled=1), epoch(5, 5)], Tally(10, 10, 0))
    assert (counts.lost, counts.gaps_unfilled, counts.whole) == (0, 1, False)


@pytest.mark.parametrize(
    ("counts", "whole"),
    [(Counts(), True), (Counts(quarantined=1, late=1), True), (Counts(lost=1), False), (Counts(given_up=1), False)],
)
def test_only_what_was_neither_kept_nor_refused_makes_a_run_fail(counts: Counts, whole: bool) -> None:
    assert counts.whole == whole


@pytest.mark.parametrize("epochs", [[], [{}]])
def test_no_feed_is_no_loss(epochs: list[dict[str, Any]]) -> None:
    assert reckon(epochs, Tally(0, 0, 0)) == Counts()


class Stage:
    """Stands for the poller of a role: what it handles when it is drained, and to whom that gives records."""

    def __init__(self, role: str, order: list[str], waiting: int = 0) -> None:
        self.role, self.waiting, self.gives = role, waiting, dict[str, int]()
        self.counts = mapping_rules.Counts()
        self._order = order
        self.stages: dict[str, Stage] = {}

    def wait_drained(self, seconds: float) -> bool:
        self._order.append(self.role)
        self.counts.records += self.waiting
        if self.waiting:
            for role, records in self.gives.items():
                self.stages[role].waiting += records
            self.gives = {}
        self.waiting = 0
        return True


def pipeline() -> tuple[dict[str, Stage], list[str]]:
    order: list[str] = []
    stages = {role: Stage(role, order) for role in ("announce", "notify", "signals", "persist", "live", "archive")}
    for stage in stages.values():
        stage.stages = stages
    return stages, order


def test_the_end_of_a_feed_is_waited_for_stage_by_stage() -> None:
    stages, order = pipeline()
    drain(cast(Platform, SimpleNamespace(pollers=stages)))
    first = [order.index(role) for role in ("archive", "live", "persist", "signals", "notify", "announce")]
    assert first == sorted(first)
    assert order[-1] == "announce"


def test_what_a_stage_gives_to_its_own_stream_is_waited_for_too() -> None:
    stages, _ = pipeline()
    stages["live"].waiting, stages["live"].gives = 1, {"persist": 1, "signals": 1}
    stages["persist"].gives = {"persist": 2, "signals": 2}
    stages["signals"].gives = {"notify": 5}
    drain(cast(Platform, SimpleNamespace(pollers=stages)))
    assert {role: stage.waiting for role, stage in stages.items()} == dict.fromkeys(stages, 0)
    assert stages["notify"].counts.records == 5


def test_a_stage_that_does_not_come_to_its_end_is_named() -> None:
    stages, _ = pipeline()
    stages["signals"].wait_drained = lambda seconds: False  # type: ignore[method-assign]  # this one never ends
    with pytest.raises(PlatformFailed, match="signals has not caught up"):
        drain(cast(Platform, SimpleNamespace(pollers=stages, check=lambda: None)))


def test_before_a_stop_each_stage_takes_what_it_can_and_none_is_complained_of() -> None:
    stages, order = pipeline()
    stages["persist"].wait_drained = lambda seconds: False  # type: ignore[method-assign]  # this one never ends
    settle(cast(Platform, SimpleNamespace(pollers=stages)))
    assert order == ["archive", "live", "signals", "notify", "announce"]
    settle(cast(Platform, SimpleNamespace(pollers={})))
