"""A whole reconciliation over a raw log: what is counted, what is told, and what is kept in the lake."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from batch_layer.fetch.minutes import VendorMinute
from batch_layer.rebuild.minutes import rebuild_minutes
from batch_layer.reconcile.beside import Vendor
from batch_layer.reconcile.report import Report, decode
from batch_layer.reconcile.run import reconcile, write_report
from shared.bars.algebra import prepare_rows, row_of
from shared.bars.sessions import new_york_sessions
from shared.bars.totals import Shown
from shared.errors import PermanentError
from shared.frames import encode
from shared.models.bar import Minute
from shared.models.daily import DailyBar
from shared.models.trade import Trade
from tests.fakes.s3 import S3
from tests.parity.raw_log import RawLog, logged
from tests.unit.batch_layer.reconcile.parts import part
from tests.unit.batch_layer.reconcile.witnesses import DAY, NOON, bar, session

KNOWN = datetime(2013, 10, 9, 1, tzinfo=UTC)
MINUTE = 60_000


def trade(sym: str, t: int, price: int, number: int) -> Trade:
    """Of 100 shares."""
    return Trade(sym, t, number, 4, 0, str(number), price * 10**9, 100 * 10**6, (0,), 1)


A = [trade("A", NOON, 10, 1), trade("A", NOON + 1, 12, 2)]
A_LATE = trade("A", NOON + 2_000, 15, 3)
A_NEXT = trade("A", NOON + MINUTE, 11, 4)
B = trade("B", NOON, 50, 5)


def log() -> RawLog:
    return logged([encode([part(A, 1), part([A_NEXT], 2), part([B], 3)]), encode([part([A_LATE], 4, late=1)])], 1)


def minute(one: Sequence[Trade]) -> Minute:
    partial = prepare_rows([row_of(each, session()) for each in one])
    return Minute(one[0].sym, one[0].t - one[0].t % MINUTE, partial)


SPEED = [minute([*A, A_LATE]), minute([A_NEXT]), minute([B])]
THEIRS = {
    ("A", NOON): bar(10, 15, 10, 15, 300),
    ("A", NOON + MINUTE): bar(11, 11, 11, 11, 100),
    ("B", NOON): bar(50, 50, 50, 50, 100),
}
DAYS = {"A": bar(10, 15, 10, 11, 400), "B": bar(50, 50, 50, 50, 100)}


def vendor(minutes: dict[tuple[str, int], Shown] = THEIRS, days: dict[str, Shown] = DAYS) -> Vendor:
    told = [VendorMinute(sym, t, one) for (sym, t), one in sorted(minutes.items())]
    return Vendor("vendor", told, [DailyBar(sym, DAY, *one) for sym, one in days.items()])


def reconciled(
    speed: list[Minute] | None = SPEED,
    theirs: Vendor | None = None,
    before: Vendor | None = None,
    gaps: Sequence[tuple[int, int]] = (),
) -> Report:
    lake = log().lake
    rebuilt = list(rebuild_minutes(lake, DAY, new_york_sessions()))
    report = reconcile(
        DAY,
        lake,
        new_york_sessions(),
        rebuilt=rebuilt,
        speed=speed,
        vendor=theirs or vendor(),
        known_at=KNOWN,
        before=before,
        gaps=gaps,
    )
    for one in report.comparisons:
        assert one.bars == one.equal + sum(one.kinds.values()) == sum(bars for bars, _ in one.symbols.values())
    return report


def told(report: Report) -> list[tuple[str, str, int, str]]:
    return [(one.between, one.sym, one.t, one.kind) for one in report.differences]


def test_where_all_agree_there_is_nothing_to_tell() -> None:
    report = reconciled()
    assert report.differences == []
    assert [(one.between, one.bars, one.equal) for one in report.comparisons] == [
        ("speed view", 3, 3),
        ("vendor minutes", 3, 3),
        ("vendor days", 2, 2),
    ]
    assert (report.unexplained, report.day, report.vendor) == (0, DAY, "vendor")


def test_every_difference_is_told_once_with_both_bars_and_counted_by_kind_symbol_and_half_hour() -> None:
    theirs = vendor({**THEIRS, ("A", NOON): bar(10, 12, 10, 12, 200), ("B", NOON): bar(50, 51, 50, 50, 100)})
    report = reconciled([minute(A), minute([B])], theirs)
    assert sorted(told(report)) == [
        ("speed view", "A", NOON, "late"),
        ("speed view", "A", NOON + MINUTE, "ours"),
        ("vendor minutes", "A", NOON, "late"),
        ("vendor minutes", "B", NOON, "unexplained"),
    ]
    (late,) = (one for one in report.differences if one.between == "vendor minutes" and one.sym == "A")
    assert late.fields == ["h", "c", "v"]
    assert late.ours == {"o": "10", "h": "15", "l": "10", "c": "15", "v": "300", "vw": "12.3333", "n": "3"}
    assert late.theirs == {"o": "10", "h": "12", "l": "10", "c": "12", "v": "200"}
    speed, minutes, days = report.comparisons
    assert (speed.kinds, minutes.kinds, days.kinds) == ({"late": 1, "ours": 1}, {"late": 1, "unexplained": 1}, {})
    assert minutes.symbols == {"A": (2, 1), "B": (1, 0)}
    assert minutes.half_hours["late"][24] == 1
    assert report.unexplained == 1


def test_a_bar_that_the_vendor_has_changed_from_ours_is_a_correction() -> None:
    changed = vendor({**THEIRS, ("B", NOON): bar(51, 51, 51, 51, 100)}, {**DAYS, "B": bar(51, 51, 51, 51, 100)})
    assert told(reconciled(theirs=changed, before=vendor())) == [
        ("vendor minutes", "B", NOON, "correction"),
        ("vendor days", "B", session().start, "correction"),
    ]
    assert [kind for *_, kind in told(reconciled(theirs=changed, before=changed))] == ["unexplained", "unexplained"]


def test_what_nothing_explains_within_a_gap_of_the_feed_is_that_gap() -> None:
    missing = vendor({**THEIRS, ("B", NOON + 30 * MINUTE): bar(50, 50, 50, 50, 7), ("B", NOON): bar(9, 9, 9, 9, 100)})
    away = [(NOON - 1, 1 << 62)]
    report = reconciled(theirs=missing, gaps=away)
    assert [kind for *_, kind in told(report)] == ["gap", "gap"]
    assert report.differences[0].reason.startswith("the feed was away from 11:59 to 00:00; ")
    elsewhere = reconciled(theirs=missing, gaps=[(NOON + MINUTE, NOON + 2 * MINUTE)])
    assert [kind for *_, kind in told(elsewhere)] == ["unexplained", "gap"]


def test_symbols_that_the_vendor_was_not_asked_about_are_not_compared() -> None:
    only_b = vendor({("B", NOON): THEIRS["B", NOON]}, {"B": DAYS["B"]})
    report = reconciled(theirs=only_b._replace(minutes_of={"B"}, days_of={"B"}))
    assert [one.bars for one in report.comparisons] == [3, 1, 1]
    assert report.differences == []
    assert len(reconciled(theirs=only_b).differences) == 3


def test_a_speed_view_that_is_gone_and_a_vendor_that_was_not_asked_are_left_out() -> None:
    lake = log().lake
    rebuilt = rebuild_minutes(lake, DAY, new_york_sessions())
    report = reconcile(DAY, lake, new_york_sessions(), rebuilt=rebuilt, speed=None, vendor=None, known_at=KNOWN)
    assert (report.comparisons, report.vendor) == ([], None)


def test_sources_out_of_order_and_dates_that_are_no_trade_dates_are_refused() -> None:
    with pytest.raises(ValueError, match="must be in order of symbol, was A after B"):
        reconciled([SPEED[2], SPEED[0]])
    sunday = date(2013, 10, 6)
    with pytest.raises(PermanentError, match="2013-10-06 is no trade date"):
        reconcile(sunday, log().lake, new_york_sessions(), rebuilt=[], speed=None, vendor=None, known_at=KNOWN)


def test_the_report_is_kept_as_json_and_as_a_page() -> None:
    s3, report = S3(), reconciled(theirs=vendor({**THEIRS, ("B", NOON): bar(50, 51, 50, 50, 100)}))
    write_report(s3, "lake", report)
    folder = "reports/reconciliation/date=2013-10-08"
    assert decode(s3.objects[f"{folder}/report.json"]) == report
    kept = json.loads(s3.objects[f"{folder}/report.json"])
    assert kept["differences"][0]["theirs"] == {"o": "50", "h": "51", "l": "50", "c": "50", "v": "100"}
    assert s3.objects[f"{folder}/report.html"].startswith(b"<!doctype html>")
    assert s3.content_types == {
        f"{folder}/report.json": "application/json",
        f"{folder}/report.html": "text/html; charset=utf-8",
    }
