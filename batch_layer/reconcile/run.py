"""A trade date reconciled: speed view, rebuild and vendor side by side, each difference with its reason, one report."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from batch_layer.lake.objects import Objects
from batch_layer.reconcile.beside import Beside, Vendor, put_beside
from batch_layer.reconcile.evidence import Evidence
from batch_layer.reconcile.kept import report_key
from batch_layer.reconcile.page import page
from batch_layer.reconcile.reasons import Gap, Reasons
from batch_layer.reconcile.report import MOST_DETAILS, VERSION, Difference, Report, encode
from shared.bars.sessions import SessionTable
from shared.errors import PermanentError
from shared.models.bar import Minute
from shared.stores.lake import Lake


def reconcile(
    day: date,
    lake: Lake,
    sessions: SessionTable,
    *,
    rebuilt: Iterable[Minute],
    speed: Iterable[Minute] | None,
    vendor: Vendor | None,
    known_at: datetime,
    before: Vendor | None = None,
    gaps: Sequence[Gap] = (),
) -> Report:
    """`rebuilt` and `speed` in order of symbol and time, as MinuteLake reads them, and as BarStore answers symbol by
    symbol (`shown`: base and late parts). `lake` has the raw log, which is asked why.

    `speed` and `vendor` None: not compared. `before`: what the vendor had told earlier. Raises StoreUnavailable,
    PermanentError for a date that is no trade date, ValueError for another order.
    """
    session = sessions.day(day)
    if session is None:
        raise PermanentError(f"{day} is no trade date")
    beside = put_beside(session, rebuilt, speed, vendor)
    reasons = Reasons(beside, Evidence(lake, day, sessions), before or Vendor(""), gaps)
    kept = list(_counted(beside, reasons.all()))
    compared = [comparison for comparison in (beside.speed, beside.minutes, beside.days) if comparison is not None]
    return Report(VERSION, day, known_at, None if vendor is None else vendor.source, compared, kept)


def _counted(beside: Beside, differences: Iterable[Difference]) -> Iterator[Difference]:
    """All are counted, and the first ones of each kind are kept."""
    compared = {one.between: one for one in (beside.speed, beside.minutes, beside.days) if one is not None}
    seen: Counter[tuple[str, str]] = Counter()
    for difference in differences:
        compared[difference.between].explained(difference.kind, difference.t)
        seen[difference.between, difference.kind] += 1
        if seen[difference.between, difference.kind] <= MOST_DETAILS:
            yield difference


def write_report(s3: Any, bucket: str, report: Report) -> None:
    """`reports/reconciliation/date=YYYY-MM-DD/report.json` and `report.html`. Raises StoreUnavailable."""
    objects = Objects(s3, bucket)
    objects.put(report_key(report.day, "json"), encode(report), "application/json")
    objects.put(report_key(report.day, "html"), page(report).encode(), "text/html; charset=utf-8")
