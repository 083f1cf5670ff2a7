"""A report with a difference of each kind, for pages."""

from datetime import UTC, datetime

from batch_layer.reconcile.report import KINDS, Comparison, Difference, Report, differing, texts
from tests.unit.batch_layer.reconcile.witnesses import DAY, NOON, bar

OURS, THEIRS = bar(10, 12, 10, 11, 200, 2), bar(10, 13, 10, 11, 250, 3)
REASON = "its high 13 is <b>no price</b> of ours"


def report(*, many: int = 1) -> Report:
    """`many`: differences of the vendor's minutes of each kind. 900 bars are equal."""
    minutes, speed, days = Comparison("vendor minutes"), Comparison("speed view"), Comparison("vendor days")
    for n in range(900):
        minutes.saw(f"S{n % 60:02d}", equal=True)
    found = []
    fields = differing(OURS, THEIRS)
    for kind in KINDS:
        for n in range(many):
            t = NOON + n * 60_000
            minutes.saw("A&B", equal=False)
            minutes.explained(kind, t)
            found.append(Difference("vendor minutes", "A&B", t, kind, REASON, fields, texts(OURS), texts(THEIRS)))
    speed.saw("A&B", equal=False)
    speed.explained("late", NOON)
    found.append(Difference("speed view", "A&B", NOON, "late", "behind", fields, texts(OURS), None))
    return Report(1, DAY, datetime(2013, 10, 9, 1, tzinfo=UTC), "vendor & sons", [speed, minutes, days], found)
